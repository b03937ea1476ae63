"""Waiting no longer than one wants to."""

import asyncio

import pytest

from gatepass.plugin.patience import Patience


class Slow:
    """Answers when it may; takes its time to give up."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.may_answer = asyncio.Event()
        self.may_end = asyncio.Event()
        self.ended = False
        self._failure = failure

    async def ask(self) -> str:
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            await self.may_end.wait()
            self.ended = True
            if self._failure is not None:
                raise self._failure from None
            raise
        if self._failure is not None:
            raise self._failure
        return "answer"


async def test_an_answer_in_time_is_returned() -> None:
    slow, patience = Slow(), Patience()
    slow.may_answer.set()
    assert await patience.ask(1, slow.ask()) == "answer"
    await patience.close()


async def test_a_failure_in_time_is_raised() -> None:
    slow, patience = Slow(LookupError()), Patience()
    slow.may_answer.set()
    with pytest.raises(LookupError):
        await patience.ask(1, slow.ask())


@pytest.mark.parametrize("failure", [None, LookupError()])
async def test_what_is_late_is_left_and_waited_for_at_the_end(failure: Exception | None) -> None:
    slow, patience = Slow(failure), Patience()
    with pytest.raises(TimeoutError):
        await patience.ask(0.01, slow.ask())
    assert not slow.ended
    slow.may_end.set()
    await patience.close()
    assert slow.ended


async def test_who_goes_away_while_waiting_leaves_it_too() -> None:
    slow, patience = Slow(), Patience()
    asking = asyncio.create_task(patience.ask(1, slow.ask()))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    slow.may_end.set()
    await patience.close()
    assert slow.ended
