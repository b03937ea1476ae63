"""Whether the store answers, asked at most once a second: pages that anybody may open hang on it.

One question is under way at a time; whoever comes meanwhile waits for it, and gets its answer.
"""

import asyncio
import math
from typing import Final, Protocol

from gatepass.jwks.clock import Clock
from gatepass.plugin.errors import StoreUnavailable

REMEMBERED_SECONDS: Final = 1.0


class Store(Protocol):
    """What can be asked whether it is there."""

    async def ping(self) -> None:
        """Return if it can be read.

        Raises:
            StoreUnavailable: it cannot.

        """
        ...


class StoreHealth:
    """Remembers the last answer for `REMEMBERED_SECONDS`. Belongs to one event loop."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._asking = asyncio.Lock()
        self._answers = False
        self._until = -math.inf

    async def answers(self) -> bool:
        """Answer whether the store does, or did a moment ago."""
        async with self._asking:
            if self._clock.monotonic() >= self._until:
                self._answers = await self._ask()
                self._until = self._clock.monotonic() + REMEMBERED_SECONDS
            return self._answers

    async def _ask(self) -> bool:
        try:
            await self._store.ping()
        except StoreUnavailable:
            return False
        return True
