"""The runner as a lame duck: who is served on, what is closed when, and what is said last."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.apisix import draining as module
from gatepass.plugin.gateways.apisix.calls import Calls
from gatepass.plugin.gateways.apisix.draining import say_last
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request
from support.apisix.messages import Failure, Prepared
from support.apisix_calls import (
    TARGET,
    Line,
    asked_in,
    call,
    code_in,
    extra,
    new_calls,
    prepare,
    refused,
    rewrite_in,
    said_in,
)
from support.doors import PASS, ScriptedDecider
from support.kong_events import Line as KongLine
from support.kong_events import Wire, new_events, settled
from support.kong_wire import event, framed, head

UNREAD = b"\0"
LOOK_SECONDS = 0.001
LONG = 60.0
PATH = b"real_request_uri"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", LOOK_SECONDS)


class LostWhenClosed(Wire):
    """Tells its connection of its end a turn later, as a loop does."""

    lost: Callable[[], None]

    def close(self) -> None:
        if not self.closed:
            asyncio.get_running_loop().call_soon(self.lost)
        super().close()

    def abort(self) -> None:
        if not self.closed:
            asyncio.get_running_loop().call_soon(self.lost)
        super().abort()


def line_of(calls: Calls) -> Line:
    line = Line(calls)
    line.wire = wire = LostWhenClosed()
    wire.lost = line.lose
    line.connection._transport = wire
    return line


@asynccontextmanager
async def draining(calls: Calls, seconds: float = LONG) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(calls.drain(seconds))
    await settled()
    yield task
    task.cancel()
    await asyncio.wait([task])


async def looks(number: int) -> None:
    """Let the runner look so many times at least."""
    for _ in range(number):
        await asyncio.sleep(LOOK_SECONDS)


async def ended(task: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(2):
        await task


def answered_last(line: Line) -> Any:  # noqa: ANN401 - any message
    """Return what was said last on a connection that APISIX will not use again."""
    written = line.wire.taken()
    assert written.endswith(UNREAD)
    assert line.wire.closed
    (said,) = said_in(written.removesuffix(UNREAD))
    return said


# -- 1. served on ------------------------------------------------------------------------------


async def test_calls_on_the_connections_that_are_there_are_answered_as_before() -> None:
    line = line_of(calls := new_calls())
    async with draining(calls) as task:
        for _ in range(3):
            assert rewrite_in(line.ask(TARGET))
            assert isinstance(line.say(prepare())[0], Prepared)
            assert code_in(line.say(call(token=7))) == 2
        await looks(3)
        assert rewrite_in(line.ask(TARGET))
        assert not line.wire.closed
        assert not task.done()


async def test_a_call_may_take_longer_than_a_connection_may_rest() -> None:
    line = line_of(calls := new_calls())
    line.say(call())
    async with draining(calls):
        await looks(40)
        assert not line.wire.closed
        assert rewrite_in(line.say(extra(TARGET)))
        assert not line.wire.closed


async def test_a_call_that_has_begun_to_arrive_is_waited_for() -> None:
    line = line_of(calls := new_calls())
    whole = call()
    line.connection.data_received(whole[:5])
    async with draining(calls):
        await looks(40)
        assert asked_in(line.say(whole[5:])) == PATH


# -- 2. who rests ------------------------------------------------------------------------------


async def test_a_connection_that_rests_is_closed_and_one_that_works_is_not() -> None:
    calls = new_calls()
    resting, working = line_of(calls), line_of(calls)
    resting.ask(TARGET)
    async with draining(calls) as task:
        for _ in range(40):
            assert rewrite_in(working.ask(TARGET))
            await looks(1)
        assert resting.wire.closed
        assert resting.heard() == []
        assert not resting.wire.aborted
        assert not working.wire.closed
        await ended(task)
        assert working.wire.closed


async def test_the_last_connection_that_closes_ends_the_wait() -> None:
    line = line_of(calls := new_calls())
    async with draining(calls) as task:
        line.lose()
        await ended(task)


async def test_without_connections_there_is_nothing_to_wait_for() -> None:
    async with asyncio.timeout(1):
        await new_calls().drain(LONG)


async def test_a_runner_that_was_held_up_closes_nobody_for_it() -> None:
    """What APISIX sent meanwhile waits unread: nobody knows yet who rests."""
    line = line_of(calls := new_calls())
    async with draining(calls):
        await looks(2)
        time.sleep(LOOK_SECONDS * 30)  # noqa: ASYNC251 - the loop is to be held up
        await looks(1)
        assert not line.wire.closed


# -- 3. behind an answer -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "kind"), [(prepare(), Prepared), (call(token=7), Failure), (prepare(b"{}"), Failure)]
)
async def test_in_the_last_part_a_connection_ends_with_an_answer(frame: bytes, kind: type) -> None:
    line = line_of(calls := new_calls())
    async with draining(calls, 0.1) as task:
        while not calls.stopping:
            assert isinstance(line.say(frame)[0], kind)
            await looks(1)
        line.connection.data_received(frame)
        assert isinstance(answered_last(line), kind)
        await ended(task)
        assert not line.wire.aborted


async def test_in_the_last_part_a_request_is_decided_and_the_next_call_is_kept_away() -> None:
    line = line_of(calls := new_calls())
    calls.stopping = True
    assert asked_in(line.say(call())) == PATH
    assert not line.wire.closed
    line.connection.data_received(extra(TARGET))
    assert rewrite_in([answered_last(line)])


def test_what_keeps_the_next_call_away_is_one_piece_with_the_answer() -> None:
    """A call would fit between two pieces, and would be lost."""
    pieces: list[bytes] = []

    class Pieces(Wire):
        def write(self, data: Any) -> None:  # noqa: ANN401 - the shape of the library
            assert not self.closed
            pieces.append(bytes(data))

    say_last(wire := Pieces(), b"answer")
    assert pieces == [b"answer" + UNREAD]
    assert wire.closed


async def test_as_long_as_nothing_ends_there_is_nothing_behind_an_answer() -> None:
    line = line_of(new_calls())
    line.connection.data_received(prepare())
    written = line.wire.taken()
    assert len(written) == 4 + int.from_bytes(written[1:4])


# -- 4. when the time is over ------------------------------------------------------------------


async def test_sec_41_a_decision_that_is_awaited_at_the_end_is_a_refusal() -> None:
    line = line_of(calls := new_calls(ScriptedDecider(None)))
    assert line.ask(TARGET) == []
    await settled()
    async with draining(calls, 0.01) as task:
        await ended(task)
    assert refused([answered_last(line)]) is Reason.DEADLINE
    await settled()
    assert (calls.deciding, calls._connections) == (0, set())


async def test_sec_41_a_decision_that_comes_after_the_end_lets_nobody_through() -> None:
    class Late(ScriptedDecider):
        def __init__(self) -> None:
            super().__init__(warm=False)
            self.told = asyncio.Event()

        async def decide(self, _request: Request) -> Decision:
            await self.told.wait()
            return PASS

    line = line_of(calls := new_calls(late := Late()))
    line.ask(TARGET)
    await settled()
    await calls.drain(0)
    assert refused([answered_last(line)]) is Reason.DEADLINE
    late.told.set()
    await settled()
    assert line.heard() == []


@pytest.mark.parametrize("sent", [call(), call()[:7]])
async def test_what_apisix_has_not_finished_at_the_end_is_cut_off(sent: bytes) -> None:
    line = line_of(calls := new_calls())
    line.connection.data_received(sent)
    line.wire.taken()
    async with draining(calls, 0.01) as task:
        await ended(task)
    assert line.wire.aborted
    assert line.heard() == []


# -- Kong --------------------------------------------------------------------------------------


async def test_kongs_connections_are_closed_as_soon_as_nothing_runs_on_them() -> None:
    """Kong asks again by itself, on another connection."""
    events = new_events()
    idle, busy = KongLine(events), KongLine(events)
    busy.say(event())
    task = asyncio.create_task(events.drain(LONG))
    await settled()
    assert idle.wire.closed
    assert not busy.wire.closed
    busy.connection.data_received(framed(*head()))
    assert not busy.wire.taken().endswith(UNREAD)
    busy.say(b"")
    assert busy.wire.closed
    idle.lose()
    busy.lose()
    await ended(task)
