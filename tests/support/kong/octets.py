"""The octets of protobuf: varints, tags and the fields of a message, not yet interpreted."""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types that still exist."""


class Undecodable(Exception):
    """These bytes are not that message."""


def text_octets(text: str) -> bytes:
    """Return the bytes of a text; those that were not UTF-8 are surrogate escapes in it."""
    return text.encode("utf-8", "surrogateescape")


def octets_text(octets: bytes) -> str:
    """Return bytes as text, losing nothing."""
    return octets.decode("utf-8", "surrogateescape")


def varint_field(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def double_field(number: int, value: float) -> bytes:
    return varint(number << 3 | FIXED64) + struct.pack("<d", value)


def bytes_field(number: int, octets: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(octets)) + octets


def varint(number: int) -> bytes:
    """Encode a number; negative ones as 64 bits."""
    number &= (1 << 64) - 1
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def fields(octets: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Give number, wire type and content of every field. Raises Undecodable."""
    position = 0
    while position < len(octets):
        tag, position = _read_varint(octets, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == VARINT:
            content, position = _read_varint(octets, position)
            yield number, wire_type, content
            continue
        if wire_type == BYTES:
            size, position = _read_varint(octets, position)
        elif wire_type in {FIXED64, FIXED32}:
            size = 8 if wire_type == FIXED64 else 4
        else:
            raise Undecodable(str(wire_type))
        if position + size > len(octets):
            raise Undecodable("cut short")
        yield number, wire_type, octets[position : position + size]
        position += size


def submessages(octets: bytes, wanted: int) -> Iterator[bytes]:
    """Give the contents of all fields of a number. Raises Undecodable."""
    for number, _, content in fields(octets):
        if number == wanted:
            if not isinstance(content, bytes):
                raise Undecodable(str(number))
            yield content


def double(octets: bytes) -> float:
    value: float = struct.unpack("<d", octets)[0]
    return value


def signed(number: int, bits: int) -> int:
    """Cut a number to its bits; the highest is the sign."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def _read_varint(octets: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while position < len(octets) and shift < 70:
        octet = octets[position]
        position += 1
        number |= (octet & 0x7F) << shift
        if octet < 0x80:
            return number, position
        shift += 7
    raise Undecodable("cut short")
