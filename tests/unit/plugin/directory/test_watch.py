"""Is the store away? One opinion, found out once, and taken back as soon as it is wrong."""

import asyncio
import logging

import pytest

from gatepass.plugin.directory import watch as module
from gatepass.plugin.directory.watch import StoreWatch
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessDenied, AccessFault
from support.happening import happens


class Store:
    def __init__(self) -> None:
        self.away = False
        self.hangs = False
        self.pings = 0
        self.failure: Exception | None = None

    async def ping(self) -> None:
        self.pings += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        if self.away:
            raise StoreUnavailable


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(module, "PING_SECONDS", 0.02)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    return Store()


async def ask(watch: StoreWatch, failure: Exception | None = None) -> None:
    async with watch.asking():
        await asyncio.sleep(0)
        if failure is not None:
            raise failure


async def test_a_store_that_answers_is_not_away(store: Store) -> None:
    watch = StoreWatch(store.ping)
    answers = await asyncio.gather(*(watch.is_away() for _ in range(20)))
    assert (answers, store.pings, watch.outages) == ([False] * 20, 1, 0)
    await watch.close()


@pytest.mark.parametrize("how", ["away", "hangs"])
async def test_an_outage_is_found_out_once_and_ends_by_itself(
    store: Store, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="gatepass.directory")
    watch = StoreWatch(store.ping)
    setattr(store, how, True)
    assert await asyncio.gather(*(watch.is_away() for _ in range(20))) == [True] * 20
    assert await watch.is_away()
    assert watch.outages == 1
    await asyncio.sleep(0.04)
    assert store.pings > 1
    setattr(store, how, False)
    await happens(lambda: not watch.away)
    assert [record.message for record in caplog.records] == [
        "the store does not answer",
        "the store answers again",
    ]
    assert not await watch.is_away()
    await watch.close()


async def test_during_an_outage_one_question_at_a_time_tries_its_luck(store: Store) -> None:
    watch = StoreWatch(store.ping)
    store.away = True
    assert await watch.is_away()
    answers = await asyncio.gather(
        *(ask(watch, StoreUnavailable()) for _ in range(20)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert watch.away
    answers = await asyncio.gather(*(ask(watch) for _ in range(20)), return_exceptions=True)
    assert answers.count(None) == 1
    assert not watch.away
    await ask(watch)
    await watch.close()


async def test_a_refusal_is_an_answer(store: Store) -> None:
    watch = StoreWatch(store.ping)
    store.away = True
    assert await watch.is_away()
    with pytest.raises(AccessDenied):
        await ask(watch, AccessDenied(AccessFault.USER_UNKNOWN))
    assert not watch.away


async def test_a_question_that_is_given_up_says_nothing_about_the_store(store: Store) -> None:
    watch = StoreWatch(store.ping)
    store.away = True
    assert await watch.is_away()
    asking = asyncio.create_task(ask(watch))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert watch.away
    await ask(watch)
    assert not watch.away


async def test_a_fault_of_ours_is_no_outage_and_keeps_nobody_waiting(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    watch = StoreWatch(store.ping)
    store.failure = LookupError("canary")
    assert not await watch.is_away()
    assert not await watch.is_away()
    assert [vars(record)["fault"] for record in caplog.records] == ["LookupError"] * 2
    assert "canary" not in caplog.text
    store.failure = None
    store.away = True
    assert await watch.is_away()
    await watch.close()


async def test_an_answer_that_comes_late_leaves_nobody_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = StoreWatch(store.ping)
    store.away = True
    assert await watch.is_away()
    asking = watch.asking()
    await asking.__aenter__()
    store.away = False
    await happens(lambda: not watch.away)
    monkeypatch.setattr(module, "PING_SECONDS", 60)
    store.hangs = True
    waiting = asyncio.create_task(watch.is_away())
    await asyncio.sleep(0)
    await asking.__aexit__(None, None, None)
    assert not await asyncio.wait_for(waiting, 1)
    store.hangs = False
    await watch.close()


async def test_who_waits_for_an_answer_is_not_forgotten_at_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PING_SECONDS", 60)
    watch = StoreWatch(store.ping)
    store.hangs = True
    waiting = asyncio.create_task(watch.is_away())
    await asyncio.sleep(0)
    await watch.close()
    assert not await asyncio.wait_for(waiting, 1)


async def test_a_second_outage_is_another_one(store: Store) -> None:
    watch = StoreWatch(store.ping)
    for number in (1, 2):
        store.away = True
        assert await watch.is_away()
        assert watch.outages == number
        store.away = False
        await ask(watch)
    await watch.close()
    await watch.close()
