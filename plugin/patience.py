"""Waiting no longer than one wants to, also for what takes its time to give up.

A cancelled question to a database that hangs goes on for seconds: its connection is to be closed in
an orderly way. Whoever has no more time leaves that to itself.
"""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

Answer = TypeVar("Answer")


class Patience:
    """Asks, and leaves what does not answer in time; `close` waits for whatever was left."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left: set[asyncio.Task[object]] = set()

    async def ask(self, seconds: float, question: Coroutine[object, None, Answer]) -> Answer:
        """Return the answer if it is there in time; else the question is cancelled.

        Raises:
            TimeoutError: it was not.

        """
        task = asyncio.ensure_future(question)
        try:
            await asyncio.wait([task], timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._forget)
        if not task.done():
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """Wait until everything that was left has given up."""
        if self._left:
            await asyncio.wait(self._left)

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # nobody wants to know any more
