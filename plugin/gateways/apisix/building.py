"""Writing flatbuffers from front to back: vtable, table, then what it refers to.

APISIX's reader takes any layout with right offsets; this one has forward references only and four
bytes for every number, so that writing is joining. A block knows where its object begins: behind
the vtable for a table, at its start for everything else.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from gatepass.plugin.gateways.apisix.flatbuffers import Entry

_UNSIGNED = Struct("<I").pack
_SIGNED = Struct("<i").pack


class Block(NamedTuple):
    """Written octets, a multiple of four, and where the object in them begins."""

    octets: bytes
    begins: int


Field = int | Block | None
"""A number, something to refer to, or nothing."""


def text(content: bytes) -> Block:
    """Return a string, or a vector of bytes: both are written alike, with a zero behind."""
    padding = 4 - len(content) % 4
    return Block(_UNSIGNED(len(content)) + content + bytes(padding), 0)


def vector(blocks: Sequence[Block]) -> Block:
    """Return a vector of references to blocks."""
    at = 4 + 4 * len(blocks)
    head = [_UNSIGNED(len(blocks))]
    place = 4
    for block in blocks:
        head.append(_UNSIGNED(at + block.begins - place))
        place += 4
        at += len(block.octets)
    return Block(b"".join((*head, *(block.octets for block in blocks))), 0)


def table(*fields: Field) -> Block:
    """Return a table with these fields in the order of their slots."""
    present = tuple(field is not None for field in fields)
    vtable, size = _vtable(present)
    begins = len(vtable)
    inline, children = [_SIGNED(begins - _padding(present))], []
    place, at = begins + 4, begins + size
    for field in fields:
        if field is None:
            continue
        if isinstance(field, Block):
            inline.append(_UNSIGNED(at + field.begins - place))
            children.append(field.octets)
            at += len(field.octets)
        else:
            inline.append(_UNSIGNED(field))
        place += 4
    return Block(b"".join((vtable, *inline, *children)), begins)


def entries(pairs: Sequence[Entry]) -> Block:
    """Return a list of names with values; a value of None is left out.

    What is written here is remembered, because it comes again and again.
    """
    return vector([_remembered_entry(name, value) for name, value in pairs])


def passing_entries(pairs: Sequence[Entry]) -> Block:
    """Return the same for what comes once, and is nobody's to keep: cookies, dates."""
    return vector([_entry(name, value) for name, value in pairs])


def finished(block: Block) -> bytes:
    """Return a whole buffer, whose root is the block."""
    return _UNSIGNED(4 + block.begins) + block.octets


def _entry(name: bytes, value: bytes | None) -> Block:
    return table(text(name), None if value is None else text(value))


_remembered_entry = lru_cache(maxsize=4096)(_entry)


def _padding(present: tuple[bool, ...]) -> int:
    """Return how many octets stand before a vtable, so that its table begins at a multiple of 4."""
    return (4 + 2 * len(present)) % 4


@lru_cache(maxsize=256)
def _vtable(present: tuple[bool, ...]) -> tuple[bytes, int]:
    """Return a vtable, padded in front, and the size of its table."""
    short = Struct("<H").pack
    offsets, offset = [], 4
    for is_there in present:
        offsets.append(short(offset if is_there else 0))
        offset += 4 * is_there
    size = short(4 + 2 * len(present))
    return b"".join((bytes(_padding(present)), size, short(offset), *offsets)), offset
