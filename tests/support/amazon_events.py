"""Amazon's binary streams of events, as its services write them."""

from base64 import b64encode
from binascii import crc32
from json import dumps
from struct import pack

_TEXT = 7


def message(kind: str, payload: bytes) -> bytes:
    """Return one message of a stream."""
    headers = b"".join(
        pack(">B", len(name)) + name + pack(">BH", _TEXT, len(value)) + value
        for name, value in (
            (b":event-type", kind.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    lengths = pack(">II", len(headers) + len(payload) + 16, len(headers))
    body = lengths + pack(">I", crc32(lengths)) + headers + payload
    return body + pack(">I", crc32(body))


def chunk(event: bytes) -> bytes:
    """Return an event of a model as InvokeModelWithResponseStream wraps it."""
    wrapped = {"bytes": b64encode(event).decode(), "p": "abcdefghijklmn"}
    return message("chunk", dumps(wrapped, separators=(",", ":")).encode())


def written(lines: str) -> bytes:
    """Return the stream that the lines of a `.messages` file stand for."""
    stream = []
    for line in lines.splitlines():
        kind, _, payload = line.partition(" ")
        octets = payload.encode()
        stream.append(chunk(octets) if kind == "chunk" else message(kind, octets))
    return b"".join(stream)
