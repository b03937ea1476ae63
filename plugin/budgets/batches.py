"""Many callers, one transaction after the other: what comes while one is under way joins the next.

So a busy process asks the database as seldom as it can, and an idle one without any delay.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from gatepass.plugin.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_BATCH = 200
MAX_WAITING = 20_000


class Batches(Generic[Item, Result]):
    """Hands items to `work` in batches, in the order in which they came, one batch at a time."""

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._work = work
        self._max_waiting = max_waiting
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def ask(self, item: Item) -> Result:
        """Return what came of an item.

        Whoever is cancelled meanwhile does not keep it from being done.

        Raises:
            StoreUnavailable: too many wait already, or it is closed; else whatever `work` raises.

        """
        return await self.put(item)

    def put(self, item: Item) -> asyncio.Future[Result]:
        """Put an item in line and return what will come of it.

        Raises:
            StoreUnavailable: too many wait already, or it is closed; it will not be done.

        """
        if self._closed or len(self._waiting) >= self._max_waiting:
            raise StoreUnavailable
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, answer))
        if self._task is None:
            self._task = loop.create_task(self._run())
        return answer

    async def close(self) -> None:
        """Finish what waits and take nothing more."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            await self._answer(batch)
        self._task = None

    async def _answer(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - everybody who waits must hear of it
            if len(batch) > 1 and not isinstance(error, StoreUnavailable):
                for single in batch:  # one of them cannot be done; the others can
                    await self._answer([single])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), result in zip(batch, results, strict=True):
            if not answer.done():
                answer.set_result(result)
