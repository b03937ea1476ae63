"""One question at a time for each key: who asks the same meanwhile waits and gets the same answer.

The first who asks also does the work, in their own task: nothing runs that nobody waits for. Who
goes away while others wait leaves the work to one of them, which starts anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class SingleFlight(Generic[Answer]):
    """The questions that are under way."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Future[Answer]] = {}

    async def ask(
        self, key: Hashable, question: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """Return the answer, or raise what the question raised, and whether it was put for us."""
        while True:
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key, question), True
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result(), False

    async def _lead(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            answer = await question()
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # nobody else may have asked
            raise
        else:
            flight.set_result(answer)
            return answer
        finally:
            flight.cancel()  # does nothing once it has its answer
            del self._flights[key]
