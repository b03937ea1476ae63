"""Flatbuffers by the library that everybody else uses: a second reading and writing of our codec's.

The library ships no types, so it is imported by name.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from support.apisix.messages import Entry

_BUILDER: Any = import_module("flatbuffers.builder")
_TABLE: Any = import_module("flatbuffers.table")
_FLAGS: Any = import_module("flatbuffers.number_types")
_NUMBERS = {1: "Uint8Flags", 2: "Uint16Flags", 4: "Uint32Flags"}
_PREPENDED = {1: "PrependUint8Slot", 2: "PrependUint16Slot", 4: "PrependUint32Slot"}

Child = tuple[str, object]
"""`number1`, `number2`, `number4`, `text`, `octets`, `entries` or `table`, and the value."""


class LibraryTable:
    """A table as the library reads it."""

    def __init__(self, buffer: bytes, position: int | None = None) -> None:
        at = int.from_bytes(buffer[:4], "little") if position is None else position
        self._buffer = buffer
        self._table = _TABLE.Table(bytearray(buffer), at)

    def number(self, slot: int, size: int) -> int:
        """Return a number of so many bytes, 0 where it is absent."""
        offset = self._table.Offset(4 + 2 * slot)
        if not offset:
            return 0
        found: int = self._table.Get(getattr(_FLAGS, _NUMBERS[size]), offset + self._table.Pos)
        return found

    def octets(self, slot: int) -> bytes | None:
        """Return a string or a vector of bytes."""
        offset = self._table.Offset(4 + 2 * slot)
        if not offset:
            return None
        found: bytes = self._table.String(offset + self._table.Pos)
        return found

    def table(self, slot: int) -> "LibraryTable | None":
        """Return a table."""
        offset = self._table.Offset(4 + 2 * slot)
        if not offset:
            return None
        return LibraryTable(self._buffer, self._table.Indirect(offset + self._table.Pos))

    def entries(self, slot: int) -> list[Entry]:
        """Return the names and values of a vector of TextEntry."""
        offset = self._table.Offset(4 + 2 * slot)
        if not offset:
            return []
        start = self._table.Vector(offset)
        found: list[Entry] = []
        for number in range(self._table.VectorLen(offset)):
            entry = LibraryTable(self._buffer, self._table.Indirect(start + 4 * number))
            found.append((entry.octets(0) or b"", entry.octets(1)))
        return found


def written(*fields: Child | None) -> bytes:
    """Return a buffer whose root has these fields, as the library writes it."""
    builder = _BUILDER.Builder(64)
    builder.Finish(_table(builder, fields))
    return bytes(builder.Output())


def _table(builder: Any, fields: Sequence[Child | None]) -> int:  # noqa: ANN401 - without types
    offsets = [_child(builder, field) for field in fields]
    builder.StartObject(len(fields))
    for slot, (field, offset) in enumerate(zip(fields, offsets, strict=True)):
        if field is None:
            continue
        if offset is None:
            getattr(builder, _PREPENDED[int(field[0][-1])])(slot, field[1], 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    found: int = builder.EndObject()
    return found


def _child(builder: Any, field: Child | None) -> int | None:  # noqa: ANN401 - without types
    if field is None or field[0].startswith("number"):
        return None
    kind, value = field
    makers: dict[str, Callable[[Any], int]] = {
        "text": builder.CreateString,
        "octets": builder.CreateByteVector,
        "table": lambda fields: _table(builder, fields),
        "entries": lambda entries: _entries(builder, entries),
    }
    return makers[kind](value)


def _entries(builder: Any, entries: Sequence[Entry]) -> int:  # noqa: ANN401 - without types
    children = [
        _table(builder, [("text", name), None if value is None else ("text", value)])
        for name, value in entries
    ]
    builder.StartVector(4, len(children), 4)
    for child in reversed(children):
        builder.PrependUOffsetTRelative(child)
    found: int = builder.EndVector()
    return found
