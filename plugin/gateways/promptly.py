"""Waiting with a deadline that costs nothing when there is nothing to wait for.

A timer costs as much as half a decision, and what is awaited here (a small request body) has nearly
always arrived already. So the first step is taken without one.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Promptly(Generic[Result]):
    """Await a coroutine; should it have to wait, then until `until` on the loop's clock.

    Raises:
        TimeoutError: from the await, when the deadline passed first; the coroutine is cancelled.

    """

    __slots__ = ("_coroutine", "_until")

    def __init__(self, coroutine: Coroutine[object, None, Result], until: float) -> None:
        self._coroutine = coroutine
        self._until = until

    def __await__(self) -> Generator[object, None, Result]:
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as finished:
            result: Result = finished.value
            return result
        return (yield from self._wait(awaited).__await__())

    async def _wait(self, awaited: object) -> Result:
        async with asyncio.timeout_at(self._until):
            return await _Begun(self._coroutine, awaited)


class _Begun(Generic[Result]):
    """A coroutine that is already waiting for something, to be awaited to its end."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[object, None, Result], awaited: object) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[object, None, Result]:
        awaited = self._awaited
        try:
            while True:
                try:
                    yield awaited
                except BaseException as error:  # noqa: BLE001 - a cancellation above all: it is theirs
                    awaited = self._coroutine.throw(error)
                else:
                    awaited = self._coroutine.send(None)
        except StopIteration as finished:
            result: Result = finished.value
            return result
