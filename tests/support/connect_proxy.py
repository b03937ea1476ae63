"""A real HTTP proxy on 127.0.0.1 that tunnels every CONNECT to one place, or refuses it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ConnectProxy:
    """Notes what it was asked for; `status` is what it answers."""

    def __init__(self, to_port: int, status: int = 200) -> None:
        self.requests: list[str] = []
        self.status = status
        self.port = 0
        self._to_port = to_port

    @property
    def targets(self) -> list[str]:
        return [request.split(" ")[1] for request in self.requests]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(f"HTTP/1.1 {self.status} Scripted\r\n\r\n".encode())
            if self.status == 200:
                back, forth = await asyncio.open_connection("127.0.0.1", self._to_port)
                await asyncio.gather(_pump(reader, forth), _pump(back, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while octets := await source.read(65536):
        sink.write(octets)
        await sink.drain()
    sink.close()


@asynccontextmanager
async def proxying(
    to_port: int, status: int = 200, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ConnectProxy]:
    proxy = ConnectProxy(to_port, status)
    async with await asyncio.start_server(proxy.converse, "127.0.0.1", 0, ssl=tls) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
