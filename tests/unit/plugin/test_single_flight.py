"""One question for many who ask the same at once."""

import asyncio

import pytest

from gatepass.plugin.single_flight import SingleFlight
from support.happening import happens


class Question:
    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return self.asked


async def test_fifty_at_once_get_the_answer_of_one() -> None:
    flights, question = SingleFlight[int](), Question()
    waiting = [asyncio.create_task(flights.ask("key", question)) for _ in range(50)]
    await asyncio.sleep(0)
    question.may_answer.set()
    answers = await asyncio.gather(*waiting)
    assert question.asked == 1
    assert answers.count((1, True)) == 1
    assert answers.count((1, False)) == 49
    assert await flights.ask("key", question) == (2, True)


async def test_other_keys_are_other_questions() -> None:
    flights, question = SingleFlight[int](), Question()
    question.may_answer.set()
    await asyncio.gather(flights.ask("a", question), flights.ask("b", question))
    assert question.asked == 2


async def test_who_waits_fails_with_whoever_asked() -> None:
    flights, question = SingleFlight[int](), Question()
    question.failure = LookupError()
    waiting = [asyncio.create_task(flights.ask("key", question)) for _ in range(3)]
    await asyncio.sleep(0)
    question.may_answer.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [LookupError] * 3
    assert question.asked == 1


async def test_a_failure_that_nobody_else_waits_for_is_no_loose_end() -> None:
    flights, question = SingleFlight[int](), Question()
    question.failure = LookupError()
    question.may_answer.set()
    with pytest.raises(LookupError):
        await flights.ask("key", question)


async def test_who_goes_away_leaves_the_work_to_another() -> None:
    flights, question = SingleFlight[int](), Question()
    first, *others = [asyncio.create_task(flights.ask("key", question)) for _ in range(3)]
    await asyncio.sleep(0)
    first.cancel()
    await happens(lambda: question.asked == 2)
    question.may_answer.set()
    assert sorted(await asyncio.gather(*others)) == [(2, False), (2, True)]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_who_waits_and_goes_away_disturbs_nobody() -> None:
    flights, question = SingleFlight[int](), Question()
    first, second, third = [asyncio.create_task(flights.ask("key", question)) for _ in range(3)]
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    question.may_answer.set()
    assert await first == (1, True)
    assert await third == (1, False)
