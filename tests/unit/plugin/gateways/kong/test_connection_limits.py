"""How long one of Kong's connections may take, and how large what comes over it may be."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.connections import LINGER_SECONDS
from gatepass.plugin.gateways.frames import HEADERS_LIMIT
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Line, WantsBody, new_events, reason_in, settled
from support.kong_wire import event, exit_in, field_of, framed, head, length

CLEARED = Allow("r-1", None, (), frozenset({b"x-a", b"x-b"}))
SENT = [(b"x-a", b""), (b"x-b", b"")]
"""Two headers to clear and the marker: three replies."""

REPLIES = 3
BODY = field_of(1, b"{}")
HUGE = length(HEADERS_LIMIT + 1) + bytes(HEADERS_LIMIT + 1)
FIRST_QUESTION = b"kong.request.get_headers"


def refused(frames: list[bytes]) -> Reason:
    status, body, _ = exit_in(frames)
    return reason_in(status, body)


def still_serves(line: Line) -> bool:
    """Tell whether the connection takes the next call."""
    return line.say(event())[:1] == [FIRST_QUESTION] and not line.wire.closed


def patience(line: Line) -> float:
    """Return how many seconds are left for what the connection is in the middle of."""
    events = line.connection._events
    return events.due[line.connection] - asyncio.get_running_loop().time()


# -- replies of commands -----------------------------------------------------------------------


def line_with_commands() -> Line:
    line = Line(new_events(ScriptedDecider(CLEARED)))
    line.say(event())
    line.say(*head(SENT))
    return line


@pytest.mark.parametrize("huge", range(REPLIES))
async def test_a_reply_that_is_too_large_is_one_reply(huge: int) -> None:
    line = line_with_commands()
    replies = [framed(b"")] * REPLIES
    replies[huge] = HUGE
    for reply in replies:
        assert line.connection._expect != line.connection._take_call
        line.connection.data_received(reply)
    assert line.heard() == []
    assert line.connection._events._judge.faults == 0
    assert still_serves(line)


async def test_replies_that_are_all_too_large_are_as_many_replies() -> None:
    line = line_with_commands()
    line.connection.data_received(HUGE * REPLIES + framed(event()))
    assert line.heard()[0] == FIRST_QUESTION


@pytest.mark.parametrize("early", range(1, REPLIES + 1))
async def test_replies_in_one_read_with_the_last_answers_are_counted_one_by_one(early: int) -> None:
    line = Line(events := new_events(ScriptedDecider(CLEARED)))
    line.say(event())
    line.say(*head(SENT)[:2])
    line.say(*head(SENT)[2:], *[b""] * early)
    assert events._judge.faults == 0
    assert line.say(*[b""] * (REPLIES - early)) == []
    assert still_serves(line)


# -- sizes -------------------------------------------------------------------------------------


async def test_a_head_may_be_larger_than_a_body() -> None:
    decider = WantsBody()
    line = Line(new_events(decider, door=replace(DOOR, max_body_bytes=10)))
    for _ in range(2):
        line.say(event())
        line.say(*head([(b"x-long", b"v" * 5000)]))
        assert decider.requests[-1].headers == [(b"x-long", b"v" * 5000)]
        line.say(BODY)
        line.say(b"")


@pytest.mark.parametrize("max_body", [10, 8 * HEADERS_LIMIT])
async def test_sec_41_a_head_has_its_own_limit_also_behind_a_body(max_body: int) -> None:
    line = Line(new_events(WantsBody(), door=replace(DOOR, max_body_bytes=max_body)))
    for _ in range(2):
        line.say(event())
        line.say(*head())
        line.say(BODY)
        line.say(b"")
    line.say(event())
    line.connection.data_received(length(HEADERS_LIMIT + 1))
    assert refused(line.heard()) is Reason.GATEWAY_ERROR


@pytest.mark.parametrize("more", [0, 1])
async def test_a_body_of_exactly_the_limit_comes_in_one_frame(more: int) -> None:
    decider = WantsBody()
    line = Line(new_events(decider, door=replace(DOOR, max_body_bytes=100_000)))
    line.say(event())
    line.say(*head())
    body = b"x" * (100_000 + more)
    line.say(field_of(1, body))
    assert decider.requests[-1].body == (BodyState.TOO_LARGE if more else body)


# -- patience ----------------------------------------------------------------------------------


async def test_kong_has_its_time_to_close_after_a_refusal() -> None:
    line = Line(new_events(ScriptedDecider(refuse_for(Reason.NO_TOKEN))))
    line.say(event())
    assert patience(line) <= DOOR.deadline_seconds
    line.say(*head())
    assert LINGER_SECONDS - 1 < patience(line) <= LINGER_SECONDS
    assert not line.wire.closed
    line.connection.overdue()
    assert line.wire.aborted


async def test_kong_has_its_time_to_run_commands() -> None:
    line = line_with_commands()
    for _ in range(REPLIES):
        assert LINGER_SECONDS - 1 < patience(line) <= LINGER_SECONDS
        line.say(b"")
    assert line.connection._events.due == {}


async def test_commands_that_are_not_all_run_are_given_up() -> None:
    line = line_with_commands()
    line.say(*[b""] * (REPLIES - 1))
    line.connection.overdue()
    assert line.wire.aborted
    assert line.heard() == []


async def test_a_pending_decision_has_a_deadline_of_its_own() -> None:
    """The Judge ends it; the connection's is only for one that cannot be ended."""
    line = Line(events := new_events(ScriptedDecider(answer=None)))
    line.say(event())
    line.say(*head())
    await settled()
    assert LINGER_SECONDS - 1 < patience(line) <= LINGER_SECONDS
    assert events.deciding == 1
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert events.deciding == 0
    assert LINGER_SECONDS - 1 < patience(line) <= LINGER_SECONDS
    assert not line.wire.closed
    line.connection.overdue()
    assert line.wire.aborted


async def test_after_the_end_no_time_is_kept_any_more() -> None:
    line = Line(events := new_events())
    line.say(event())
    line.say(*head())
    line.say(b"")
    assert events.due == {}
    assert still_serves(line)
    assert patience(line) <= DOOR.deadline_seconds


# -- places ------------------------------------------------------------------------------------


def _served(line: Line) -> None:
    line.say(*head())
    line.say(BODY)
    line.say(b"")


def _unreadable(line: Line) -> None:
    line.say(b"\x80")


def _too_large(line: Line) -> None:
    line.connection.data_received(HUGE)


def _overdue(line: Line) -> None:
    line.connection.overdue()


@pytest.mark.parametrize("end", [_served, _unreadable, _too_large, _overdue])
@pytest.mark.parametrize("phase", [b"access", b"log"])
async def test_sec_41_an_event_leaves_its_place_once_however_it_ends(
    end: Callable[[Line], None], phase: bytes
) -> None:
    """One that did not would fill the server in the end, and one that left twice unbound it."""
    events = new_events(WantsBody())
    for _ in range(3):
        line = Line(events)
        line.say(event(phase))
        assert events.deciding == 1
        end(line)
        assert events.deciding == 0
        line.lose()
        assert events.deciding == 0
