"""A real HTTP server on 127.0.0.1 that answers by script: well, badly, slowly, or never."""

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

FOR_EVER = 30.0
"""Longer than any deadline of a test, in seconds; the server's end cuts it short."""

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class JwksServer:
    """Answers each path by what `serve` set for it; unknown paths get a 404."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.hits: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[bytes] = []
        self._tls = tls
        self._answers: dict[str, Answer] = {}
        self._conversations: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self.port = 0

    def serve(self, path: str, answer: Answer) -> str:
        """Set the answer of a path from now on and return its URL."""
        self._answers[path] = answer
        return self.url(path)

    def url(self, path: str = "") -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for conversation, writer in self._conversations.items():
            conversation.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close in the loop's next round

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations[conversation] = writer
        conversation.add_done_callback(self._conversations.pop)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = request.rstrip().split("\r\n")
            path = first.split(" ")[1]
            self.hits.append(path)
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
            }
            self.headers.append(headers)
            if "content-length" in headers:
                self.bodies.append(await reader.readexactly(int(headers["content-length"])))
            await self._answers.get(path, status(404))(writer)
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()  # the client had enough


def _head(code: int, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} Scripted", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def ok(body: bytes, content_type: str = "application/json", **headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, content_type=content_type, **headers) + body)

    return answer


def after(seconds: float, then: Answer) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(writer)

    return answer


def when(gate: asyncio.Event, then: Answer) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await then(writer)

    return answer


def status(code: int, **headers: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(code, content_length="0", **headers))

    return answer


def redirect(to: str, code: int = 302) -> Answer:
    return status(code, location=to)


def html() -> Answer:
    return ok(b"<html><body>Please log in</body></html>", "text/html")


def hang() -> Answer:
    return after(FOR_EVER, status(204))


def slow(body: bytes, seconds_per_byte: float) -> Answer:
    """Send the body byte by byte: no single read takes long."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, content_length=str(len(body))))
        for octet in body:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(seconds_per_byte)

    return answer


def slow_head() -> Answer:
    """Send header after header, for ever."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    return answer


def endless() -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200))
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    return answer


def repeating(start: bytes, again: bytes) -> Answer:
    """Send the one thing, and then the other for ever."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(again * 4000)
            await writer.drain()

    return answer


def in_chunks(body: bytes) -> Answer:
    """Send every byte of the body in a chunk of its own."""
    chunks = b"".join(b"1\r\n%c\r\n" % octet for octet in body)
    return raw(CHUNKED + chunks + b"0\r\n\r\n")


def gzipped(body: bytes) -> Answer:
    return ok(gzip.compress(body), content_encoding="gzip")


def gzip_bomb(megabytes: int) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        writer.write(_head(200, content_encoding="gzip") + packer.compress(b'{"keys":[],"x":"'))
        for _ in range(megabytes):
            writer.write(packer.compress(b"A" * 2**20))
            await writer.drain()
        writer.write(packer.flush())

    return answer


def raw(octets: bytes) -> Answer:
    """Send what may not even be HTTP."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(octets)

    return answer
