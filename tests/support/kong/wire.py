"""ProtoBuf:1 on the wire: frames, and messages by the tables of schema.py.

A message is a dict of the fields that are present. Text is a str whose bytes that are not UTF-8
are surrogate escapes, as Kong hands out whatever the client sent. As Kong encodes: zero, empty text
and empty lists are left out, false is written, and so is whatever is one of several.
"""

import struct
from collections.abc import Mapping

from support.kong.octets import (
    BYTES,
    FIXED64,
    VARINT,
    Undecodable,
    bytes_field,
    double,
    double_field,
    fields,
    octets_text,
    signed,
    text_octets,
    varint_field,
)
from support.kong.schema import MESSAGES, Field
from support.kong.values import (
    decode_list,
    decode_struct,
    decode_value,
    encode_list,
    encode_struct,
    encode_value,
)

LENGTH = struct.Struct("=I")
"""What stands before every frame, in the byte order of the machine."""

_WIRE_TYPES = {"int32": VARINT, "int64": VARINT, "bool": VARINT, "double": FIXED64}
_SCALARS = frozenset({*_WIRE_TYPES, "string", "bytes"})


def frame(payload: bytes) -> bytes:
    """Return a payload with its length before it."""
    return LENGTH.pack(len(payload)) + payload


def encode(name: str, message: object) -> bytes:
    """Encode a message, leaving out what it has no field for."""
    if name == "Value":
        return encode_value(message)
    if name == "ListValue":
        assert isinstance(message, list)
        return encode_list(message)
    assert isinstance(message, Mapping)
    if name == "Struct":
        return encode_struct(message)
    known = MESSAGES[name]
    return b"".join(
        _encoded(known[key], each)
        for key, value in message.items()
        if key in known
        for each in (value if known[key].repeated else [value])
        if not _left_out(known[key], each)
    )


def decode(name: str, octets: bytes) -> object:
    """Decode a message; unknown fields are skipped. Raises Undecodable."""
    match name:
        case "Value":
            return decode_value(octets)
        case "Struct":
            return decode_struct(octets)
        case "ListValue":
            return decode_list(octets)
    return decode_message(name, octets)


def decode_message(name: str, octets: bytes) -> dict[str, object]:
    """Decode a message of schema.py. Raises Undecodable."""
    by_number = {field.number: (key, field) for key, field in MESSAGES[name].items()}
    message: dict[str, object] = {}
    lists: dict[str, list[object]] = {}
    for number, wire_type, content in fields(octets):
        if number not in by_number:
            continue
        key, field = by_number[number]
        if wire_type != _WIRE_TYPES.get(field.kind, BYTES):
            raise Undecodable(key)
        value = _decoded(field, content)
        if field.repeated:
            lists.setdefault(key, []).append(value)
            message[key] = lists[key]
        else:
            message[key] = value
    return message


def _left_out(field: Field, value: object) -> bool:
    empty = value is not False and value in (0, "", b"")
    return empty and field.kind in _SCALARS and not (field.chosen or field.repeated)


def _encoded(field: Field, value: object) -> bytes:
    match value:
        case _ if field.kind not in _SCALARS:
            return bytes_field(field.number, encode(field.kind, value))
        case int() if field.kind in {"int32", "int64", "bool"}:
            return varint_field(field.number, value)
        case int() | float() if field.kind == "double":
            return double_field(field.number, value)
        case bytes() if field.kind == "bytes":
            return bytes_field(field.number, value)
        case str() if field.kind == "string":
            return bytes_field(field.number, text_octets(value))
        case _:
            raise TypeError(field.kind)


def _decoded(field: Field, content: int | bytes) -> object:
    if isinstance(content, int):
        if field.kind == "bool":
            return bool(content)
        return signed(content, 32 if field.kind == "int32" else 64)
    match field.kind:
        case "double":
            return double(content)
        case "string":
            return octets_text(content)
        case "bytes":
            return content
        case kind:
            return decode(kind, content)
