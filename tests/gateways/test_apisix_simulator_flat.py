"""The simulator's flatbuffers, read a second time by the library of those who made the format."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.apisix.flat import Builder, Scalar, Table, Unreadable
from support.apisix.messages import (
    Entries,
    Extra,
    Message,
    Question,
    RequestAnswer,
    RequestCall,
    ResponseCall,
    Rewrite,
    Stop,
    Var,
    decode,
    encode,
)

LIBRARY = pytest.importorskip("flatbuffers")
NUMBERS = LIBRARY.number_types
U32 = st.integers(0, 2**32 - 1)
U16 = st.integers(0, 2**16 - 1)
TEXT = st.binary(max_size=20)
ENTRIES = st.lists(st.tuples(TEXT, st.none() | TEXT), max_size=12).map(tuple)
CALLS = st.builds(RequestCall, U32, TEXT, st.integers(0, 14), TEXT, ENTRIES, ENTRIES, U32)
REWRITES = st.builds(Rewrite, st.none() | TEXT, ENTRIES, ENTRIES, ENTRIES, st.none() | TEXT)
STOPS = st.builds(Stop, U16, ENTRIES, st.none() | TEXT)
MESSAGES = st.one_of(
    CALLS,
    st.builds(ResponseCall, U32, U16, ENTRIES, U32),
    st.builds(Extra, st.none() | TEXT),
    st.builds(Question, st.just(1), st.builds(Var, TEXT)),
    st.builds(RequestAnswer, U32, st.just(1), STOPS),
    st.builds(RequestAnswer, U32, st.just(2), REWRITES),
)


class Second:
    """A table, read by the library."""

    def __init__(self, buffer: bytes, position: int | None = None) -> None:
        start = LIBRARY.encode.Get(LIBRARY.packer.uoffset, buffer, 0)
        self._buffer = buffer
        self._table = LIBRARY.table.Table(buffer, start if position is None else position)

    def _at(self, slot: int) -> int:
        offset: int = self._table.Offset(4 + 2 * slot)
        return offset + self._table.Pos if offset else 0

    def number(self, slot: int, flags: object) -> object:
        at = self._at(slot)
        return self._table.Get(flags, at) if at else 0

    def text(self, slot: int) -> bytes | None:
        at = self._at(slot)
        if not at:
            return None
        text: bytes = self._table.String(at)
        return text

    def entries(self, slot: int) -> Entries:
        if not self._at(slot):
            return ()
        start = self._table.Vector(self._at(slot) - self._table.Pos)
        count = self._table.VectorLen(self._at(slot) - self._table.Pos)
        places = [self._table.Indirect(start + 4 * number) for number in range(count)]
        tables = [Second(self._buffer, place) for place in places]
        return tuple((each.text(0) or b"", each.text(1)) for each in tables)


@given(CALLS, st.booleans())
def test_the_library_reads_a_call_as_it_was_meant(call: RequestCall, cuts: bool) -> None:  # noqa: FBT001 - given by hypothesis
    table = Second(encode(call, cuts=cuts))
    read = RequestCall(
        _whole(table.number(0, NUMBERS.Uint32Flags)),
        table.text(1),
        _whole(table.number(2, NUMBERS.Uint8Flags)),
        table.text(3),
        table.entries(4),
        table.entries(5),
        _whole(table.number(6, NUMBERS.Uint32Flags)),
    )
    assert read == call


def _whole(number: object) -> int:
    assert isinstance(number, int)
    return number


@given(MESSAGES, st.booleans())
def test_every_message_is_read_as_it_was_written(message: Message, cuts: bool) -> None:  # noqa: FBT001 - given by hypothesis
    assert decode(type(message), encode(message, cuts=cuts)) == message


@given(MESSAGES, st.data())
def test_a_mutated_message_is_read_or_unreadable(message: Message, data: Any) -> None:  # noqa: ANN401 - hypothesis names no type
    octets = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unreadable):
        decode(type(message), bytes(octets))


def test_vtables_lie_behind_their_tables() -> None:
    entries = ((b"a", b"1"), (b"b", b"2"), (b"c", b"3"))
    buffer = encode(ResponseCall(headers=entries))
    starts = [each._position for each in Table.root(buffer).tables(2)]
    offsets = [int.from_bytes(buffer[at : at + 4], "little", signed=True) for at in starts]
    assert [offset < 0 for offset in offsets] == [False, True, True]


def test_absent_is_not_empty() -> None:
    answer = decode(Extra, encode(Extra()))
    assert answer.result is None
    assert decode(Extra, encode(Extra(b""))).result == b""


def test_what_is_absent_at_the_end_of_a_vtable_may_be_cut() -> None:
    def written(builder: Builder) -> bytes:
        return builder.finish(builder.table([Scalar(1, 1), None, None], range(3)))

    whole, cut = written(Builder()), written(Builder(cuts=True))
    assert len(cut) < len(whole)
    for buffer in (whole, cut):
        table = Table.root(buffer)
        assert (table.scalar(0, 1), table.octets(2), list(table.tables(9))) == (1, None, [])
