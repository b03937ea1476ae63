"""Does the store answer? One opinion for the whole process, so that an outage costs nobody a wait.

A question that failed is no outage yet: a row may be unreadable. Whether the store is away is found
out by reading something. While it is, it is asked again twice a second, and one question at a time
may try its luck; what else would ask is told at once. Both ways back end the outage without a
restart. An outage is logged once, at its beginning and at its end.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.patience import Patience
from gatepass.rbac.errors import AccessDenied

PING_SECONDS = 1.0
"""How long the store may take to read something."""

RETRY_SECONDS = 0.5

_log = logging.getLogger("gatepass.directory")


class StoreWatch:
    """Knows whether the store is away; `outages` counts how often it went.

    `patience` is for questions to the store that nobody should wait for when it hangs.
    """

    __slots__ = ("_ping", "_task", "_told", "_trying", "away", "outages", "patience")

    def __init__(self, ping: Callable[[], Coroutine[object, None, None]]) -> None:
        self._ping = ping
        self.patience = Patience()
        self._task: asyncio.Task[None] | None = None
        self._told: asyncio.Future[None] | None = None
        self._trying = False
        self.away = False
        self.outages = 0

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Surround a question to the store.

        Raises:
            StoreUnavailable: it is away, and somebody else is trying already.

        """
        if not self.away:
            yield
            return
        if self._trying:
            raise StoreUnavailable
        self._trying = True
        try:
            yield
        except AccessDenied:
            await self._answered()
            raise
        else:
            await self._answered()
        finally:
            self._trying = False

    async def _answered(self) -> None:
        await self._stop()
        self._set(away=False)

    async def is_away(self) -> bool:
        """Find out whether the store is away, at the latest after `PING_SECONDS`."""
        if self.away:
            return True
        if self._told is None:
            self._told = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._find_out())
        await asyncio.wait([self._told])
        return self.away

    async def close(self) -> None:
        """Stop asking."""
        await self._stop()
        await self.patience.close()

    async def _stop(self) -> None:
        task, self._task = self._task, None
        told, self._told = self._told, None
        if told is not None:
            told.set_result(None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _find_out(self) -> None:
        """Tell whether the store is away, and stay on it as long as it is."""
        while True:
            self._set(away=not await self._answers())
            told, self._told = self._told, None
            if told is not None:
                told.set_result(None)
            if not self.away:
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _answers(self) -> bool:
        try:
            await self.patience.ask(PING_SECONDS, self._ping())
        except (StoreUnavailable, TimeoutError):
            return False
        except Exception as bug:  # noqa: BLE001 - who waits for the answer must get one
            _log.error("internal fault", extra={"fault": type(bug).__name__})
        return True

    def _set(self, *, away: bool) -> None:
        if away and not self.away:
            self.outages += 1
            _log.error("the store does not answer")
        elif self.away and not away:
            _log.warning("the store answers again")
        self.away = away
