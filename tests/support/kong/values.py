"""Struct, Value and ListValue: as bytes, and as Lua sees them once Kong has unwrapped them.

A Value is plain Python; one without any kind is None, and a null is a Null. What becomes of it in
Lua is another thing: false is lost, a null turns into text, and a list ends at its first hole.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from support.kong.octets import (
    Undecodable,
    bytes_field,
    double,
    double_field,
    fields,
    octets_text,
    submessages,
    text_octets,
    varint_field,
)


class Null(IntEnum):
    """A null_value, by its number: servers send 0, Kong writes its nil as 1."""

    SENT = 0
    NIL = 1


def encode_value(value: object) -> bytes:
    """Encode a Value; None has no kind."""
    match value:
        case None:
            field = b""
        case Null():
            field = varint_field(1, value)
        case bool():
            field = varint_field(4, value)
        case int() | float():
            field = double_field(2, value)
        case str():
            field = bytes_field(3, text_octets(value))
        case dict():
            field = bytes_field(5, encode_struct(value))
        case list():
            field = bytes_field(6, encode_list(value))
        case _:
            raise TypeError(value)
    return field


def encode_struct(members: Mapping[str, object]) -> bytes:
    """Encode a Struct."""
    return b"".join(
        bytes_field(1, bytes_field(1, text_octets(key)) + bytes_field(2, encode_value(value)))
        for key, value in members.items()
    )


def encode_list(values: Sequence[object]) -> bytes:
    """Encode a ListValue."""
    return b"".join(bytes_field(1, encode_value(value)) for value in values)


def decode_value(octets: bytes) -> object:
    """Decode a Value; the last kind counts. Raises Undecodable."""
    value: object = None
    for number, _, content in fields(octets):
        match number, content:
            case 1, int():
                value = Null.NIL if content else Null.SENT
            case 2, bytes():
                value = double(content)
            case 3, bytes():
                value = octets_text(content)
            case 4, int():
                value = bool(content)
            case 5, bytes():
                value = decode_struct(content)
            case 6, bytes():
                value = decode_list(content)
            case _ if number <= 6:
                raise Undecodable(str(number))
    return value


def decode_struct(octets: bytes) -> dict[str, object]:
    """Decode a Struct. Raises Undecodable."""
    members: dict[str, object] = {}
    for entry in submessages(octets, 1):
        key, value = "", None
        for number, _, content in fields(entry):
            if number == 1 and isinstance(content, bytes):
                key = octets_text(content)
            elif number == 2 and isinstance(content, bytes):
                value = decode_value(content)
        members[key] = value
    return members


def decode_list(octets: bytes) -> list[object]:
    """Decode a ListValue. Raises Undecodable."""
    return [decode_value(value) for value in submessages(octets, 1)]


def to_lua(value: object) -> object:
    """Return what a Value is in Lua."""
    match value:
        case Null():
            return 1.0 if value else "NULL_VALUE"
        case False:
            return None
        case dict():
            return struct_to_lua(value)
        case list():
            members = [to_lua(member) for member in value]
            whole = members[: members.index(None)] if None in members else members
            return whole or {}
        case _:
            return value


def struct_to_lua(members: Mapping[str, object]) -> dict[str, object]:
    """Return what a Struct is in Lua."""
    table = {key: to_lua(member) for key, member in members.items()}
    return {key: member for key, member in table.items() if member is not None}


def from_lua(value: object) -> object:
    """Return the Value that Kong writes for something of Lua's."""
    match value:
        case None:
            return Null.NIL
        case dict():
            return {key: from_lua(member) for key, member in value.items()}
        case list():
            return [from_lua(member) for member in value] or {}
        case bool() | str():
            return value
        case int() | float():
            return float(value)
        case _:
            raise TypeError(value)
