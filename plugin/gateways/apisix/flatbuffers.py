"""Reading and writing flatbuffers, as far as APISIX's runner protocol uses them.

Reading rules: every position is checked before it is used; a table's vtable may lie before or
behind it; a field beyond the vtable's end, or with the offset 0, is absent; strings are bytes,
because they are what a client sent. Writing is from front to back with forward offsets only, which
APISIX's reader takes. What is not here: file identifiers, size prefixes, structs, nested buffers.
"""

from struct import Struct, error

MAX_ENTRIES = 1000
"""More entries of a list than nginx lets headers or arguments be."""

_UNSIGNED = Struct("<I")
_SIGNED = Struct("<i")
_SHORT = Struct("<H")
_VTABLES = tuple(Struct(f"<{slots}H") for slots in range(17))
_OFFSETS = tuple(Struct(f"<{count}I") for count in range(129))
_ENTRY_HEAD = Struct("<iII")
_AS_APISIX_WRITES = (8, 4)
"""Where an entry has its name and its value: in the second place and in the first."""
_VTABLE_HEAD = 4
_VTABLE_BYTES = _VTABLE_HEAD + 2 * 16
"""What is looked at of a vtable; a later schema may have more fields than we know."""

Entry = tuple[bytes, bytes | None]
"""A name and its value; an absent value is not the empty one."""


class Malformed(Exception):
    """The bytes are no such table."""


class Table:
    """A table in a buffer; `slots` are the offsets of its fields."""

    __slots__ = ("at", "buffer", "slots")

    def __init__(self, buffer: bytes, at: int) -> None:
        self.buffer = buffer
        self.at = at
        self.slots = _vtable(buffer, at)

    def number(self, slot: int, kind: Struct, default: int = 0) -> int:
        """Return a number.

        Raises:
            Malformed: it lies outside of the buffer.

        """
        offset = self.slots[slot] if slot < len(self.slots) else 0
        if not offset:
            return default
        try:
            found: int = kind.unpack_from(self.buffer, self.at + offset)[0]
        except error:
            raise Malformed from None
        return found

    def octets(self, slot: int) -> bytes | None:
        """Return a string or a vector of bytes, None when it is absent.

        Raises:
            Malformed: it lies outside of the buffer.

        """
        at = self._reference(slot)
        return None if at is None else _octets(self.buffer, at)

    def table(self, slot: int) -> "Table | None":
        """Return a table that the field refers to, None when it is absent.

        Raises:
            Malformed: it lies outside of the buffer.

        """
        at = self._reference(slot)
        return None if at is None else Table(self.buffer, at)

    def entries(self, slot: int) -> list[Entry]:
        """Return a list of names with values; an absent list is empty.

        Raises:
            Malformed: something of it lies outside of the buffer, or it is longer than that.

        """
        at = self._reference(slot)
        return [] if at is None else _entries(self.buffer, at)

    def _reference(self, slot: int) -> int | None:
        offset = self.slots[slot] if slot < len(self.slots) else 0
        if not offset:
            return None
        at = self.at + offset
        try:
            reference: int = _UNSIGNED.unpack_from(self.buffer, at)[0]
        except error:
            raise Malformed from None
        return at + reference


def root(buffer: bytes) -> Table:
    """Return the table that a buffer holds.

    Raises:
        Malformed: it holds none.

    """
    try:
        at: int = _UNSIGNED.unpack_from(buffer, 0)[0]
    except error:
        raise Malformed from None
    return Table(buffer, at)


def first_octets(buffer: bytes) -> bytes | None:
    """Return the string that is a buffer's first field: what an answer holds, and nothing else.

    Raises:
        Malformed: the buffer holds no table, or the string lies outside of it.

    """
    unsigned, end = _UNSIGNED.unpack_from, len(buffer)
    try:
        table = unsigned(buffer, 0)[0]
        vtable = table - _SIGNED.unpack_from(buffer, table)[0]
        size = _SHORT.unpack_from(buffer, vtable)[0] if vtable >= 0 else 1
        if size & 1 or size < _VTABLE_HEAD or vtable + min(size, _VTABLE_BYTES) > end:
            raise Malformed
        offset = size > _VTABLE_HEAD and _SHORT.unpack_from(buffer, vtable + _VTABLE_HEAD)[0]
        if not offset:
            return None
        at = table + offset
        at += unsigned(buffer, at)[0] + 4
        stop = at + unsigned(buffer, at - 4)[0]
    except error:
        raise Malformed from None
    if stop > end:
        raise Malformed
    return buffer[at:stop]


def _vtable(buffer: bytes, table: int) -> tuple[int, ...]:
    try:
        at = table - _SIGNED.unpack_from(buffer, table)[0]
        if at < 0:
            raise Malformed
        size = _SHORT.unpack_from(buffer, at)[0]
        slots = (size - _VTABLE_HEAD) >> 1
        if slots < 0 or size & 1:
            raise Malformed
        found: tuple[int, ...] = _VTABLES[min(slots, 16)].unpack_from(buffer, at + _VTABLE_HEAD)
    except error:
        raise Malformed from None
    return found


def _octets(buffer: bytes, at: int) -> bytes:
    try:
        end = at + 4 + _UNSIGNED.unpack_from(buffer, at)[0]
    except error:
        raise Malformed from None
    if end > len(buffer):
        raise Malformed
    return buffer[at + 4 : end]


def _entries(buffer: bytes, at: int) -> list[Entry]:
    """Return the entries; a loop of its own, because this is most of what reading a call costs."""
    unsigned, heads, end = _UNSIGNED.unpack_from, _ENTRY_HEAD.unpack_from, len(buffer)
    room = end  # entries that lie over each other would be more than the buffer
    known: dict[int, tuple[int, int]] = {}
    entries: list[Entry] = []
    value: bytes | None
    try:
        (count,) = unsigned(buffer, at)
        if count > MAX_ENTRIES:
            raise Malformed
        kind = _OFFSETS[count] if count < len(_OFFSETS) else Struct(f"<{count}I")
        at += 4
        for reference in kind.unpack_from(buffer, at):
            table = at + reference
            at += 4
            # behind a table with a name is at least the name's length: so much can be read
            back, to_value, to_name = heads(buffer, table)
            offsets = known.get(table - back)
            if offsets is None:
                offsets = known[table - back] = _entry_offsets(buffer, table)
            if offsets is _AS_APISIX_WRITES:
                start = table + 12 + to_name
                stop = start + unsigned(buffer, start - 4)[0]
                begin = table + 8 + to_value
                finish = begin + unsigned(buffer, begin - 4)[0]
                if stop > end or finish > end:
                    raise Malformed
                key, value = buffer[start:stop], buffer[begin:finish]
                room -= len(key) + len(value)
            else:
                key, value = _entry(buffer, table, *offsets)
                room -= len(key) + len(value or b"")
            if room < 0:
                raise Malformed
            entries.append((key, value))
    except error:
        raise Malformed from None
    return entries


def _entry_offsets(buffer: bytes, table: int) -> tuple[int, int]:
    name, value = (*_vtable(buffer, table), 0, 0)[:2]
    return _AS_APISIX_WRITES if (name, value) == _AS_APISIX_WRITES else (name, value)


def _entry(buffer: bytes, table: int, name: int, value: int) -> Entry:
    """Return an entry of any layout; one without a name is none."""
    if not name:
        raise Malformed
    return _text(buffer, table + name), _text(buffer, table + value) if value else None


def _text(buffer: bytes, at: int) -> bytes:
    return _octets(buffer, at + int(_UNSIGNED.unpack_from(buffer, at)[0]))
