"""Reading flatbuffers: what APISIX writes, and what would lead out of the buffer or in circles."""

import struct
import tracemalloc
from struct import Struct

import pytest

from gatepass.plugin.gateways.apisix.flatbuffers import MAX_ENTRIES, Malformed, Table, root
from gatepass.plugin.gateways.apisix.messages import read_http_req_call
from support.apisix import flat
from support.apisix.messages import Extra, Prepare, RequestCall, encode
from support.apisix_flatbuffers import written

BYTE, SHORT, LONG = Struct("<B"), Struct("<H"), Struct("<I")
FAR = 2**32 - 1
HEADERS = ((b"host", b"h"), (b"x-flag", None), (b"x-empty", b""), (b"x-dup", b"1"), (b"x-dup", b""))


def longs(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def table_at(offset: int, *slots: int, size: int | None = None) -> bytes:
    """Return a root, a vtable with these slots, and the table's own offset to it."""
    length = 4 + 2 * len(slots) if size is None else size
    vtable = struct.pack(f"<{2 + len(slots)}H", length, 4, *slots)
    vtable += bytes(-len(vtable) % 4)
    return longs(4 + len(vtable)) + vtable + struct.pack("<i", offset or len(vtable))


def field(content: bytes, slots: int = 1) -> Table:
    """Return a table whose one field is right behind it; `content` is field and all after it."""
    return root(table_at(0, 4, *(0,) * (slots - 1)) + content)


# -- what APISIX writes ------------------------------------------------------------------------


def test_0e_vtables_may_lie_behind_their_tables() -> None:
    """APISIX has one vtable for all tables of one shape, often behind or far before them."""
    headers = [(b"n%d" % number, b"v%d" % number) for number in range(30)]
    octets = encode(RequestCall(headers=tuple(headers)))
    assert any(each._vtable > each._position for each in flat.Table.root(octets).tables(5))
    assert root(octets).entries(5) == headers


def test_0e_a_vtable_behind_its_table_is_found() -> None:
    table = longs(4) + struct.pack("<i", -8) + longs(7) + struct.pack("<3H", 6, 8, 4)
    assert root(table).number(0, LONG) == 7


def test_0e_what_is_absent_has_its_default() -> None:
    call = read_http_req_call(encode(RequestCall()))
    assert call == (0, b"", "GET", b"", [], 0)
    assert root(encode(Extra())).octets(0) is None
    assert root(encode(Prepare())).table(1) is None


@pytest.mark.parametrize("cuts", [False, True])
def test_0e_absent_fields_at_the_end_may_be_cut_from_the_vtable(*, cuts: bool) -> None:
    call = root(encode(RequestCall(5, headers=HEADERS), cuts=cuts))
    assert call.number(0, LONG) == 5
    assert call.entries(5) == list(HEADERS)
    assert call.number(6, LONG) == 0
    assert call.octets(1) is None


def test_a_value_that_is_absent_is_not_the_empty_one() -> None:
    assert root(encode(RequestCall(headers=HEADERS))).entries(5) == list(HEADERS)


def test_a_string_needs_no_zero_behind_it() -> None:
    """APISIX leaves whatever was in its memory behind an empty one."""
    assert field(longs(4, 0) + b"/").octets(0) == b""
    assert field(longs(4, 3) + b"abc").octets(0) == b"abc"


def test_strings_are_bytes() -> None:
    octets = bytes(range(256))
    assert root(encode(Extra(octets))).octets(0) == octets


def test_fields_of_a_later_schema_are_not_looked_at() -> None:
    fields = [("number4", number + 1) for number in range(40)]
    table = root(written(*fields))
    assert [table.number(slot, LONG) for slot in range(20)] == [*range(1, 17), 0, 0, 0, 0]


def test_numbers_of_every_width() -> None:
    table = root(written(("number1", 255), ("number2", 65535), ("number4", FAR)))
    assert (table.number(0, BYTE), table.number(1, SHORT), table.number(2, LONG)) == (
        255,
        65535,
        FAR,
    )


def test_a_table_in_a_table() -> None:
    inner = root(written(None, ("table", [("text", b"x")]))).table(1)
    assert inner is not None
    assert inner.octets(0) == b"x"


# -- what leads out of the buffer ---------------------------------------------------------------


@pytest.mark.parametrize("size", range(12))
def test_sec_41_a_buffer_that_ends_too_soon_is_malformed(size: int) -> None:
    whole = longs(8) + struct.pack("<2H", 4, 4) + struct.pack("<i", 4)
    assert root(whole).slots == ()
    with pytest.raises(Malformed):
        root(whole[:size])


@pytest.mark.parametrize("at", [1, 12, 13, 2**31, FAR])
def test_sec_41_a_root_outside_of_the_buffer_is_malformed(at: int) -> None:
    with pytest.raises(Malformed):
        root(longs(at) + bytes(8))


@pytest.mark.parametrize("offset", [9, 2**31 - 1, -5, -(2**31)])
def test_sec_41_a_vtable_outside_of_the_buffer_is_malformed(offset: int) -> None:
    """A position below zero would be read from the buffer's end."""
    with pytest.raises(Malformed):
        root(longs(8) + longs(0) + struct.pack("<i", offset))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 65535])
def test_sec_41_a_vtable_of_an_impossible_size_is_malformed(size: int) -> None:
    with pytest.raises(Malformed):
        root(table_at(0, 4, size=size))


@pytest.mark.parametrize("offset", [8, 4000, 65535])
def test_sec_41_a_field_outside_of_the_buffer_is_malformed(offset: int) -> None:
    table = root(table_at(0, offset) + bytes(4))
    with pytest.raises(Malformed):
        table.number(0, LONG)
    for read in (table.octets, table.table, table.entries):
        with pytest.raises(Malformed):
            read(0)


@pytest.mark.parametrize("reference", [5, 2**31, FAR])
def test_sec_41_a_reference_out_of_the_buffer_is_malformed(reference: int) -> None:
    table = field(longs(reference, 0))
    for read in (table.octets, table.table, table.entries):
        with pytest.raises(Malformed):
            read(0)


@pytest.mark.parametrize("length", [4, 5, 2**31, FAR])
def test_sec_41_a_string_beyond_the_end_is_malformed(length: int) -> None:
    with pytest.raises(Malformed):
        field(longs(4, length) + b"abc").octets(0)


@pytest.mark.parametrize("count", [2, MAX_ENTRIES, MAX_ENTRIES + 1, 2**31, FAR])
def test_sec_41_a_list_that_is_longer_than_the_buffer_is_malformed(count: int) -> None:
    with pytest.raises(Malformed):
        field(longs(4, count) + longs(0)).entries(0)


def entry(name: int | None, value: int | None, *content: int) -> Table:
    """Return a table with a list of one entry whose fields hold these references."""
    slots = [0 if name is None else 4, 0 if value is None else 8]
    refers = longs(*(one for one in (name, value) if one is not None))
    inner = struct.pack("<4H", 8, 12, *slots) + struct.pack("<i", 8) + refers
    return field(longs(4, 1, 12) + inner + longs(*content))


def test_an_entry_of_this_shape_is_read() -> None:
    """So what follows fails because of what is wrong in it, and not of its shape."""
    assert entry(8, 8, 0, 0).entries(0) == [(b"", b"")]


@pytest.mark.parametrize(
    ("name", "value", "content"),
    [
        (None, 8, (0, 0)),  # a header without a name
        (FAR, 8, (0, 0)),
        (8, FAR, (0, 0)),
        (8, 8, (FAR, 0)),
        (8, 8, (0, FAR)),
        (8, 8, (9, 0)),
        (8, 8, (0, 5)),
        (16, 8, (0, 0)),
        (8, 12, (0, 0)),
    ],
)
def test_sec_41_an_entry_that_leads_out_of_the_buffer_is_malformed(
    name: int | None, value: int | None, content: tuple[int, ...]
) -> None:
    with pytest.raises(Malformed):
        entry(name, value, *content).entries(0)


@pytest.mark.parametrize("reference", [0, 1, 2, 3])
def test_sec_41_what_refers_to_itself_is_read_once_or_malformed(reference: int) -> None:
    octets = table_at(0, 4) + longs(reference)
    table = root(octets)
    for read in (table.octets, table.table, table.entries):
        try:
            read(0)
        except Malformed:
            continue


def test_sec_41_entries_that_lie_over_each_other_fill_no_memory() -> None:
    """A list of a thousand entries that are all the same megabyte would be a gigabyte."""
    size = 1024 * 1024
    vtable = struct.pack("<4H", 8, 12, 4, 0)
    head = table_at(0, 4) + longs(4, MAX_ENTRIES)
    first = len(head) + 4 * MAX_ENTRIES + len(vtable)
    references = longs(*(first - len(head) - 4 * number for number in range(MAX_ENTRIES)))
    shared = struct.pack("<i", len(vtable)) + longs(4, size) + bytes(size)
    octets = head + references + vtable + shared
    single = octets.replace(longs(4, MAX_ENTRIES), longs(4, 1), 1)
    assert root(single).entries(0) == [(bytes(size), None)]
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            root(octets).entries(0)
        assert tracemalloc.get_traced_memory()[1] < 4 * size
    finally:
        tracemalloc.stop()


def test_as_many_entries_as_nginx_lets_through() -> None:
    entries = tuple((b"n%d" % number, b"") for number in range(MAX_ENTRIES))
    assert len(root(encode(RequestCall(headers=entries))).entries(5)) == MAX_ENTRIES
    with pytest.raises(Malformed):
        root(encode(RequestCall(headers=(*entries, (b"n", b""))))).entries(5)
