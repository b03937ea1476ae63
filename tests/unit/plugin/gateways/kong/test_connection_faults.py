"""An exception that nobody expected: in an event a refusal, outside of one a closed connection."""

import asyncio
from collections.abc import Callable

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.kong.instances import Instances
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request
from support.doors import ScriptedDecider
from support.kong_events import Books, Line, Wire, new_events, reason_in, settled
from support.kong_wire import event, exit_in, field_of, head

START = field_of(33, field_of(1, b"gatepass") + field_of(2, b'{"profile":"default"}'))
GOES_ON = [b"", b"\x08\x07"]


class Broken(Instances):
    """Raises, whatever it is asked."""

    def __init__(self) -> None:
        super().__init__(lambda: ["default"])

    def start(self, config: bytes) -> int:
        raise LookupError(config)

    def profile(self, number: int) -> str | None:
        raise LookupError(number)


class ClosedAt(Wire):
    """Notes when it was closed, on the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.at: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def close(self) -> None:
        super().close()
        self.at.set_result(asyncio.get_running_loop().time())


def refused(frames: list[bytes]) -> Reason:
    status, body, _ = exit_in(frames)
    return reason_in(status, body)


def _new(_line: Line) -> None:
    """Nothing was said yet."""


def _served(line: Line) -> None:
    line.say(event())
    line.say(*head())
    line.say(b"")


# -- outside of an event -----------------------------------------------------------------------


@pytest.mark.parametrize("before", [_new, _served])
async def test_sec_41_a_fault_outside_of_an_event_closes_without_a_word(
    before: Callable[[Line], None],
) -> None:
    """An exit would be taken for the answer to a call that is none of an event."""
    events = new_events()
    line = Line(events)
    before(line)
    events.instances = Broken()
    assert line.say(START, event()) == []
    assert events._judge.faults == 1
    assert not line.wire.closed
    assert line.say(START) == []
    assert events._judge.faults == 1
    await asyncio.sleep(0.03)
    assert line.wire.closed
    assert not line.wire.aborted


async def test_sec_41_faults_outside_of_events_are_closed_slower_each_time() -> None:
    events = new_events()
    events.instances = Broken()
    began = asyncio.get_running_loop().time()
    wires = []
    for _ in range(3):
        line = Line(events)
        wires.append(wire := ClosedAt())
        line.connection.connection_made(wire)
        line.say(START)
    assert not any(wire.closed for wire in wires)
    async with asyncio.timeout(1):
        delays = [await wire.at - began for wire in wires]
    assert delays == sorted(delays)
    assert all(delay > least for delay, least in zip(delays, (0.009, 0.019, 0.039), strict=True))


# -- in an event -------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [_new, _served])
async def test_sec_41_a_fault_at_the_beginning_of_an_event_is_a_refusal(
    before: Callable[[Line], None],
) -> None:
    """A closed connection would make Kong repeat the event for ever."""
    events = new_events()
    line = Line(events)
    before(line)
    events.instances = Broken()
    assert refused(line.say(event())) is Reason.INTERNAL
    assert events._judge.faults == 1
    assert line.say(event()) == []
    await asyncio.sleep(0.03)
    assert not line.wire.closed


async def test_a_fault_at_the_beginning_of_a_log_event_ends_it() -> None:
    events = new_events()
    line, healthy = Line(events), events.instances
    for _ in range(3):
        events.instances = Broken()
        assert line.say(event(b"log")) == GOES_ON
        events.instances = healthy
        assert line.say(event(b"log")) == [b"kong.ctx.shared.get", field_of(1, b"gatepass")]
        assert line.say(b"") == GOES_ON
    assert events._judge.faults == 3


async def test_a_fault_of_a_log_event_waits_for_no_answers_of_an_earlier_one() -> None:
    events = new_events()
    line, healthy = Line(events), events.instances
    line.say(event(b"log"))
    line.connection.overdue()
    assert line.heard() == GOES_ON
    line.say(b"late")
    events.instances = Broken()
    assert line.say(event(b"log")) == GOES_ON
    events.instances = healthy
    assert line.say(event())[0] == b"kong.request.get_headers"


class RaisesLater(ScriptedDecider):
    """Breaks as soon as it is let."""

    def __init__(self) -> None:
        super().__init__(warm=False)
        self.go_on = asyncio.Event()

    async def decide(self, request: Request) -> Decision:
        await self.go_on.wait()
        raise LookupError(request.method)


async def _break(decider: RaisesLater) -> None:
    decider.go_on.set()
    await settled()


async def test_a_fault_for_a_connection_that_went_is_counted_and_no_more() -> None:
    line = Line(events := new_events(decider := RaisesLater(), books := Books()))
    line.say(event())
    line.say(*head())
    await settled()
    line.lose()
    await _break(decider)
    assert events._judge.faults == 1
    assert line.heard() == []
    assert events.due == {}
    assert books.done == []


async def test_a_fault_behind_a_refusal_says_nothing_more() -> None:
    line = Line(events := new_events(decider := RaisesLater()))
    line.say(event())
    line.say(*head())
    await settled()
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    await _break(decider)
    assert events._judge.faults == 1
    assert line.heard() == []
    assert events.deciding == 0


async def test_work_that_outlives_its_connection_is_held_until_it_is_done() -> None:
    """The loop itself holds tasks weakly."""
    events = new_events()
    done = asyncio.Event()

    async def wait() -> None:
        await done.wait()

    events.run(wait())
    await settled()
    assert len(events._tasks) == 1
    done.set()
    await settled()
    assert not events._tasks
