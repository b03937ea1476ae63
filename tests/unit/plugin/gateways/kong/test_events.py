"""What connections share: patience with closes, what is overdue, and an orderly end."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from gatepass.plugin.gateways import connections
from gatepass.plugin.gateways.connections import LINGER_SECONDS, Patience
from gatepass.plugin.gateways.kong import events as module
from gatepass.plugin.gateways.kong.calls import Exit
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.reasons import Reason
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Wire, new_events, reason_in, settled

FREE = 512


def delays(patience: Patience, *closes: float) -> list[float]:
    return [round(patience.delay(now), 3) for now in closes]


def test_what_cannot_be_read_waits_longer_and_longer() -> None:
    garbage = [100.0 + number for number in range(12)]
    assert delays(Patience(), *garbage) == [
        *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56),
        *(5, 5, 5),
    ]


def test_unknown_instances_are_closed_at_once_up_to_a_bound() -> None:
    """After our restart every worker and route of Kong's comes with a stale id."""
    stale = [100.0 + number / 1000 for number in range(FREE + 4)]
    assert delays(Patience(FREE), *stale) == [0.0] * FREE + [0.01, 0.02, 0.04, 0.08]


def test_calm_forgets() -> None:
    assert delays(Patience(), 100.0, 101.0, 111.5) == [0.01, 0.02, 0.01]
    assert delays(Patience(), 100.0, 110.0, 120.25) == [0.01, 0.02, 0.01]
    patience = Patience(FREE)
    for _ in range(600):
        patience.delay(100.0)
    assert delays(patience, 105.0, 115.1) == [5.0, 0.0]


def test_sec_41_a_close_that_goes_on_for_ever_never_gets_cheap() -> None:
    patience = Patience(FREE)
    now = total = 0.0
    for _ in range(10_000):
        now += max(patience.delay(now), 0.0001)
        total += 1
        if now > 60:
            break
    assert total < FREE + 30


async def test_garbage_of_one_connection_delays_no_unknown_instance() -> None:
    events = new_events()
    for _ in range(9):
        events.close_soon(Wire(), unknown_instance=False)
    wire = Wire()
    events.close_soon(wire, unknown_instance=True)
    assert wire.closed
    await events.drain(0)


@dataclass(eq=False)
class Member:
    """A connection that notes what it is told."""

    events: Events
    busy: bool = False
    told: list[str] = field(default_factory=list)
    error: Exception | None = None

    def overdue(self) -> None:
        self.told.append("overdue")
        if self.error is not None:
            raise self.error

    def close_if_idle(self) -> None:
        self.told.append("close if idle")
        if not self.busy:
            self.events.closed(self)

    def abort(self) -> None:
        self.told.append("abort")
        self.events.closed(self)


async def test_the_sweep_ends_what_is_overdue_and_nothing_else() -> None:
    events = new_events()
    late, early, idle = (Member(events) for _ in range(3))
    now = asyncio.get_running_loop().time()
    events.due[late] = now
    events.due[early] = now + 60
    events._sweep()
    events._sweep()
    assert (late.told, early.told, idle.told) == (["overdue"], [], [])
    assert events.due[late] >= now + LINGER_SECONDS  # it has that long to go


async def test_the_sweep_runs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.001)
    events = new_events()
    for _ in range(3):
        late = Member(events)
        events.due[late] = 0.0
        await asyncio.sleep(0.005)
        assert late.told == ["overdue"]


async def test_the_sweep_outlives_what_it_ends() -> None:
    events = new_events()
    bad, good = Member(events, error=LookupError()), Member(events)
    events.due |= {bad: 0.0, good: 0.0}
    events._sweep()
    assert (bad.told, good.told) == (["overdue"], ["overdue"])
    assert events._judge.faults == 1
    await events.drain(0)


async def test_after_the_end_nothing_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.001)
    events = new_events()
    await events.drain(0)
    late = Member(events)
    events.due[late] = 0.0
    await asyncio.sleep(0.01)
    assert late.told == []


async def test_how_long_kong_may_take() -> None:
    events = new_events()
    member = Member(events)
    now = asyncio.get_running_loop().time()
    for slow, seconds in ((False, DOOR.deadline_seconds), (True, DOOR.body_seconds)):
        events.expect(member, slow=slow)
        assert now + seconds <= events.due[member] < now + seconds + 1
    events.linger(member)
    assert now + LINGER_SECONDS <= events.due[member]
    events.closed(member)
    assert events.due == {}


async def test_sec_41_beyond_the_bound_there_is_overload() -> None:
    events = new_events()
    assert not events.overloaded
    events.deciding = module.MAX_EVENTS - 1
    assert not events.overloaded
    events.deciding += 1
    assert events.overloaded


async def test_sec_41_who_only_waits_for_kong_to_close_is_no_load() -> None:
    events = new_events()
    events.due |= {Member(events): 1e9 for _ in range(module.MAX_EVENTS + 1)}
    assert not events.overloaded


async def test_phases_that_are_not_ours_have_no_conversation() -> None:
    events = new_events()
    for phase in (b"access", b"log"):
        conversation = events.begin(phase, "default")
        assert conversation is not None
        conversation.close()
    for phase in (b"", b"Access", b"rewrite", b"response", b"certificate", b"preread", b"\xff"):
        assert events.begin(phase, "default") is None


async def test_sec_60_a_refusal_and_a_fault_are_noted_by_their_codes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = new_events()
    with caplog.at_level(logging.INFO):
        ending = events.refusal(Reason.DEADLINE)
        events.fault(LookupError("canary"))
    assert isinstance(ending, Exit)
    assert reason_in(ending.status, ending.body) is Reason.DEADLINE
    assert [vars(record).get("code") for record in caplog.records] == ["deadline", None]
    assert "canary" not in caplog.text
    assert events._judge.faults == 1


async def test_messagepack_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    events = new_events()
    with caplog.at_level(logging.ERROR):
        events.warn_of_messagepack()
        events.warn_of_messagepack()
    assert len(caplog.records) == 1
    assert "guard" in caplog.records[0].message


async def test_a_close_waits_its_time() -> None:
    events = new_events()
    at_once, later = Wire(), Wire()
    events.close_soon(at_once, unknown_instance=True)
    assert at_once.closed
    events.close_soon(later, unknown_instance=False)
    assert not later.closed
    await asyncio.sleep(0.03)
    assert later.closed


async def test_the_end_closes_the_idle_and_waits_for_the_busy() -> None:
    events = new_events()
    idle, busy = Member(events), Member(events, busy=True)
    events.opened(idle)
    events.opened(busy)
    ending = asyncio.create_task(events.drain(5))
    await asyncio.sleep(0)
    assert events.stopping
    assert (idle.told, busy.told) == (["close if idle"], ["close if idle"])
    assert not ending.done()
    events.closed(busy)
    async with asyncio.timeout(1):
        await ending
    assert busy.told == ["close if idle"]


async def test_the_end_waits_for_the_busy_also_after_all_were_gone() -> None:
    events = new_events()
    gone, busy = Member(events), Member(events, busy=True)
    events.opened(gone)
    events.closed(gone)
    events.opened(busy)
    ending = asyncio.create_task(events.drain(5))
    await settled()
    assert not ending.done()
    assert busy.told == ["close if idle"]
    events.closed(busy)
    async with asyncio.timeout(1):
        await ending
    assert busy.told == ["close if idle"]


async def test_the_end_does_not_wait_for_ever() -> None:
    events = new_events()
    busy = Member(events, busy=True)
    events.opened(busy)
    async with asyncio.timeout(1):
        await events.drain(0.01)
    assert busy.told == ["close if idle", "abort"]


async def test_an_end_without_connections_is_at_once() -> None:
    events = new_events(ScriptedDecider())
    async with asyncio.timeout(0.05):
        await events.drain(5)
