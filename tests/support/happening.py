"""Waiting for what others bring about: looked at again and again, and a failure when it is late."""

import asyncio
from collections.abc import Callable

SECONDS = 5.0


async def happens(condition: Callable[[], object], within: float = SECONDS) -> None:
    """Return as soon as the condition holds."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - nobody would set an event
            await asyncio.sleep(0.005)
