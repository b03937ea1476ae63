"""The codec for APISIX against a second one: any message, written and read by either of them.

The second codec is the flatbuffers library, and the simulator's writer, which gives the very bytes
of APISIX. The library believes every offset; so on damaged bytes only what both can read must be
the same, and ours never reads what the library cannot.
"""

import struct
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.plugin.gateways.apisix.building import entries, finished, table, text
from gatepass.plugin.gateways.apisix.connection import ApisixConnection
from gatepass.plugin.gateways.apisix.encoding import encode_rewrite, encode_stop
from gatepass.plugin.gateways.apisix.exchange import CALL_LIMIT, Exchange
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed, root
from gatepass.plugin.gateways.apisix.messages import (
    METHODS,
    answered,
    framed,
    prepared,
    question_for_variable,
    read_extra_info,
    read_http_req_call,
    read_http_resp_call,
    read_prepare_conf,
    rewrite,
    stop,
)
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.questions import Rewrite, Stop
from support.apisix.messages import Entry, Extra, Prepare, RequestCall, ResponseCall, encode
from support.apisix_flatbuffers import LibraryTable, written
from support.soak import examples

octets = st.binary(max_size=40)
values = st.one_of(st.none(), octets)
pairs = st.lists(st.tuples(octets, values), max_size=12)
longs = st.integers(0, 2**32 - 1)
headers = st.lists(st.tuples(octets, octets), max_size=6).map(tuple)
calls = st.builds(
    RequestCall,
    id=longs,
    src_ip=st.one_of(st.none(), octets),
    method=st.integers(0, len(METHODS) - 1),
    path=st.one_of(st.none(), octets),
    args=pairs.map(tuple),
    headers=pairs.map(tuple),
    conf_token=longs,
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of which some were changed, taken away or put in."""
    message = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(message)))
        change = draw(st.sampled_from(("change", "cut", "put", "end")))
        if change == "change" and at < len(message):
            message[at] = draw(st.sampled_from((0, 1, 4, 8, 0x7F, 0x80, 0xFC, 0xFF)))
        elif change == "cut":
            del message[at : at + draw(st.integers(1, 4))]
        elif change == "put":
            message[at:at] = draw(st.binary(max_size=4))
        else:
            del message[at:]
    return bytes(message)


def by_the_library(call: RequestCall) -> bytes:
    return written(
        ("number4", call.id),
        None if call.src_ip is None else ("octets", call.src_ip),
        ("number1", call.method),
        None if call.path is None else ("text", call.path),
        ("entries", call.args),
        ("entries", call.headers),
        ("number4", call.conf_token),
    )


def read_by_the_library(payload: bytes) -> tuple[object, ...]:
    call = LibraryTable(payload)
    return (
        call.number(0, 4),
        call.octets(1) or b"",
        METHODS[call.number(2, 1)],
        call.octets(3) or b"",
        call.entries(5),
        call.number(6, 4),
    )


@given(calls)
def test_a_call_of_the_library_and_one_of_apisix_are_read_alike(call: RequestCall) -> None:
    wanted = (
        call.id,
        call.src_ip or b"",
        METHODS[call.method],
        call.path or b"",
        list(call.headers),
        call.conf_token,
    )
    for payload in (by_the_library(call), encode(call), encode(call, cuts=True)):
        assert read_http_req_call(payload) == wanted == read_by_the_library(payload)


@given(longs, st.integers(0, 65535), pairs, longs)
def test_a_response_is_read(number: int, status: int, found: list[Entry], token: int) -> None:
    wanted = (number, status, found, token)
    theirs = written(
        ("number4", number), ("number2", status), ("entries", found), ("number4", token)
    )
    assert read_http_resp_call(theirs) == wanted
    assert read_http_resp_call(encode(ResponseCall(number, status, tuple(found), token))) == wanted


@given(pairs, values)
def test_a_configuration_is_read(conf: list[Entry], key: bytes | None) -> None:
    for payload in (
        written(("entries", conf), None if key is None else ("text", key)),
        encode(Prepare(tuple(conf), key)),
    ):
        assert read_prepare_conf(payload).conf == conf


@given(values)
def test_an_answer_is_read(result: bytes | None) -> None:
    for payload in (
        written(None if result is None else ("octets", result)),
        encode(Extra(result)),
    ):
        assert read_extra_info(payload) == result


# -- written by ours ---------------------------------------------------------------------------


def payload_of(frame: bytes) -> bytes:
    assert int.from_bytes(frame[1:4]) == len(frame) - 4
    return frame[4:]


def action_in(frame: bytes, number: int, kind: int) -> LibraryTable:
    answer = LibraryTable(payload_of(frame))
    assert (answer.number(0, 4), answer.number(1, 1)) == (number, kind)
    action = answer.table(2)
    assert action is not None
    return action


@given(longs, st.integers(1, 65535), pairs, octets)
def test_a_stop_is_read_by_the_library(
    number: int, status: int, found: list[Entry], body: bytes
) -> None:
    action = action_in(answered(number, stop(status, found, body), stops=True), number, 1)
    assert (action.number(0, 2), action.entries(1), action.octets(2)) == (status, found, body)


@given(longs, pairs)
def test_a_rewrite_is_read_by_the_library(number: int, found: list[Entry]) -> None:
    action = action_in(answered(number, rewrite(found), stops=False), number, 2)
    assert action.octets(0) is None
    assert action.entries(1) == found
    assert [action.entries(slot) for slot in (2, 3)] == [[], []]
    assert action.octets(4) is None


@given(
    longs,
    st.lists(octets, max_size=6).map(tuple),
    headers,
    st.text("0123456789abcdef-", min_size=1),
)
def test_a_filled_in_rewrite_says_what_it_should(
    number: int, removed: tuple[bytes, ...], told: tuple[tuple[bytes, bytes], ...], request_id: str
) -> None:
    frame = encode_rewrite(number, Rewrite(removed, told, request_id))
    found = action_in(frame, number, 2).entries(1)
    wanted: list[Entry] = [(name, None) for name in removed]
    assert found == [*wanted, *told, (REQUEST_ID, request_id.encode())]


@given(longs, st.integers(400, 599), headers, octets)
def test_a_filled_in_stop_says_what_it_should(
    number: int, status: int, told: tuple[tuple[bytes, bytes], ...], body: bytes
) -> None:
    action = action_in(encode_stop(number, Stop(status, told, body)), number, 1)
    assert (action.number(0, 2), action.entries(1), action.octets(2)) == (status, list(told), body)


@given(longs, octets)
def test_small_messages_are_read_by_the_library(number: int, name: bytes) -> None:
    assert LibraryTable(payload_of(prepared(number))).number(0, 4) == number
    question = LibraryTable(payload_of(question_for_variable(name)))
    variable = question.table(1)
    assert variable is not None
    assert (question.number(0, 1), variable.octets(0)) == (1, name)


@given(st.lists(st.one_of(st.none(), longs, octets, pairs), max_size=10))
def test_any_table_is_read_by_the_library(fields: list[int | bytes | list[Entry] | None]) -> None:
    blocks = [
        text(field)
        if isinstance(field, bytes)
        else entries(field)
        if isinstance(field, list)
        else field
        for field in fields
    ]
    found = LibraryTable(finished(table(*blocks)))
    for slot, field in enumerate(fields):
        if isinstance(field, list):
            assert found.entries(slot) == field
        elif isinstance(field, int):
            assert found.number(slot, 4) == field
        else:
            assert found.octets(slot) == field


# -- damaged -----------------------------------------------------------------------------------

READERS: tuple[Callable[[bytes], object], ...] = (
    read_http_req_call,
    read_http_resp_call,
    read_prepare_conf,
    read_extra_info,
)


@given(st.one_of(st.binary(max_size=120), damaged(calls.map(encode))))
def test_sec_41_any_bytes_are_read_or_malformed(payload: bytes) -> None:
    for read in READERS:
        try:
            read(payload)
        except Malformed:
            continue


@given(damaged(st.one_of(calls.map(encode), calls.map(by_the_library))))
def test_sec_44_a_damaged_call_that_is_read_is_read_as_the_library_does(payload: bytes) -> None:
    """A header that only APISIX's reading had would be one that is not judged."""
    try:
        call = read_http_req_call(payload)
    except Malformed:
        return
    assert call == read_by_the_library(payload)


@settings(max_examples=examples(1000))
@given(damaged(values.map(lambda value: encode(Extra(value)))))
def test_a_damaged_answer_is_read_as_any_table_is(payload: bytes) -> None:
    """The short way to its one field gives what the long way gives."""
    try:
        long_way = root(payload).octets(0)
    except Malformed:
        with pytest.raises(Malformed):
            read_extra_info(payload)
    else:
        assert read_extra_info(payload) == long_way


class _Heard(ApisixConnection):
    """Keeps the frames instead of answering them."""

    def __init__(self) -> None:
        self.heard: list[bytes | None] = []
        super(Exchange, self).__init__()

    def frames_received(self, messages: list[bytes]) -> None:
        self.heard += messages

    def frame_too_large(self) -> None:
        self.heard.append(None)

    def frame_begun(self) -> None:
        """The rest comes here, at once."""


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=120)), max_size=8),
    st.lists(st.integers(0, 900), max_size=12),
    st.booleans(),
)
def test_frames_come_back_however_the_stream_is_cut(
    frames: list[tuple[int, bytes]],
    cuts: list[int],
    small: bool,  # noqa: FBT001 - it is drawn
) -> None:
    limit = 50 if small else CALL_LIMIT
    whole = [framed(kind, payload) for kind, payload in frames]
    stream = b"".join(whole)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    heard = _Heard()
    heard.limit = limit
    for start, end in pairwise(edges):
        heard.data_received(stream[start:end])
    assert heard.heard == [frame if len(frame) <= limit + 4 else None for frame in whole]


@given(st.integers(0, 255), st.integers(0, 2**24 - 1))
def test_the_length_of_a_frame_does_not_depend_on_its_type(kind: int, size: int) -> None:
    head = struct.pack(">I", kind << 24 | size)
    assert ApisixConnection.read_size(head, 0) == (size,)
