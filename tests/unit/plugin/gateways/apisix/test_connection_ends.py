"""How calls on one of APISIX's connections end too soon: deadlines, cuts, the runner's end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.apisix import calls as module
from gatepass.plugin.gateways.apisix.exchange import CALL_LIMIT
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.messages import EXTRA, PREPARE, REQUEST, frame
from support.apisix_calls import (
    DOOR,
    TARGET,
    Line,
    ToldLater,
    asked_in,
    call,
    extra,
    new_calls,
    prepare,
    refused,
    rewrite_in,
    said_in,
)
from support.doors import PASS, ScriptedDecider
from support.kong_events import Books, WantsBody, settled

SMALL = replace(DOOR, max_body_bytes=100)
HASTY = replace(DOOR, deadline_seconds=0.02)
PATH = b"real_request_uri"
UNREADABLE = frame(EXTRA, b"\xff" * 8)


# -- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [(), (TARGET,), (TARGET, None)])
async def test_sec_41_apisix_that_does_not_answer_in_time_is_refused(
    behind: tuple[bytes | None, ...],
) -> None:
    line = Line(new_calls(WantsBody()))
    line.ask(*behind, frame=call([(b"host", b"h")]))
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert not line.wire.closed


@pytest.mark.parametrize("answer", [extra(TARGET), extra(None), UNREADABLE])
async def test_a_late_answer_is_not_taken_for_anothers(answer: bytes) -> None:
    decider = WantsBody()
    line = Line(new_calls(decider))
    line.say(call())
    line.connection.overdue()
    line.wire.taken()
    assert line.say(answer) == []
    assert decider.requests == []
    assert asked_in(line.say(call(path=b"/v1/models"))) == PATH
    assert asked_in(line.say(extra(b"/v1/models"))) is None
    assert decider.requests[0].target == b"/v1/models"


async def test_a_late_body_is_dropped_however_large_it_is() -> None:
    line = Line(new_calls(WantsBody(), door=SMALL))
    line.ask(TARGET)
    line.connection.overdue()
    line.wire.taken()
    assert line.say(extra(bytes(CALL_LIMIT)), call()) != []
    assert not line.connection.deaf


async def test_a_body_that_is_half_there_when_time_is_over_is_dropped() -> None:
    line = Line(new_calls(WantsBody(), door=replace(DOOR, max_body_bytes=2 * CALL_LIMIT)))
    line.ask(TARGET)
    whole = extra(bytes(CALL_LIMIT + 100_000))
    line.connection.data_received(whole[:CALL_LIMIT])
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert asked_in(line.say(whole[CALL_LIMIT:], call())) == PATH


async def test_sec_41_a_call_in_the_place_of_a_late_answer_closes_the_connection() -> None:
    """It would be dropped, and its request would wait for a minute."""
    line = Line(new_calls())
    line.say(call())
    line.connection.overdue()
    line.wire.taken()
    assert line.say(call()) == []
    assert line.connection.deaf


async def test_a_late_answer_that_never_comes_ends_the_connection() -> None:
    line = Line(new_calls())
    line.say(call())
    line.connection.overdue()
    line.connection.overdue()
    assert line.wire.aborted


async def test_sec_41_a_client_that_does_not_send_its_body_is_refused() -> None:
    line = Line(calls := new_calls(WantsBody()))
    now = asyncio.get_running_loop().time()
    line.ask(TARGET)
    assert calls.due[line.connection] >= now + DOOR.body_seconds
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE


async def test_sec_41_a_late_decision_is_refused() -> None:
    line = Line(new_calls(ScriptedDecider(None), door=HASTY))
    assert line.ask(TARGET) == []
    await asyncio.sleep(0.04)
    assert refused(line.heard()) is Reason.DEADLINE
    assert asked_in(line.say(call())) == PATH


async def test_a_decision_that_comes_after_its_refusal_is_given_back() -> None:
    line = Line(new_calls(decider := ToldLater(), books := Books()))
    line.ask(TARGET)
    await settled()
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    decider.waiting[0].set_result(PASS)
    await settled()
    assert line.heard() == []
    assert books.done == [("release", "r-1", None)]


@pytest.mark.parametrize("first", [PASS, refuse_for(Reason.NO_TOKEN)])
async def test_sec_41_a_late_decision_is_never_the_next_calls(first: Decision) -> None:
    """It would let the second request through by the first one's token."""
    line = Line(calls := new_calls(decider := ToldLater(), books := Books()))
    line.ask(TARGET)
    await settled()
    line.connection.overdue()
    line.wire.taken()
    line.ask(TARGET)
    await settled()
    decider.waiting[0].set_result(first)
    await settled()
    assert line.heard() == []
    assert calls.deciding == 1
    decider.waiting[1].set_result(refuse_for(Reason.ROUTE_DENIED))
    await settled()
    assert refused(line.heard()) is Reason.ROUTE_DENIED
    assert books.done == ([("release", "r-1", None)] if first is PASS else [])
    assert calls._judge.faults == 0


# -- connections that go -----------------------------------------------------------------------


@pytest.mark.parametrize("behind", [(), (TARGET,), (TARGET, None)])
async def test_a_connection_that_goes_in_the_middle_of_a_call_leaves_nothing(
    behind: tuple[bytes | None, ...],
) -> None:
    calls = new_calls(WantsBody())
    line = Line(calls)
    line.ask(*behind, frame=call([(b"host", b"h")]))
    line.lose()
    assert (calls.deciding, calls.due, calls._connections) == (0, {}, set())
    assert not any(calls._waits._waiting.values())


@pytest.mark.parametrize("gone", [Line.lose, lambda line: line.wire.close()])
async def test_what_was_reserved_for_a_connection_that_went_is_given_back(
    gone: Callable[[Line], None],
) -> None:
    line = Line(new_calls(decider := ToldLater(), books := Books()))
    line.ask(TARGET)
    await settled()
    gone(line)
    decider.waiting[0].set_result(PASS)
    await settled()
    assert line.heard() == []
    assert books.done == [("release", "r-1", None)]


async def test_sec_41_overload_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CALLS", 1)
    calls = new_calls()
    first, second = Line(calls), Line(calls)
    assert first.say(call())
    assert refused(second.say(call())) is Reason.OVERLOADED
    first.lose()
    assert (REQUEST_ID, b"r-1") in rewrite_in(second.ask(TARGET)).headers


async def test_apisix_that_does_not_read_is_not_read_either() -> None:
    line = Line(new_calls())
    line.connection.pause_writing()
    assert not line.wire.reading
    line.connection.resume_writing()
    assert line.wire.reading


# -- the end of the runner ---------------------------------------------------------------------


@pytest.mark.parametrize("frames", [[prepare()], [frame(4, b"")], [call(token=7)], []])
async def test_a_runner_that_ends_closes_what_is_idle(frames: list[bytes]) -> None:
    line = Line(calls := new_calls())
    calls.stopping = True
    line.connection.data_received(b"".join(frames))
    if not frames:
        calls.close_idle()
    assert line.wire.closed


@pytest.mark.parametrize("sent", [1, 5, 40])
async def test_a_runner_that_ends_answers_the_call_that_has_begun_to_arrive(sent: int) -> None:
    line = Line(calls := new_calls())
    whole = call()
    line.connection.data_received(whole[:sent])
    calls.stopping = True
    calls.close_idle()
    assert not line.wire.closed
    assert asked_in(line.say(whole[sent:])) == PATH
    line.connection.data_received(extra(TARGET))
    answer = line.wire.taken()[:-1]  # behind it is what keeps the next call away
    assert rewrite_in(said_in(answer))
    assert line.wire.closed


async def test_a_runner_whose_time_is_over_ends_all() -> None:
    line = Line(calls := new_calls())
    line.say(call())
    await calls.drain(0)
    assert line.wire.aborted
    assert line.heard() == []


@pytest.mark.parametrize("kind", [PREPARE, REQUEST])
async def test_nothing_is_said_twice(kind: int) -> None:
    line = Line(new_calls())
    said = line.say(prepare() if kind == PREPARE else call(token=7))
    assert len(said) == 1
    line.connection.overdue()
    assert line.heard() == []


async def test_what_is_said_last_is_not_cut_off_by_the_end_of_the_runner() -> None:
    """An abort would take back what the closing connection still has to send."""
    line = Line(calls := new_calls())
    calls.stopping = True
    line.say(call())
    line.connection.data_received(extra(TARGET))
    assert line.wire.closed
    calls.cut()
    assert not line.wire.aborted
