"""HTTP/1.1 spoken by hand, so that a client can be as rude as it likes."""

import http.client
import io
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

Header = tuple[str | bytes, str | bytes]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


class NoReply(Exception):
    """The other side closed the connection, or did not answer in time."""


def ask(  # noqa: PLR0913 - a request has these parts, in this order
    port: int,
    method: str = "GET",
    target: str | bytes = "/",
    headers: Iterable[Header] = (),
    body: bytes | None = None,
    *,
    timeout: float = 10.0,
) -> Reply:
    """Send one request exactly as spelled; Host, Connection and the length come with it."""
    lines = [_bytes(method) + b" " + _bytes(target) + b" HTTP/1.1", b"Host: gateway.example"]
    pairs = [(_bytes(name), _bytes(value)) for name, value in headers]
    if not any(name.lower() == b"connection" for name, _ in pairs):
        lines.append(b"Connection: close")
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    lines += [name + b": " + value for name, value in pairs]
    return exchange(port, b"\r\n".join(lines) + b"\r\n\r\n" + (body or b""), method, timeout)


def exchange(port: int, octets: bytes, method: str = "GET", timeout: float = 10.0) -> Reply:
    """Send these octets and read one response."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(octets)  # it may be answered before all was sent
        return read_reply(connection, method)


def read_reply(connection: socket.socket, method: str = "GET") -> Reply:
    """Read one response from a connection."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        return Reply(response.status, tuple(response.getheaders()), response.read())
    except (OSError, http.client.HTTPException) as error:
        raise NoReply from error


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


@dataclass(frozen=True)
class RawRequest:
    """A request as its bytes say it, nothing interpreted."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a header; only the letter case of its name is free."""
        return [value for key, value in self.headers if key.lower() == name]


def read_request(stream: io.BufferedIOBase) -> RawRequest | None:
    """Read one request, or None at the end of the connection."""
    first = stream.readline().decode("latin-1").rstrip("\r\n")
    if not first:
        return None
    method, target, _version = first.split(" ", 2)
    headers = []
    while line := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    return RawRequest(method, target, tuple(headers), _read_body(stream, headers))


def _read_body(stream: io.BufferedIOBase, headers: Sequence[tuple[str, str]]) -> bytes:
    lower = {name.lower(): value for name, value in headers}
    if lower.get("transfer-encoding", "") != "chunked":
        return stream.read(int(lower.get("content-length", "0")))
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body
