"""The binary streams of Amazon's services (application/vnd.amazon.eventstream), read at their end.

A message is its length, the length of its headers and a checksum of these eight octets; then
headers, payload, and a checksum of it all. Only the last octets of a stream may be at hand, cut
anywhere: the first place from which messages follow each other to the end, with every checksum
right, is where they begin. What a model writes stands in JSON inside of a payload, where none of
the octets 0 can stand that every length begins with, so no text can be taken for a message.
"""

from base64 import b64decode
from binascii import crc32
from collections.abc import Iterator, Sequence
from struct import Struct

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_PRELUDE = Struct(">III")
_CHECKSUM = Struct(">I")
_LEAST_BYTES = _PRELUDE.size + _CHECKSUM.size
_LENGTHS_BYTES = 8
_ZERO = b"\0"
_WRAPPED = b'{"bytes":"'


def payloads_at_the_end(tail: bytes) -> Sequence[bytes]:
    """Return the payloads of the whole messages that a stream ends with, if it is one."""
    start = tail.find(_ZERO)
    while start >= 0:
        payloads, end = _messages_from(tail, start)
        if payloads and end == len(tail):
            return payloads
        start = tail.find(_ZERO, max(start + 1, end))  # what is inside of a message is none
    return ()


def payloads_at_the_start(head: bytes) -> Sequence[bytes]:
    """Return the payloads of the whole messages that a stream begins with."""
    return _messages_from(head, 0)[0]


def events_in(payload: bytes) -> Iterator[bytes]:
    """Yield the JSON texts of a payload: itself, or the event that it wraps in base64."""
    yield payload
    if payload.startswith(_WRAPPED):
        wrapped, _, _ = payload.removeprefix(_WRAPPED).partition(b'"')
        try:
            yield b64decode(wrapped, validate=True)
        except ValueError:
            return


def _messages_from(octets: bytes, start: int) -> tuple[Sequence[bytes], int]:
    """Return the payloads of the messages that follow each other, and where they end."""
    payloads = []
    while len(octets) - start >= _LEAST_BYTES:
        length, headers_length, checksum = _PRELUDE.unpack_from(octets, start)
        end = start + length
        if (
            crc32(octets[start : start + _LENGTHS_BYTES]) != checksum
            or not _LEAST_BYTES + headers_length <= length <= len(octets) - start
            or crc32(octets[start : end - _CHECKSUM.size])
            != _CHECKSUM.unpack_from(octets, end - _CHECKSUM.size)[0]
        ):
            break
        payloads.append(octets[start + _PRELUDE.size + headers_length : end - _CHECKSUM.size])
        start = end
    return payloads, start
