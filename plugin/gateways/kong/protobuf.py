"""The wire format of Protocol Buffers, as far as Kong's plugin protocol uses it.

Rules: fields are read by number, in any order, unknown ones skipped; a field of another wire type
than expected, a number of more than ten bytes and a length that leads out of the message are
malformed. Strings stay bytes: Kong puts the client's raw bytes into them, so that a codec which
insists on UTF-8 could be made to refuse a call by any client.
"""

from collections.abc import Iterator
from struct import Struct

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

_LENGTH = Struct("=I")
_MAX_SHIFT = 63
_LARGEST = 2**64 - 1


class Malformed(Exception):
    """The bytes are no message of the protocol."""


def frame(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return _LENGTH.pack(len(message)) + message


def varint(value: int) -> bytes:
    """Return a whole number that is not negative, seven bits a byte."""
    octets = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - the largest that fits into one byte
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def bytes_field(number: int, content: bytes) -> bytes:
    """Return a field of bytes, text or a message."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def varint_field(number: int, value: int) -> bytes:
    """Return a field of a whole number; one that is 0 is left out, as proto3 has it."""
    return varint(number << 3) + varint(value) if value else b""


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at a position, and the position behind it.

    Raises:
        Malformed: it does not end in the message, or has more than 64 bits.

    """
    value = shift = 0
    try:
        while True:
            octet = message[at]
            at += 1
            value |= (octet & 0x7F) << shift
            if octet < 0x80:  # noqa: PLR2004 - the bit that says that more follows
                if value > _LARGEST:
                    raise Malformed
                return value, at
            shift += 7
            if shift > _MAX_SHIFT:
                raise Malformed
    except IndexError:
        raise Malformed from None


Value = int | bytes | None
"""A number, bytes, or None for a number of a fixed size, which nobody here reads."""


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of every field.

    Raises:
        Malformed: while iterating.

    """
    at, end = 0, len(message)
    while at < end:
        name, value, at = read_field(message, at)
        yield name, value


def read_field(message: bytes, at: int) -> tuple[int, Value, int]:
    """Return the number and the value of the field at a position, and the position behind it.

    Raises:
        Malformed: there is none.

    """
    key, at = read_varint(message, at)
    kind = key & 7
    if kind == VARINT:
        number, at = read_varint(message, at)
        return key >> 3, number, at
    if kind == BYTES:
        size, at = read_varint(message, at)
        stop = at + size
        if stop > len(message):
            raise Malformed
        return key >> 3, message[at:stop], stop
    if kind in (FIXED64, FIXED32):
        at += 8 if kind == FIXED64 else 4
        if at > len(message):
            raise Malformed
        return key >> 3, None, at
    raise Malformed


def octets(value: Value) -> bytes:
    """Return the value of a field that must hold bytes.

    Raises:
        Malformed: it is a number.

    """
    if not isinstance(value, bytes):
        raise Malformed
    return value


def number(value: Value) -> int:
    """Return the value of a field that must be a number of a variable size.

    Raises:
        Malformed: it is something else.

    """
    if not isinstance(value, int):
        raise Malformed
    return value
