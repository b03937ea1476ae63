"""Writing flatbuffers: every object where a reader looks for it, in any reader."""

import struct

import pytest

from gatepass.plugin.gateways.apisix.building import (
    Block,
    _remembered_entry,
    entries,
    finished,
    passing_entries,
    table,
    text,
    vector,
)
from support.apisix.flat import Table
from support.apisix_flatbuffers import LibraryTable

LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 70_000]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_has_its_length_in_front_and_a_zero_behind(length: int) -> None:
    block = text(b"x" * length)
    assert block.begins == 0
    assert len(block.octets) % 4 == 0
    assert block.octets.startswith(struct.pack("<I", length) + b"x" * length + b"\0")
    assert set(block.octets[4 + length :]) == {0}


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_in_a_table_comes_back(length: int) -> None:
    octets = finished(table(None, text(b"x" * length), 7))
    for found in (LibraryTable(octets).octets(1), Table.root(octets).octets(1)):
        assert found == b"x" * length
    assert LibraryTable(octets).number(2, 4) == 7


def test_0e_a_number_that_is_zero_is_written_all_the_same() -> None:
    octets = finished(table(0))
    assert Table.root(octets)._place(0) is not None
    assert LibraryTable(octets).number(0, 4) == 0


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_number_has_four_bytes_whatever_its_kind(size: int) -> None:
    """A reader of one byte finds it in the first of them."""
    octets = finished(table(200, None, 201))
    found = LibraryTable(octets)
    assert (found.number(0, size), found.number(1, size), found.number(2, size)) == (200, 0, 201)


@pytest.mark.parametrize("absent", range(8))
def test_any_fields_may_be_absent(absent: int) -> None:
    fields = [None if absent >> slot & 1 else slot + 1 for slot in range(3)]
    octets = finished(table(*fields))
    found = LibraryTable(octets)
    assert [found.number(slot, 4) for slot in range(3)] == [one or 0 for one in fields]


def test_a_table_without_fields_is_there() -> None:
    """APISIX reads the body's question through such a one."""
    inner = LibraryTable(finished(table(2, table()))).table(1)
    assert inner is not None
    assert inner.octets(0) is None


def test_tables_begin_at_multiples_of_four() -> None:
    for count in range(9):
        block = table(*range(count))
        assert block.begins % 4 == 0
        assert len(block.octets) % 4 == 0
        (offset,) = struct.unpack_from("<i", block.octets, block.begins)
        assert 0 < offset <= block.begins


@pytest.mark.parametrize("count", [0, 1, 2, 3, 128, 129, 1000])
def test_a_list_of_entries_comes_back(count: int) -> None:
    pairs = [(b"n%d" % n, None if n % 3 == 0 else b"v" * (n % 7)) for n in range(count)]
    octets = finished(table(entries(pairs)))
    assert LibraryTable(octets).entries(0) == pairs
    read = Table.root(octets).tables(0)
    assert [(each.octets(0), each.octets(1)) for each in read] == pairs


def test_an_entry_without_a_value_is_not_one_with_an_empty_value() -> None:
    """APISIX deletes a header for either; of a response's header it ignores the former."""
    octets = finished(table(entries([(b"a", None), (b"a", b"")])))
    assert LibraryTable(octets).entries(0) == [(b"a", None), (b"a", b"")]


def test_what_passes_by_is_written_alike_and_not_kept() -> None:
    """A response's cookies are nobody's to keep, and would push out what comes again."""
    pairs = [(b"Set-Cookie", b"secret"), (b"X-Flag", None), (b"Set-Cookie", b"")]
    before = _remembered_entry.cache_info().currsize
    written = passing_entries(pairs)
    assert _remembered_entry.cache_info().currsize == before
    assert written == entries(pairs)


def test_an_empty_list_is_there() -> None:
    octets = finished(table(vector([])))
    assert Table.root(octets)._target(0) is not None
    assert LibraryTable(octets).entries(0) == []


def test_references_point_to_where_the_object_begins() -> None:
    octets = finished(table(vector([Block(b"....text", 4), Block(b"more", 0)])))
    (start,) = struct.unpack_from("<I", octets, 0)
    at = octets.index(struct.pack("<I", 2), start) + 4
    places = [place + struct.unpack_from("<I", octets, place)[0] for place in (at, at + 4)]
    assert [octets[place : place + 4] for place in places] == [b"text", b"more"]


def test_strings_are_bytes() -> None:
    octets = bytes(range(256))
    assert LibraryTable(finished(table(text(octets)))).octets(0) == octets
