"""What nginx reads of an HTTP/1 request, and what it refuses before any plugin is asked."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from support.kong.octets import octets_text
from support.kong.paths import Unreadable, nginx_uri, split_target
from support.kong.request import ClientRequest

MOST_HEADERS = 1000
LONGEST_LINE = 8192
LARGEST_HEADER = 4 * LONGEST_LINE
_METHOD = re.compile(rb"[A-Z_-]+")
_NAME = re.compile(rb"[A-Za-z0-9_-]+")
_REQUEST_LINE = re.compile(rb"(\S+) ([^ \x00-\x1f\x7f]+) HTTP/(1\.[01])")
_ONLY_ONCE = (b"host", b"authorization", b"content-length", b"transfer-encoding")


@dataclass
class Refused(Exception):
    """nginx answers this status by itself."""

    status: int


def read_request(
    stream: io.BufferedIOBase, peer: str, say_continue: Callable[[], None]
) -> ClientRequest | None:
    """Read a request, or None at the end of the connection. Raises Refused.

    A client that wants to hear so is told to go on before its body is read.
    """
    first = stream.readline(LONGEST_LINE + 1)
    if not first:
        return None
    if len(first) > LONGEST_LINE:
        raise Refused(414)
    line = _REQUEST_LINE.fullmatch(first.rstrip(b"\r\n"))
    if line is None or not _METHOD.fullmatch(line[1]) or line[1] == b"CONNECT":
        raise Refused(400)
    headers = _read_headers(stream)
    version = float(line[3])
    _check(headers, version)
    if line[1] == b"TRACE":
        raise Refused(405)
    try:
        nginx_uri(split_target(line[2])[1])
    except Unreadable as error:
        raise Refused(400) from error
    if any(name.lower() == b"expect" for name, _ in headers):
        say_continue()
    return ClientRequest(
        line[1].decode(),
        line[2],
        tuple((name, value) for name, value in headers if _NAME.fullmatch(name)),
        _read_body(stream, headers),
        peer,
        version,
    )


def _read_headers(stream: io.BufferedIOBase) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = []
    size = 0
    while line := stream.readline(LONGEST_LINE + 1).rstrip(b"\r\n"):
        size += len(line)
        name, colon, value = line.partition(b":")
        if not colon or b"\0" in line or name != name.strip() or not name:
            raise Refused(400)
        headers.append((name, value.strip(b" ")))
        if len(line) > LONGEST_LINE or size > LARGEST_HEADER or len(headers) > MOST_HEADERS:
            raise Refused(400)
    return headers


def _check(headers: list[tuple[bytes, bytes]], version: float) -> None:
    names = [name.lower() for name, _ in headers]
    if any(names.count(name) > 1 for name in _ONLY_ONCE):
        raise Refused(400)
    if version > 1.0 and b"host" not in names:
        raise Refused(400)
    if b"transfer-encoding" in names and (b"content-length" in names or version < 1.1):
        raise Refused(400)


def _read_body(stream: io.BufferedIOBase, headers: list[tuple[bytes, bytes]]) -> bytes:
    lower = {name.lower(): octets_text(value) for name, value in headers}
    if "transfer-encoding" in {octets_text(name) for name in lower}:
        return _read_chunks(stream, lower[b"transfer-encoding"])
    length = lower.get(b"content-length", "0")
    if not length.isdecimal():
        raise Refused(400)
    return stream.read(int(length))


def _read_chunks(stream: io.BufferedIOBase, coding: str) -> bytes:
    if coding.lower() != "chunked":
        raise Refused(501)
    body = b""
    try:
        while size := int(stream.readline().partition(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
    except ValueError as error:
        raise Refused(400) from error
    while stream.readline().rstrip(b"\r\n"):
        pass
    return body
