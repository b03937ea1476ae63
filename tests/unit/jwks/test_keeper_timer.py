import asyncio
import logging

import pytest

from gatepass.jwks.document import Document
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.keeper import Keeper
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import KEY, NEXT, MakeKeeper, eventually, names
from support.tokens import key_set

DOWN = KeySourceUnavailable("timeout")


def _seconds_to_next_load(keeper: Keeper) -> int:
    assert keeper._timer is not None
    return round(keeper._timer.when() - asyncio.get_running_loop().time())


async def test_the_timer_loads_without_being_asked(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source, Freshness(0.01, 0.01, 60))
    await keeper.refresh()
    source.answer = key_set(NEXT)
    await eventually(lambda: names(keeper.current(clock.monotonic())) == ["key-2"])


@pytest.mark.parametrize("failing", [DOWN, b"<html>", RuntimeError("boom"), MemoryError()])
async def test_sec_25_the_timer_outlives_failures(
    make_keeper: MakeKeeper, clock: ManualClock, failing: bytes | Exception
) -> None:
    source = ScriptedSource(failing)
    keeper = make_keeper(source, Freshness(0.01, 0.005, 60))
    await keeper.refresh()
    await eventually(lambda: source.loads >= 4)
    assert keeper.current(clock.monotonic()) is None
    source.answer = key_set(KEY)
    await eventually(lambda: keeper.current(clock.monotonic()) is not None)
    assert keeper.last_error is None


async def test_sec_25_failures_are_retried_with_doubling_waits(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    keeper = make_keeper(source, Freshness(300, 4, 3600), chance=0)
    waits = []
    for _ in range(30):
        await keeper.refresh()
        waits.append(_seconds_to_next_load(keeper))
        clock.advance(30)
    assert waits[:5] == [4, 8, 15, 28, 28], "a twentieth before 4, 8, 16, 30 and 30 seconds"
    assert waits[-1] == 28
    source.answer = key_set(KEY)
    await keeper.refresh()
    assert _seconds_to_next_load(keeper) == 285
    source.answer = DOWN
    clock.advance(10)
    await keeper.refresh()
    assert _seconds_to_next_load(keeper) == 4


@pytest.mark.parametrize(
    ("chance", "said", "seconds"),
    [(0, None, 285), (1, None, 270), (0.2, 1000, 282), (0, 120, 114), (1, 0, 54)],
)
async def test_the_timer_loads_at_another_moment_in_every_process_and_before_the_end(
    make_keeper: MakeKeeper, chance: float, said: float | None, seconds: int
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.fresh_seconds = said
    keeper = make_keeper(source, chance=chance)
    await keeper.refresh()
    assert _seconds_to_next_load(keeper) == seconds


@pytest.mark.parametrize(("takes", "seconds"), [(100, 190), (1000, 19)])
async def test_the_time_that_a_load_takes_counts(
    make_keeper: MakeKeeper, clock: ManualClock, takes: float, seconds: int
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source, Freshness(300, 20, 3600), chance=0)
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    clock.advance(takes)
    source.gate.set()
    await waiting
    assert _seconds_to_next_load(keeper) == seconds


def test_every_keeper_draws_its_own_lot(clock: ManualClock) -> None:
    chances = {Keeper("i", ScriptedSource(b""), clock=clock)._chance() for _ in range(10)}
    assert len(chances) == 10
    assert all(0 <= chance <= 1 for chance in chances)


async def test_a_load_that_a_token_asked_for_puts_the_timer_off(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(key_set(KEY)))
    await keeper.refresh()
    before = keeper._timer
    assert before is not None
    clock.advance(10)
    await keeper.refresh()
    assert before.cancelled()
    assert keeper._timer is not before


async def test_after_close_nothing_is_loaded(make_keeper: MakeKeeper, clock: ManualClock) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source, Freshness(0.01, 0.01, 60))
    await keeper.refresh()
    await keeper.close()
    loads = source.loads
    clock.advance(30)
    await keeper.refresh()
    await asyncio.sleep(0.04)
    assert source.loads == loads
    assert names(keeper.current(clock.monotonic())) == ["key-1"]
    await keeper.close()


async def test_close_ends_the_load_under_way_and_frees_who_waits(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    await keeper.close()
    await asyncio.wait_for(waiting, 1)
    assert keeper.current(clock.monotonic()) is None
    assert keeper._timer is None


class StubbornSource(ScriptedSource):
    """Finishes its load although it is cancelled."""

    async def load(self, before: Document | None = None) -> Document:
        try:
            return await super().load(before)
        except asyncio.CancelledError:
            return Document(key_set(KEY))


async def test_a_load_that_ends_after_close_sets_no_timer(make_keeper: MakeKeeper) -> None:
    source = StubbornSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    await keeper.close()
    await waiting
    assert keeper._timer is None


async def test_within_the_cool_down_a_token_joins_the_load_that_the_timer_began(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    source.answer = key_set(NEXT)
    source.gate.clear()
    assert not keeper.may_refresh(clock.monotonic())
    keeper._begin_load()
    assert keeper.may_refresh(clock.monotonic())
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 2)
    source.gate.set()
    await waiting
    assert names(keeper.current(clock.monotonic())) == ["key-2"]


async def test_a_timer_that_meets_a_load_under_way_joins_it(make_keeper: MakeKeeper) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    source.gate.clear()
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    assert keeper._begin_load() is keeper._load
    source.gate.set()
    await waiting
    assert source.loads == 1


async def test_sec_60_the_log_names_the_issuer_and_fixed_words(
    make_keeper: MakeKeeper, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    source = ScriptedSource(DOWN)
    keeper = make_keeper(source)
    for answer in (
        DOWN,
        DOWN,
        RuntimeError("canary"),
        b"canary",
        key_set(KEY)[:-2] + b', {"kty": "oct", "kid": "canary", "k": "canary"}]}',
        key_set(KEY)[:-2] + b', {"kty": "oct", "kid": "canary", "k": "canary"}]}',
        key_set(KEY)[:-2] + b', {"kty": "RSA", "use": "enc", "kid": "canary"}]}',
    ):
        source.answer = answer
        await keeper.refresh()
        clock.advance(30)
    issuer = "issuer https://idp.example"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, f"{issuer}: keys not loaded: timeout"),
        (logging.ERROR, f"{issuer}: RuntimeError while loading keys"),
        (logging.WARNING, f"{issuer}: keys not loaded: internal error"),
        (logging.WARNING, f"{issuer}: keys not loaded: key set is not strict JSON"),
        (logging.WARNING, f"{issuer}: keys in its set that are symmetric: 1"),
    ]
