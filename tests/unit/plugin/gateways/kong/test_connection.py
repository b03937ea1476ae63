"""One of Kong's connections, call by call, without a socket: what goes well."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.kong.instances import instance_id
from gatepass.plugin.request import BodyState
from support.doors import PASS, ScriptedDecider
from support.gates import ann, chat, chat_body, decide, open_gate
from support.kong_events import DOOR, Books, Line, WantsBody, new_events, settled
from support.kong_wire import (
    DEFAULT,
    calls_in,
    event,
    exit_in,
    field_of,
    framed,
    head,
    members,
    value_of,
)

BODY = field_of(1, b"{}")
GOES_ON = [b"", b"\x08\x07"]
"""The end of an event, and what it returns: the sequence of `event()`."""

QUESTIONS = [
    "kong.request.get_headers",
    "kong.request.get_method",
    "kong.request.get_path_with_query",
    "kong.request.get_path",
    "kong.nginx.get_var",
    "kong.client.get_forwarded_ip",
]


def start(config: bytes, sequence: int = 2) -> bytes:
    message = field_of(1, b"gatepass") + field_of(2, config)
    return field_of(33, message) + field_of(1, sequence)


def functions(frames: list[bytes]) -> list[str]:
    return [function for function, _ in calls_in(frames)]


def marker_in(frames: list[bytes]) -> object:
    """Return what is put into kong.ctx.shared.gatepass by commands that end an event well."""
    assert frames[-2:] == GOES_ON
    args = dict(calls_in(frames[:-2]))["kong.ctx.shared.set"]
    found = dict(members(args))
    assert found[1] == b"gatepass"
    assert isinstance(found[2], bytes)
    return value_of(found[2])


async def test_an_instance_is_started_and_closed() -> None:
    line = Line(new_events())
    (answer,) = line.say(start(b'{"profile":"default"}'))
    assert dict(members(answer))[1] == 2
    status = dict(members(answer))[33]
    assert isinstance(status, bytes)
    assert dict(members(status))[2] == DEFAULT == instance_id("default")
    assert line.say(field_of(35, field_of(1, DEFAULT)) + field_of(1, 3)) == [b"\x08\x03"]
    assert functions(line.say(event())) == QUESTIONS  # closing it drops nothing
    assert not line.wire.closed


async def test_several_calls_in_one_read() -> None:
    line = Line(new_events())
    answers = line.say(
        start(b'{"profile":"default"}', 1), field_of(35, b"") + field_of(1, 2), event()
    )
    assert [dict(members(one)).get(1) for one in answers[:2]] == [1, 2]
    assert functions(answers[2:]) == QUESTIONS


async def test_an_allowed_request() -> None:
    decider = ScriptedDecider()
    line = Line(new_events(decider))
    assert functions(line.say(event())) == QUESTIONS
    told = line.say(*head([(b"host", b"h"), (b"x-bad", b"\xff\xfe")]))
    assert marker_in(told) == b"v1:r-1"
    assert functions(told[:-2]) == ["kong.ctx.shared.set"]
    assert decider.requests[0].headers == [(b"host", b"h"), (b"x-bad", b"\xff\xfe")]
    assert decider.requests[0].gateway_request_id == "r-1"
    assert not line.wire.closed


async def test_sec_44_what_a_client_may_not_send_is_cleared_in_every_spelling() -> None:
    ours = frozenset({b"x-user-id"})
    decider = ScriptedDecider(Allow("r-1", None, ((b"x-user-id", b"ann"),), ours))
    line = Line(new_events(decider))
    line.say(event())
    sent = [(b"x_user_id", b"a"), (b"x-user-id", b"b"), (b"x-user_id", b"c"), (b"x-user-id", b"d")]
    told = line.say(*head(sent))
    assert calls_in(told[:-2])[:4] == [
        *(
            ("kong.service.request.clear_header", field_of(1, name))
            for name in (b"x_user_id", b"x-user-id", b"x-user_id")
        ),
        (
            "kong.service.request.set_headers",
            field_of(1, field_of(1, b"x-user-id") + field_of(2, field_of(3, b"ann"))),
        ),
    ]
    assert marker_in(told) == b"v1:r-1"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 100])
async def test_however_the_stream_is_cut(size: int) -> None:
    decider = WantsBody()
    line = Line(new_events(decider))
    stream = framed(event(), *head(), field_of(1, b"{}"), b"", event(sequence=8))
    for at in range(0, len(stream), size):
        line.connection.data_received(stream[at : at + size])
    frames = line.heard()
    assert frames.count(b"kong.request.get_raw_body") == 1
    assert frames.count(b"kong.request.get_headers") == 2
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ, b"{}"]


async def test_the_replies_of_commands_are_taken_before_the_next_call() -> None:
    for cut in range(4 * 1 + 1):
        line = Line(new_events())
        line.say(event())
        line.say(*head())
        replies = framed(b"")
        line.connection.data_received(replies[:cut])
        line.connection.data_received(replies[cut:])
        assert functions(line.say(event())) == QUESTIONS
        assert line.connection._events.due.keys() == {line.connection}


@pytest.mark.parametrize("names", [1, 3, 30])
async def test_a_call_right_behind_the_replies_is_answered(names: int) -> None:
    spellings = [b"x%d_a" % number for number in range(names)]
    removed = frozenset(name.replace(b"_", b"-") for name in spellings)
    decider = ScriptedDecider(Allow("r-1", None, (), removed))
    line = Line(new_events(decider))
    line.say(event())
    commands = line.say(*head([(name, b"") for name in spellings]))
    replies = [b""] * len(calls_in(commands[:-2]))
    assert len(replies) == names + 1
    assert functions(line.say(*replies, event())) == QUESTIONS
    assert functions(line.say(*head(), b"", event())[-12:]) == QUESTIONS


@pytest.mark.parametrize("names", [62, 63, 64, 100])
async def test_many_commands_have_as_many_replies(names: int) -> None:
    """A client chooses how many of its headers must be cleared."""
    spellings = [b"x%d_a" % number for number in range(names)]
    removed = frozenset(name.replace(b"_", b"-") for name in spellings)
    line = Line(new_events(ScriptedDecider(Allow("r-1", None, (), removed))))
    line.say(event())
    line.say(*head([(name, b"") for name in spellings]))
    first = min(names + 1, 64)
    line.say(*[b""] * first)
    line.say(*[b""] * (names + 1 - first))
    assert not line.connection.deaf
    assert functions(line.say(event())) == QUESTIONS


async def test_a_call_behind_the_replies_may_be_larger_than_a_body() -> None:
    line = Line(new_events(WantsBody(), door=replace(DOOR, max_body_bytes=10)))
    line.say(event())
    line.say(*head())
    line.say(BODY)
    start_it = start(b'{"profile":"default","route_id":"' + b"x" * 200 + b'"}')
    assert line.say(b"", start_it)
    assert not line.connection.deaf


async def test_replies_that_are_cut_are_not_taken_for_whole_ones() -> None:
    line = Line(new_events())
    line.say(event())
    line.say(*head())
    call = event()
    call += field_of(99, b"x" * (2**17 - len(call) - 5))
    assert len(call) == 2**17  # a length whose first bytes look like an empty frame
    stream = framed(b"", call)
    for part in (stream[:2], stream[2:6], stream[6:]):
        line.connection.data_received(part)
    assert functions(line.heard()) == QUESTIONS


async def test_a_denied_request_is_an_exit_and_silence(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        line = Line(new_events(gate, gate))
        line.say(event())
        status, body, headers = exit_in(line.say(*head()))
        assert status == 401
        assert json.loads(body)["error"]["code"] == "no_token"
        assert headers[b"www-authenticate"] == b'Bearer realm="gatepass"'
        assert headers[b"content-type"] == b"application/json"
        assert not line.wire.closed  # Kong closes
        assert line.say(b"", event()) == []
        line.lose()
        assert line.connection._events.due == {}


async def test_a_decision_that_takes_time() -> None:
    decider = ScriptedDecider(warm=False)
    books = Books()
    line = Line(new_events(decider, books))
    line.say(event())
    assert line.say(*head()) == []
    await settled()
    assert marker_in(line.heard()) == b"v1:r-1"
    assert functions(line.say(b"", event())) == QUESTIONS
    assert books.done == []


async def test_an_event_that_comes_twice_reserves_once(tmp_path: Path) -> None:
    """Kong repeats an event whose connection closes (0f)."""
    small = {"users": {"upsert": True, "defaults": {"budget": "$0.05 per day"}}}
    headers = [(b"content-type", b"application/json"), (b"authorization", b"Bearer " + ann())]
    async with open_gate(tmp_path, **small) as gate:
        events = new_events(gate, gate)
        await decide(gate, chat(body=BodyState.NOT_SHOWN))  # looks the caller up

        def ask(number: int) -> list[bytes]:
            line = Line(events)
            line.say(event())
            line.say(*head(headers, b"POST", b"/v1/chat/completions", b"r-%d" % number))
            return line.say(field_of(1, chat_body()))

        markers = {marker_in(ask(1)) for _ in range(20)}
        assert len(markers) == 1
        passed = 1
        while ask(1 + passed)[0] != b"kong.response.exit":
            passed += 1
        assert passed == 4


async def test_the_log_phase_settles_and_goes_on() -> None:
    books = Books(known={"r-1"})
    line = Line(new_events(books=books))
    assert functions(line.say(event(b"log"))) == ["kong.ctx.shared.get"]
    assert functions(line.say(field_of(3, b"v1:r-1"))) == ["kong.response.get_status"]
    assert functions(line.say(field_of(1, 403))) == ["kong.log.serialize"]
    assert line.say(field_of(1, b"{}")) == []
    await settled()
    assert line.heard() == GOES_ON
    assert books.done == [("release", "r-1", None)]
    assert functions(line.say(event())) == QUESTIONS


async def test_a_log_event_without_a_reservation_is_two_frames_and_the_end() -> None:
    line = Line(new_events())
    line.say(event(b"log"))
    assert line.say(b"\x08\x01") == GOES_ON
    assert line.connection._events.due == {}


async def test_the_same_line_serves_events_of_every_kind_in_turn() -> None:
    line = Line(new_events(ScriptedDecider(PASS)))
    for sequence in range(2, 50):
        line.say(event(sequence=sequence))
        told = line.say(*head())
        assert told[-1] == field_of(1, sequence)
        assert line.say(b"") == []
        line.say(event(b"log", sequence=sequence))
        assert line.say(b"\x08\x01") == [b"", field_of(1, sequence)]
    assert not line.wire.closed
