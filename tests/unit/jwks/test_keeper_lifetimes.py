"""While keys are fresh nobody waits; when they are not, one load is waited for, then they serve."""

import asyncio

import pytest

from gatepass.jwks.document import Document
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.freshness import Freshness
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import KEY, NEXT, MakeKeeper, eventually, names
from support.tokens import key_set

DOWN = KeySourceUnavailable("timeout")


async def test_sec_27_fresh_keys_serve_without_a_question(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(key_set(KEY)))
    await keeper.refresh()
    clock.advance(300)
    assert names(keeper.current(clock.monotonic())) == ["key-1"]
    clock.advance(0.001)
    assert keeper.current(clock.monotonic()) is None, "now the issuer is to be asked first"
    assert names(keeper.usable(clock.monotonic())) == ["key-1"]


async def test_sec_26_after_their_time_new_keys_are_waited_for(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    source.answer = key_set(NEXT)
    clock.advance(301)
    await keeper.refresh()
    assert names(keeper.current(clock.monotonic())) == ["key-2"]


@pytest.mark.parametrize("failing", [DOWN, b"<html>", RuntimeError("boom")])
async def test_sec_26_one_failure_is_waited_for_and_then_stale_keys_serve_at_once(
    make_keeper: MakeKeeper, clock: ManualClock, failing: bytes | Exception
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    source.answer = failing
    clock.advance(301)
    assert keeper.current(clock.monotonic()) is None
    await keeper.refresh()
    for _ in range(5):
        clock.advance(60)
        assert names(keeper.current(clock.monotonic())) == ["key-1"]
    assert source.loads == 2
    source.answer = key_set(KEY)
    await keeper.refresh()
    clock.advance(301)
    assert keeper.current(clock.monotonic()) is None, "a success begins anew"


async def test_sec_27_a_timer_that_failed_before_the_end_makes_nobody_wait(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    source.answer = DOWN
    clock.advance(290)
    await keeper._begin_load()
    clock.advance(20)
    source.gate.clear()
    keeper._begin_load()
    await eventually(lambda: source.loads == 3)
    assert names(keeper.current(clock.monotonic())) == ["key-1"], "though the issuer hangs"


async def test_after_close_keys_serve_until_they_are_too_old(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    keeper = make_keeper(ScriptedSource(key_set(KEY)))
    await keeper.refresh()
    await keeper.close()
    clock.advance(3600)
    assert keeper.current(clock.monotonic()) is not None
    clock.advance(1)
    assert keeper.current(clock.monotonic()) is None


@pytest.mark.parametrize(("said", "seconds"), [(None, 300), (0, 60), (120, 120), (9999, 300)])
async def test_what_the_server_says_shortens_the_time(
    make_keeper: MakeKeeper, clock: ManualClock, said: float | None, seconds: float
) -> None:
    source = ScriptedSource(key_set(KEY))
    source.fresh_seconds = said
    keeper = make_keeper(source)
    await keeper.refresh()
    clock.advance(seconds)
    assert keeper.current(clock.monotonic()) is not None
    clock.advance(0.001)
    assert keeper.current(clock.monotonic()) is None


async def test_a_load_is_handed_what_the_last_good_one_brought(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY))
    keeper = make_keeper(source)
    await keeper.refresh()
    assert source.before is None
    source.answer = b"<html>"
    clock.advance(10)
    await keeper.refresh()
    clock.advance(10)
    await keeper.refresh()
    assert source.before == Document(key_set(KEY))


async def test_sec_25_tokens_keep_the_distance_of_failures(
    make_keeper: MakeKeeper, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    keeper = make_keeper(source, Freshness(300, 4, 3600))
    waits = []
    for _ in range(6):
        await keeper.refresh()
        asked = clock.monotonic()
        while not keeper.may_refresh(clock.monotonic()):
            clock.advance(1)
        waits.append(clock.monotonic() - asked)
    assert waits == [4, 8, 16, 30, 30, 30]
    assert source.loads == 6


async def test_refetches_are_counted(make_keeper: MakeKeeper, clock: ManualClock) -> None:
    source = ScriptedSource(key_set(KEY))
    source.gate.clear()
    keeper = make_keeper(source)
    waiting = asyncio.gather(*(keeper.refresh() for _ in range(5)))
    await eventually(lambda: source.loads == 1)
    source.gate.set()
    await waiting
    assert keeper.refetches == 1
    await keeper.refresh()
    assert keeper.refetches == 1
    clock.advance(10)
    await keeper._begin_load()
    assert keeper.refetches == 1, "the timer's are not counted"
    clock.advance(10)
    await keeper.refresh()
    assert keeper.refetches == 2
