"""One of APISIX's connections when something goes wrong: an explicit refusal, or no answer at all.

An error in a frame of the call's own type, or an answer without an action, would let the request
through (demand 0a); a closed connection is a failure to APISIX.
"""

import asyncio
from dataclasses import replace

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.apisix.exchange import CALL_LIMIT
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request
from support.apisix.messages import EXTRA, REQUEST, RequestCall, encode, frame
from support.apisix_calls import (
    DOOR,
    TARGET,
    Line,
    asked_in,
    call,
    extra,
    new_calls,
    prepare,
    refused,
)
from support.doors import ScriptedDecider
from support.kong_events import WantsBody, settled

SMALL = replace(DOOR, max_body_bytes=100)
HASTY = replace(DOOR, deadline_seconds=0.02)
PATH = b"real_request_uri"
UNREADABLE = frame(EXTRA, b"\xff" * 8)
HUGE = bytes((EXTRA,)) + b"\xff\xff\xff"
"""The head of a frame that is too large whatever it is for."""


def still_serves(line: Line) -> bool:
    """Tell whether the connection takes the next call."""
    return asked_in(line.say(call())) == PATH and not line.wire.closed


# -- calls and answers that cannot be read -----------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"\x04", b"\xff" * 40, encode(RequestCall(method=15))])
async def test_sec_41_a_call_that_cannot_be_read_is_refused(payload: bytes) -> None:
    decider = ScriptedDecider()
    line = Line(new_calls(decider))
    assert refused(line.say(frame(REQUEST, payload))) is Reason.GATEWAY_ERROR
    assert decider.requests == []
    assert still_serves(line)
    assert line.connection._calls._judge.faults == 0


@pytest.mark.parametrize(
    "answer",
    [
        UNREADABLE,
        frame(EXTRA, b""),
        call(),
        prepare(),
        frame(0, b""),
        frame(4, b""),
        frame(9, encode(RequestCall())),
    ],
)
@pytest.mark.parametrize("behind", [(), (TARGET,)])
async def test_sec_41_what_is_no_answer_is_a_refusal(
    answer: bytes, behind: tuple[bytes, ...]
) -> None:
    line = Line(new_calls(WantsBody()))
    line.ask(*behind)
    assert refused(line.say(answer)) is Reason.GATEWAY_ERROR
    assert still_serves(line)


@pytest.mark.parametrize(
    "octets",
    [
        frame(0, b""),
        frame(EXTRA, b""),
        frame(5, b""),
        frame(255, b"x"),
        HUGE,
        b"GET / HTTP/1.1\r\n",
    ],
)
async def test_sec_41_what_is_no_call_closes_the_connection_and_is_not_answered(
    octets: bytes,
) -> None:
    line = Line(new_calls())
    assert line.say(octets, call()) == []
    assert line.connection.deaf
    assert line.say(call()) == []
    await asyncio.sleep(0.03)
    assert line.wire.closed


async def test_a_call_that_is_too_large_closes_the_connection() -> None:
    line = Line(new_calls())
    head = bytes((REQUEST,)) + (CALL_LIMIT + 1).to_bytes(3)
    assert line.say(head) == []
    assert line.connection.deaf


# -- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [101, 2000, 10**6])
async def test_a_body_that_is_too_large_is_refused_as_such(size: int) -> None:
    decider = WantsBody()
    line = Line(new_calls(decider, door=SMALL))
    line.ask(TARGET)
    line.say(extra(b"x" * size))
    assert decider.requests[-1].body is BodyState.TOO_LARGE
    assert still_serves(line)


@pytest.mark.parametrize("limit", [1, 1000, CALL_LIMIT - 64, CALL_LIMIT, 2 * CALL_LIMIT])
async def test_a_body_above_any_limit_is_known_by_its_head(limit: int) -> None:
    decider = WantsBody()
    line = Line(new_calls(decider, door=replace(DOOR, max_body_bytes=limit)))
    line.ask(TARGET)
    line.say(bytes((EXTRA,)) + (limit + 2000).to_bytes(3))
    assert decider.requests[-1].body is BodyState.TOO_LARGE


async def test_sec_41_a_variable_that_is_too_large_is_a_refusal() -> None:
    line = Line(calls := new_calls())
    line.say(call())
    assert refused(line.say(HUGE)) is Reason.GATEWAY_ERROR
    assert calls._judge.faults == 0


# -- exceptions --------------------------------------------------------------------------------


class Raising(WantsBody):
    """Breaks, before the body or with it."""

    def __init__(self, *, warm: bool, late: bool) -> None:
        super().__init__(warm=warm)
        self.late = late

    def _give(self, request: Request) -> Decision:
        if self.late and request.body is BodyState.NOT_READ:
            return super()._give(request)
        raise LookupError("canary")


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(("late", "body"), [(False, None), (True, extra(b"{}")), (True, HUGE)])
async def test_0a_an_exception_is_a_refusal(
    body: bytes | None, *, warm: bool, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    calls = new_calls(Raising(warm=warm, late=late))
    line = Line(calls)
    line.connection.data_received(call() + extra(TARGET))
    await settled()
    if body is not None:
        line.wire.taken()
        line.connection.data_received(body)
        await settled()
    assert refused(line.heard()[-1:]) is Reason.INTERNAL
    assert calls._judge.faults == 1
    assert calls.deciding == 0
    assert "canary" not in caplog.text
    assert not line.wire.closed


async def test_sec_41_an_exception_about_a_configuration_closes_the_connection() -> None:
    class Broken(list[str]):
        def __contains__(self, _name: object) -> bool:
            raise LookupError

    calls = new_calls(profiles=Broken(["default"]))
    line = Line(calls)
    assert line.say(prepare()) == []
    assert line.connection.deaf
    assert calls._judge.faults == 1


async def test_0a_an_exception_about_a_token_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = new_calls()

    def broken(_number: int) -> str | None:
        raise LookupError

    monkeypatch.setattr(calls.tokens, "profile", broken)
    line = Line(calls)
    assert refused(line.say(call())) is Reason.INTERNAL
    monkeypatch.undo()
    assert still_serves(line)


async def test_sec_41_an_exception_while_closing_is_counted_and_not_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_transport: asyncio.Transport) -> None:
        raise LookupError

    calls = new_calls()
    monkeypatch.setattr(calls, "close_soon", broken)
    line = Line(calls)
    assert line.say(frame(5, b"")) == []
    assert line.connection.deaf
    assert calls._judge.faults == 1


async def test_sec_41_a_connection_that_goes_by_itself_leaves_no_timer() -> None:
    """Or whoever sends garbage and goes, again and again, would fill the memory."""
    calls = new_calls()
    lines = [Line(calls) for _ in range(3)]
    for line in lines:
        line.connection.data_received(frame(5, b""))
        line.lose()
    closings = [line.connection._closing for line in lines]
    assert [closing is None or closing.cancelled() for closing in closings] == [True] * 3
    assert any(closing is not None for closing in closings)
