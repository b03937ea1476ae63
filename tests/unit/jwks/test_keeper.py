import asyncio

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.keeper import Keeper
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import KEY, NEXT, MakeKeeper, eventually, names
from support.tokens import key_set

DOWN = KeySourceUnavailable("timeout")


async def test_keys_come_with_the_first_refresh(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(key_set(KEY)))
    assert keeper.current(clock.monotonic()) is None
    assert keeper.last_error == "not loaded yet"
    assert keeper.age_seconds() is None
    await keeper.refresh()
    assert names(keeper.current(clock.monotonic())) == ["key-1"]
    assert keeper.last_error is None
    clock.advance(7)
    assert keeper.age_seconds() == 7


@pytest.mark.parametrize("failing", [DOWN, b"<html>", RuntimeError("boom")])
async def test_sec_26_stale_keys_serve_until_their_bound(
    make_keeper: MakeKeeper, clock: ManualClock, failing: bytes | Exception
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    loaded = keeper.current(clock.monotonic())
    source.answer = failing
    clock.advance(3600)
    await keeper.refresh()
    assert source.loads == 2
    assert keeper.last_error is not None
    assert keeper.current(clock.monotonic()) is keeper.usable(clock.monotonic()) is loaded
    clock.advance(0.001)
    assert keeper.current(clock.monotonic()) is None
    assert keeper.usable(clock.monotonic()) is None


async def test_sec_26_a_withdrawn_key_goes_with_the_next_load(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY, NEXT))
    keeper = make_keeper(source)
    await keeper.refresh()
    source.answer = key_set(NEXT)
    clock.advance(10)
    await keeper.refresh()
    assert names(keeper.current(clock.monotonic())) == ["key-2"]


async def test_an_unchanged_document_keeps_the_key_set_object(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    first = keeper.current(clock.monotonic())
    clock.advance(3000)
    await keeper.refresh()
    assert source.loads == 2
    assert keeper.current(clock.monotonic()) is first
    assert keeper.age_seconds() == 0
    clock.advance(3000)
    assert keeper.usable(clock.monotonic()) is first
    source.answer = key_set(KEY) + b" "
    await keeper.refresh()
    assert keeper.current(clock.monotonic()) is not first


async def test_sec_66_age_runs_on_the_monotonic_clock(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(key_set(KEY)))
    await keeper.refresh()
    clock.jump_wall(1e6)
    assert keeper.current(clock.monotonic()) is not None
    clock.jump_wall(-2e6)
    clock.advance(3600)
    assert keeper.usable(clock.monotonic()) is not None
    clock.advance(1)
    assert keeper.usable(clock.monotonic()) is None


async def test_sec_26_age_counts_from_before_the_load(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    clock.advance(5)
    source.gate.set()
    await waiting
    assert keeper.age_seconds() == 5


async def test_sec_24_fifty_tasks_share_one_load(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    tasks = [asyncio.create_task(keeper.refresh()) for _ in range(50)]
    await eventually(lambda: source.loads == 1)
    assert keeper.may_refresh(clock.monotonic())
    source.gate.set()
    await asyncio.gather(*tasks)
    assert source.loads == 1
    assert names(keeper.current(clock.monotonic())) == ["key-1"]


async def test_sec_24_one_load_per_cool_down(make_keeper: MakeKeeper, clock: ManualClock) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    for _ in range(20):
        await keeper.refresh()
    assert source.loads == 1
    clock.advance(9.9)
    assert not keeper.may_refresh(clock.monotonic())
    await keeper.refresh()
    assert source.loads == 1
    clock.advance(0.1)
    assert keeper.may_refresh(clock.monotonic())
    await keeper.refresh()
    assert source.loads == 2


async def test_sec_25_the_cool_down_begins_when_an_attempt_ends(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    source.gate.clear()
    keeper = make_keeper(source)
    waiting = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    clock.advance(60)
    source.gate.set()
    await waiting
    for _ in range(20):
        await keeper.refresh()
    assert source.loads == 1
    assert keeper.last_error == "timeout"
    clock.advance(10)
    source.answer = key_set(KEY)
    await keeper.refresh()
    assert source.loads == 2
    assert keeper.last_error is None


async def test_a_caller_that_gives_up_does_not_stop_the_load(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    impatient = asyncio.create_task(keeper.refresh())
    patient = asyncio.create_task(keeper.refresh())
    await eventually(lambda: source.loads == 1)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    source.gate.set()
    await patient
    assert source.loads == 1
    assert names(keeper.current(clock.monotonic())) == ["key-1"]


async def test_a_fixed_source_is_loaded_once_and_never_grows_old(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY), fixed=True)
    keeper = make_keeper(source)
    assert keeper.may_refresh(clock.monotonic())
    await keeper.refresh()
    clock.advance(1e9)
    assert not keeper.may_refresh(clock.monotonic())
    await keeper.refresh()
    assert source.loads == 1
    assert keeper._timer is None
    assert names(keeper.current(clock.monotonic())) == ["key-1"]


async def test_sec_23_an_empty_document_is_no_key_set(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(b""))
    await keeper.refresh()
    assert keeper.current(clock.monotonic()) is None
    assert keeper.last_error == "key set is not strict JSON"


async def test_a_keeper_that_never_loaded_can_be_closed(make_keeper: MakeKeeper) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.close()
    await keeper.refresh()
    assert source.loads == 0


def test_a_keeper_survives_its_event_loop(clock: ManualClock) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = Keeper("https://idp.example", source, clock=clock)
    asyncio.run(keeper.refresh())
    clock.advance(10)
    asyncio.run(keeper.refresh())
    asyncio.run(keeper.close())
    assert source.loads == 2
    assert names(keeper.current(clock.monotonic())) == ["key-1"]
