"""How often the store is asked whether it is there."""

import asyncio

from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.store_health import StoreHealth
from support.clock import ManualClock


class CountingStore:
    def __init__(self) -> None:
        self.pings = 0
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def ping(self) -> None:
        self.pings += 1
        await self.gate.wait()
        if self.away:
            raise StoreUnavailable


async def test_sec_24_strangers_do_not_make_the_store_work() -> None:
    store, clock = CountingStore(), ManualClock()
    health = StoreHealth(store, clock)
    for _ in range(100):
        assert await health.answers()
    assert store.pings == 1
    store.away = True
    clock.advance(0.99)
    assert await health.answers()
    clock.advance(0.01)
    for _ in range(100):
        assert not await health.answers()
    assert store.pings == 2


async def test_sec_24_many_at_once_wait_for_one_question() -> None:
    store = CountingStore()
    store.gate.clear()
    health = StoreHealth(store, ManualClock())
    waiting = [asyncio.create_task(health.answers()) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.sleep(0)
    store.gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert answers.count(True) == 49
    assert store.pings == 1


async def test_who_asked_and_gave_up_leaves_the_question_to_the_next() -> None:
    store = CountingStore()
    store.gate.clear()
    health = StoreHealth(store, ManualClock())
    first = asyncio.create_task(health.answers())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    store.gate.set()
    assert await health.answers()
    assert store.pings == 2
