"""Flatbuffers, as much of them as APISIX uses: a writer and a reader.

The writer gives the very bytes of APISIX. It works from the back to the front: children first, then
their table, one vtable for all tables of the same shape, so that a vtable is often behind its
table. Scalars of value 0 and absent fields are left out, an empty list is there. APISIX keeps the
absent slots at the end of a vtable; a writer that cuts them, as others do, says as much.

The reader believes any layout, as APISIX's does, and fails only at what is not there to be read.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_OFFSET = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_SLOT = struct.Struct("<H")
SCALARS = {1: struct.Struct("<B"), 2: _SLOT, 4: _OFFSET}
"""How unsigned numbers are written, by their size in bytes."""
_LEFTOVER = b"/0\0\0"
"""What APISIX has after an empty string: whatever was in its memory, not even a zero byte."""


class Unreadable(Exception):
    """These bytes are no such table; APISIX stumbles over them with a runtime error."""


@dataclass(frozen=True)
class Scalar:
    """A number in a table; `size` in bytes."""

    value: int
    size: int


@dataclass(frozen=True)
class Child:
    """Something written before its table; `end` is its distance from the end of the buffer."""

    end: int


Slot = Scalar | Child | None


class Builder:
    """Writes one buffer; `cuts` leaves out what is absent at the end of a vtable."""

    def __init__(self, *, cuts: bool = False) -> None:
        self._cuts = cuts
        self._pieces: list[bytes] = []
        self._size = 0
        self._vtables: dict[bytes, int] = {}

    def string(self, octets: bytes) -> Child:
        """Write a string with its zero byte, if it is not empty."""
        if not octets:
            self._align(4)
            return self._put(_OFFSET.pack(0) + _LEFTOVER)
        self._align(4, len(octets) + 1)
        return self._put(_OFFSET.pack(len(octets)) + octets + b"\0")

    def octets(self, octets: bytes) -> Child:
        """Write a vector of bytes."""
        self._align(4, len(octets))
        return self._put(_OFFSET.pack(len(octets)) + octets)

    def vector(self, children: Sequence[Child]) -> Child:
        """Write a vector of offsets."""
        self._align(4, 4 * len(children))
        for child in reversed(children):
            self._put(self._offset_to(child))
        return self._put(_OFFSET.pack(len(children)))

    def table(self, slots: Sequence[Slot], order: Iterable[int]) -> Child:
        """Write a table, its fields in this order, the first one at its end."""
        start = self._size
        places = [0] * len(slots)
        for number in order:
            slot = slots[number]
            if isinstance(slot, Child):
                self._align(4)
                places[number] = self._put(self._offset_to(slot)).end
            elif slot is not None and slot.value:
                self._align(slot.size)
                places[number] = self._put(SCALARS[slot.size].pack(slot.value)).end
        while self._cuts and places and not places[-1]:
            places.pop()
        self._align(4)
        table = self._size + 4
        entries = b"".join(_SLOT.pack(table - place if place else 0) for place in places)
        vtable = _SLOT.pack(4 + len(entries)) + _SLOT.pack(table - start) + entries
        if vtable in self._vtables:
            self._put(_SIGNED.pack(self._vtables[vtable] - table))
            return Child(table)
        self._put(_SIGNED.pack(len(vtable)))
        self._vtables[vtable] = self._put(vtable).end
        return Child(table)

    def finish(self, root: Child) -> bytes:
        """Return the buffer."""
        self._align(4, 4)
        self._put(self._offset_to(root))
        return b"".join(reversed(self._pieces))

    def _offset_to(self, child: Child) -> bytes:
        return _OFFSET.pack(self._size + 4 - child.end)

    def _align(self, size: int, following: int = 0) -> None:
        self._put(bytes(-(self._size + following) % size))

    def _put(self, octets: bytes) -> Child:
        self._pieces.append(octets)
        self._size += len(octets)
        return Child(self._size)


class Table:
    """A table in a buffer; every read raises Unreadable when it leads out of the buffer."""

    def __init__(self, buffer: bytes, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._vtable = position - _read(_SIGNED, buffer, position)
        self._slots = (_read(_SLOT, buffer, self._vtable) - 4) // 2

    @classmethod
    def root(cls, buffer: bytes) -> "Table":
        """Return the table that a buffer is about."""
        return cls(buffer, _read(_OFFSET, buffer, 0))

    def scalar(self, slot: int, size: int) -> int:
        """Return a number of so many bytes, 0 where it is absent."""
        place = self._place(slot)
        return 0 if place is None else _read(SCALARS[size], self._buffer, place)

    def octets(self, slot: int) -> bytes | None:
        """Return a string or a vector of bytes, None where it is absent."""
        place = self._target(slot)
        if place is None:
            return None
        length = _read(_OFFSET, self._buffer, place)
        if place + 4 + length > len(self._buffer):
            raise Unreadable
        return self._buffer[place + 4 : place + 4 + length]

    def table(self, slot: int) -> "Table":
        """Return a table; one that is absent cannot be read either."""
        place = self._target(slot)
        if place is None:
            raise Unreadable
        return Table(self._buffer, place)

    def tables(self, slot: int) -> Iterator["Table"]:
        """Give the tables of a vector, none where it is absent."""
        place = self._target(slot)
        count = 0 if place is None else _read(_OFFSET, self._buffer, place)
        for number in range(count):
            entry = (place or 0) + 4 + 4 * number
            yield Table(self._buffer, entry + _read(_OFFSET, self._buffer, entry))

    def _place(self, slot: int) -> int | None:
        if slot >= self._slots:
            return None
        offset = _read(_SLOT, self._buffer, self._vtable + 4 + 2 * slot)
        return self._position + offset if offset else None

    def _target(self, slot: int) -> int | None:
        place = self._place(slot)
        return None if place is None else place + _read(_OFFSET, self._buffer, place)


def _read(number: struct.Struct, buffer: bytes, position: int) -> int:
    if position < 0:
        raise Unreadable
    try:
        value: int = number.unpack_from(buffer, position)[0]
    except struct.error as error:
        raise Unreadable from error
    return value
