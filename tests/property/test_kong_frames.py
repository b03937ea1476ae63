"""Kong's wire format under arbitrary bytes: what comes out is right, Malformed, or a refusal."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.gateways.frames import FramedProtocol
from gatepass.plugin.gateways.kong import header_map
from gatepass.plugin.gateways.kong.calls import (
    Authenticate,
    Batch,
    ClearHeader,
    Command,
    Exit,
    Kind,
    Question,
    SetHeaders,
    Share,
)
from gatepass.plugin.gateways.kong.pdk import decoders, encode_commands, encode_exit
from gatepass.plugin.gateways.kong.protobuf import (
    Malformed,
    bytes_field,
    fields,
    frame,
    read_varint,
    varint,
    varint_field,
)
from gatepass.plugin.gateways.kong.rpc import HandleEvent, read_call, returned
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.doors import ScriptedDecider
from support.kong_events import Line, WantsBody, new_events
from support.kong_messagepack import Line as OlderLine
from support.kong_wire import (
    DEFAULT,
    calls_in,
    event,
    exit_in,
    field_of,
    framed,
    frames_in,
    head,
    members,
    struct_of,
    value_of,
)
from support.kong_wire import header_map as kong_map

texts = st.binary(max_size=20)
lengths = st.sampled_from((0, 1, 125, 126, 127, 128, 129, 16_380, 16_383, 16_384, 16_390))
values = st.one_of(texts, lengths.map(lambda size: b"v" * size))
names = st.one_of(
    st.sampled_from((b"a", b"host", b"x-gatepass-user", b"n" * 127, b"n" * 128)), texts
)
header_lists = st.lists(st.tuples(names, values), max_size=6)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes of which some were changed, taken away or put in."""
    message = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(message))))
        change = draw(st.sampled_from(("change", "cut", "put", "end")))
        if change == "change" and at < len(message):
            message[at] = draw(st.integers(0, 255))
        elif change == "cut":
            del message[at : at + draw(st.integers(1, 4))]
        elif change == "put":
            message[at:at] = draw(st.binary(max_size=4))
        else:
            del message[at:]
    return bytes(message)


def outcome(read: Callable[[bytes], object], message: bytes) -> object:
    """Return what was read, or Malformed."""
    try:
        return read(message)
    except Malformed:
        return Malformed


def grouped(headers: Sequence[Header]) -> list[Header]:
    """Return headers in the order in which Kong's map has them."""
    order = dict.fromkeys(name for name, _ in headers)
    return [(name, value) for name in order for other, value in headers if other == name]


def read_one_by_one(message: bytes) -> list[Header]:
    """Read every entry in the general way."""
    headers: list[Header] = []
    at = 0
    while at < len(message):
        at = header_map._read_any(message, at, headers)
    return headers


@given(st.integers(0, 2**64 - 1), texts)
def test_numbers_come_back(value: int, behind: bytes) -> None:
    written = varint(value)
    assert read_varint(written + behind, 0) == (value, len(written))


@given(
    st.lists(
        st.tuples(st.integers(1, 2**29 - 1), st.one_of(texts, st.integers(1, 2**64 - 1))),
        max_size=6,
    )
)
def test_fields_come_back_in_their_order(pairs: list[tuple[int, int | bytes]]) -> None:
    message = b"".join(
        varint_field(number, value) if isinstance(value, int) else bytes_field(number, value)
        for number, value in pairs
    )
    assert list(fields(message)) == pairs == members(message)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_read_or_malformed(message: bytes) -> None:
    outcome(lambda octets: list(fields(octets)), message)
    outcome(read_call, message)
    for kind in Kind:
        (decode,) = decoders(Batch((Question("kong.any", kind),)))
        outcome(decode, message)


@given(header_lists)
def test_headers_come_back(headers: list[Header]) -> None:
    assert header_map.read_headers(kong_map(headers)) == grouped(headers)
    assert read_one_by_one(kong_map(headers)) == grouped(headers)


@given(st.lists(st.tuples(names, values), max_size=6, unique_by=lambda pair: pair[0]))
def test_an_unusual_order_changes_nothing(headers: list[Header]) -> None:
    message = b"".join(
        field_of(1, field_of(7, b"?") + field_of(2, field_of(3, value)) + field_of(1, name))
        for name, value in headers
    )
    assert header_map.read_headers(message) == headers


@given(damaged(header_lists.map(kong_map)))
def test_sec_44_the_fast_reading_is_the_general_one(message: bytes) -> None:
    """A header that only one of the two sees would be one that is not cleared."""
    general = outcome(read_one_by_one, message)
    assert outcome(header_map.read_headers, message) == general
    usual: list[Header] = []
    if header_map._read_usual(message, 0, usual) == len(message):
        assert usual == general


@given(damaged(st.just(event(b"access", DEFAULT, 300))))
def test_a_damaged_call_is_read_or_malformed(message: bytes) -> None:
    read = outcome(read_call, message)
    if isinstance(read, tuple) and isinstance(read[1], HandleEvent):
        assert dict(members(returned(read[0]))).get(1, 0) == read[0]


class _Heard(FramedProtocol):
    limit = 50

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[bytes | None] = []

    def frames_received(self, messages: list[bytes]) -> None:
        self.heard += messages

    def frame_too_large(self) -> None:
        self.heard.append(None)


@given(st.lists(st.binary(max_size=120), max_size=8), st.lists(st.integers(0, 900), max_size=12))
def test_frames_come_back_however_the_stream_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(message) for message in messages)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    heard = _Heard()
    for start, end in pairwise(edges):
        heard.data_received(stream[start:end])
    assert heard.heard == [message if len(message) <= 50 else None for message in messages]


header_tuples = st.lists(st.tuples(texts, texts), max_size=4, unique_by=lambda pair: pair[0]).map(
    tuple
)
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(ClearHeader, texts),
    st.builds(SetHeaders, header_tuples),
    st.builds(Authenticate, st.one_of(st.none(), st.tuples(texts, texts)), texts),
    st.builds(Share, texts, st.one_of(texts, st.lists(texts, max_size=3).map(tuple))),
)


def _no_null_and_no_boolean(value: object) -> None:
    if isinstance(value, list):
        for item in value:
            _no_null_and_no_boolean(item)
    else:
        assert isinstance(value, bytes)


@given(st.lists(commands, max_size=5).map(tuple), st.integers(400, 599), header_tuples, texts)
def test_nothing_is_ever_said_with_a_null_or_a_boolean(
    told: tuple[Command, ...], status: int, headers: tuple[Header, ...], body: bytes
) -> None:
    """To Kong a null is the text NULL_VALUE, and a false leaves the client's header as it is."""
    for function, args in calls_in(frames_in(encode_commands(told))):
        if function == "kong.service.request.set_headers":
            for value in struct_of(args).values():
                _no_null_and_no_boolean(value)
        elif function == "kong.ctx.shared.set":
            shared = dict(members(args))[2]
            assert isinstance(shared, bytes)
            _no_null_and_no_boolean(value_of(shared))
        else:
            assert all(isinstance(value, bytes) for _, value in members(args))
    said_status, said_body, said_headers = exit_in(
        frames_in(encode_exit(Exit(status, headers, body)))
    )
    assert (said_status, said_body, said_headers) == (status, body, dict(headers))


DENIED = refuse_for(Reason.NO_TOKEN)


@given(damaged(st.just(framed(*head([(b"host", b"h")]), field_of(1, b"{}")))))
def test_sec_41_damaged_answers_are_never_a_yes(stream: bytes) -> None:
    async def converse() -> None:
        line = Line(new_events(WantsBody(DENIED)))
        line.say(event())
        line.connection.data_received(stream)
        line.connection.data_received(framed(field_of(1, b"{}")))
        line.connection.overdue() if not line.connection.deaf else None
        frames = line.heard()
        if frames[:2] == [b"kong.request.get_raw_body", b""]:
            del frames[:2]
        assert exit_in(frames)[0] in {DENIED.status, 400, 413, 503}
        assert not line.wire.closed
        assert line.connection._events._judge.faults == 0

    asyncio.run(converse())


packable = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(texts, st.integers(0, 9)), inner, max_size=4),
    ),
    max_leaves=8,
)
methods = st.sampled_from(
    (b"plugin.HandleEvent", b"plugin.Step", b"plugin.StepMultiMap", b"plugin.StartInstance", b"?")
)
requests = st.tuples(st.just(0), st.integers(1, 300), methods, st.lists(packable, max_size=2))


@given(st.one_of(packable, requests, requests.map(list)), st.binary(max_size=8))
def test_sec_41_arbitrary_requests_of_the_older_protocol_are_never_a_yes(
    message: object, behind: bytes
) -> None:
    async def converse() -> None:
        line = OlderLine(new_events(ScriptedDecider(DENIED)))
        line.connection.data_received(msgpack.packb(message) + behind)
        assert b"\xa3ret" not in line.wire.written
        assert line.connection._events._judge.faults == 0

    asyncio.run(converse())


@given(st.integers(0, 5), packable)
def test_sec_41_arbitrary_results_of_the_older_protocol_are_never_a_yes(
    question: int, result: object
) -> None:
    async def converse() -> None:
        line = OlderLine(new_events(ScriptedDecider(DENIED)))
        said = line.begin()
        results: list[object] = [{"host": ["h"]}, "GET", "/v1", "/v1", "r-1", ""]
        results[question] = result
        for value in results:
            said = line.step(said.get(b"EventId", 0), value)
            if not said:  # what is no request at all
                return
        assert b"\xa3ret" not in line.wire.written
        assert said[b"Data"][b"Method"] == b"kong.response.exit"

    asyncio.run(converse())
