"""What comes together is done together, in order, and each hears of its own."""

import asyncio
from collections.abc import Sequence

import pytest

from gatepass.plugin.budgets.batches import MAX_BATCH, Batches
from gatepass.plugin.errors import StoreUnavailable


class Worker:
    """Doubles numbers; is slow, away or particular when told so."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.away = False

    async def work(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.free.wait()
        if self.away:
            raise StoreUnavailable
        if 13 in items:
            raise ValueError
        return [2 * item for item in items]


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_while_one_is_under_way_is_the_next() -> None:
    worker = Worker()
    worker.free.clear()
    batches = Batches(worker.work)
    asked = [asyncio.create_task(batches.ask(1))]
    await _turns()
    asked += [asyncio.create_task(batches.ask(number)) for number in (2, 3)]
    await _turns()
    worker.free.set()
    assert await asyncio.gather(*asked) == [2, 4, 6]
    assert worker.batches == [[1], [2, 3]]
    assert await batches.ask(4) == 8


async def test_a_batch_has_an_end() -> None:
    worker = Worker()
    batches = Batches(worker.work)
    await asyncio.gather(*(batches.ask(number + 100) for number in range(MAX_BATCH + 1)))
    assert [len(batch) for batch in worker.batches] == [MAX_BATCH, 1]


async def test_who_is_cancelled_keeps_nobody_else_waiting() -> None:
    worker = Worker()
    worker.free.clear()
    batches = Batches(worker.work)
    gone, stays = (asyncio.create_task(batches.ask(number)) for number in (1, 2))
    await _turns()
    gone.cancel()
    worker.free.set()
    assert await stays == 4
    worker.free.clear()
    worker.away = True
    gone = asyncio.create_task(batches.ask(1))
    await _turns()
    gone.cancel()
    worker.free.set()
    await batches.close()


async def test_one_that_cannot_be_done_does_not_stop_the_others() -> None:
    worker = Worker()
    batches = Batches(worker.work)
    found = await asyncio.gather(
        *(batches.ask(number) for number in (12, 13, 14)), return_exceptions=True
    )
    assert (found[0], found[2]) == (24, 28)
    assert isinstance(found[1], ValueError)


async def test_everybody_hears_that_the_store_is_away() -> None:
    worker = Worker()
    worker.away = True
    batches = Batches(worker.work)
    found = await asyncio.gather(
        *(batches.ask(number) for number in (1, 2)), return_exceptions=True
    )
    assert [type(error) for error in found] == [StoreUnavailable] * 2
    assert worker.batches == [[1, 2]]


async def test_too_many_are_told_so_at_once() -> None:
    worker = Worker()
    worker.free.clear()
    batches = Batches(worker.work, max_waiting=1)
    under_way = asyncio.create_task(batches.ask(1))
    await _turns()
    waiting = asyncio.create_task(batches.ask(2))
    await _turns()
    with pytest.raises(StoreUnavailable):
        await batches.ask(3)
    worker.free.set()
    assert (await under_way, await waiting) == (2, 4)


async def test_after_closing_nothing_more_is_taken() -> None:
    batches = Batches(Worker().work)
    await batches.close()
    with pytest.raises(StoreUnavailable):
        await batches.ask(1)
