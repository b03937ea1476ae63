"""One of Kong's connections when something goes wrong: an answer, and never a closed connection.

Kong repeats the event of a connection that closes, for ever and a thousand times a second; so in an
event only an unknown instance closes it (demand 0a).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.frames import HEADERS_LIMIT
from gatepass.plugin.gateways.kong import events as module
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Line, WantsBody, new_events, reason_in, settled
from support.kong_wire import event, exit_in, field_of, framed, head, length

SMALL = replace(DOOR, max_body_bytes=100)
BODY = field_of(1, b"{}")
GOES_ON = [b"", b"\x08\x07"]
UNREADABLE = b"\x80"
HUGE = length(2**32 - 1)
"""The length of a frame that is too large whatever it is for."""


def refused(frames: list[bytes]) -> Reason:
    status, body, _ = exit_in(frames)
    return reason_in(status, body)


def still_serves(line: Line) -> bool:
    """Tell whether the connection takes the next call."""
    return bool(line.say(event())) and not line.wire.closed


# -- the access phase --------------------------------------------------------------------------


@pytest.mark.parametrize("question", range(6))
@pytest.mark.parametrize("answer", [UNREADABLE, b"\x0a", b"\x0a\x05x", field_of(1, 5)])
async def test_sec_41_an_answer_that_cannot_be_read_is_a_refusal(
    question: int, answer: bytes
) -> None:
    line = Line(new_events(decider := ScriptedDecider()))
    line.say(event())
    answers = list(head())
    answers[question] = answer
    assert refused(line.say(*answers)) is Reason.GATEWAY_ERROR
    assert not line.wire.closed
    assert decider.requests == []
    assert line.connection._events._judge.faults == 0


@pytest.mark.parametrize("answer", [UNREADABLE, b"", field_of(3, b"err"), field_of(2, b"/gone")])
async def test_sec_41_58_a_body_that_cannot_be_read_is_a_refusal(answer: bytes) -> None:
    line = Line(new_events(WantsBody()))
    line.say(event())
    line.say(*head())
    assert refused(line.say(answer)) is Reason.GATEWAY_ERROR
    assert not line.wire.closed


class Raising(WantsBody):
    """Breaks, before the body or with it."""

    def __init__(self, *, warm: bool, late: bool) -> None:
        super().__init__(warm=warm)
        self.late = late

    def _give(self, request: Request) -> Decision:
        if self.late and request.body is BodyState.NOT_READ:
            return super()._give(request)
        raise LookupError("canary")


def _body(line: Line) -> None:
    line.connection.data_received(framed(BODY))


def _empty(line: Line) -> None:
    line.connection.data_received(framed(field_of(1, b"")))


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    ("late", "send_body"),
    [
        (False, None),
        (True, _body),
        (True, _empty),
    ],
)
async def test_sec_41_an_exception_is_a_refusal(
    send_body: Callable[[Line], None] | None, *, warm: bool, late: bool
) -> None:
    events = new_events(Raising(warm=warm, late=late))
    line = Line(events)
    line.say(event())
    line.connection.data_received(framed(*head()))
    await settled()
    if send_body is not None:
        assert line.heard() == [b"kong.request.get_raw_body", b""]
        send_body(line)
        await settled()
    assert refused(line.heard()) is Reason.INTERNAL
    assert events._judge.faults == 1
    assert not line.wire.closed


async def test_sec_41_an_exception_about_a_body_that_is_too_large_is_a_refusal() -> None:
    line = Line(new_events(Raising(warm=True, late=True)))
    line.say(event())
    line.say(*head())
    line.connection.data_received(HUGE)
    assert refused(line.heard()) is Reason.INTERNAL


@pytest.mark.parametrize("question", range(6))
async def test_sec_41_an_answer_that_is_too_large_is_a_refusal(question: int) -> None:
    line = Line(new_events())
    line.say(event())
    line.say(*head()[:question])
    line.connection.data_received(HUGE)
    assert refused(line.heard()) is Reason.GATEWAY_ERROR
    assert not line.wire.closed


@pytest.mark.parametrize("size", [101, 200, 10**6])
async def test_a_body_that_is_too_large_is_refused_as_such(size: int) -> None:
    decider = WantsBody()
    line = Line(new_events(decider, door=SMALL))
    line.say(event())
    line.say(*head())
    line.say(field_of(1, b"x" * size))
    assert decider.requests[-1].body is BodyState.TOO_LARGE
    assert not line.wire.closed


@pytest.mark.parametrize(
    "limit",
    [
        1,
        1000,
        pytest.param(
            HEADERS_LIMIT - 64,
        ),
        HEADERS_LIMIT,
        2 * HEADERS_LIMIT,
    ],
)
async def test_a_body_is_known_as_one_whatever_the_limit(limit: int) -> None:
    decider = WantsBody()
    line = Line(new_events(decider, door=replace(DOOR, max_body_bytes=limit)))
    line.say(event())
    line.say(*head())
    line.connection.data_received(length(limit + 1000))
    assert decider.requests[-1].body is BodyState.TOO_LARGE


@pytest.mark.parametrize("answered", range(6))
async def test_sec_41_kong_that_does_not_answer_in_time_is_refused(answered: int) -> None:
    line = Line(new_events())
    line.say(event())
    line.say(*head()[:answered])
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert line.say(*head()[answered:]) == []
    assert not line.wire.closed


async def test_sec_41_a_client_that_does_not_send_its_body_is_refused() -> None:
    line = Line(events := new_events(WantsBody()))
    now = asyncio.get_running_loop().time()
    line.say(event())
    line.say(*head())
    assert events.due[line.connection] >= now + DOOR.body_seconds
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert line.say(BODY) == []


async def test_sec_41_a_late_decision_is_refused() -> None:
    line = Line(new_events(ScriptedDecider(answer=None), door=replace(DOOR, deadline_seconds=0.02)))
    line.say(event())
    line.say(*head())
    await asyncio.sleep(0.04)
    assert refused(line.heard()) is Reason.DEADLINE


@pytest.mark.parametrize(
    "data",
    [
        framed(b"?"),
        framed(b"", b""),
        pytest.param(
            HUGE,
        ),
    ],
)
async def test_what_kong_says_while_it_has_nothing_to_say_closes_nothing(data: bytes) -> None:
    line = Line(new_events(ScriptedDecider(answer=None), door=replace(DOOR, deadline_seconds=0.02)))
    line.say(event())
    line.say(*head())
    line.connection.data_received(data)
    await asyncio.sleep(0.04)
    assert refused(line.heard()) is Reason.DEADLINE
    assert not line.wire.closed


async def test_a_decision_that_cannot_be_stopped_is_refused_in_the_end() -> None:
    line = Line(new_events(ScriptedDecider(answer=None)))
    line.say(event())
    line.say(*head())
    line.connection.overdue()
    assert not line.wire.closed
    assert refused(line.heard()) is Reason.DEADLINE


async def test_sec_41_overload_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1)
    events = new_events()
    first, second = Line(events), Line(events)
    assert first.say(event())
    assert refused(second.say(event())) is Reason.OVERLOADED
    # what a call cost is never left out
    assert Line(events).say(event(b"log")) != GOES_ON
    first.lose()
    second.lose()
    assert still_serves(Line(events))


@pytest.mark.parametrize(
    "phase", [b"", b"rewrite", b"response", b"Access", b"\xff", b"certificate"]
)
async def test_sec_41_a_phase_that_is_not_ours_is_refused(phase: bytes) -> None:
    line = Line(new_events())
    assert refused(line.say(event(phase))) is Reason.GATEWAY_ERROR
    assert not line.wire.closed


async def test_the_refused_instance_is_refused_by_the_gate() -> None:
    line = Line(new_events(decider := ScriptedDecider()))
    line.say(event(instance=0))
    line.say(*head())
    assert decider.requests[0].profile == ""
