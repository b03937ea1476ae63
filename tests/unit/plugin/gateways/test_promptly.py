"""A deadline that costs nothing when nothing is waited for."""

import asyncio

import pytest

from gatepass.plugin.gateways.promptly import Promptly


def soon(seconds: float = 0.02) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_result_that_is_there_comes_at_once() -> None:
    async def ready() -> int:
        return 7

    assert await Promptly(ready(), soon(-1)) == 7


async def test_an_error_that_is_there_comes_at_once() -> None:
    async def broken() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        await Promptly(broken(), soon())


async def test_a_result_that_takes_several_waits_is_waited_for() -> None:
    async def slow() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, "late")
        result: str = await future
        return result

    assert await Promptly(slow(), soon(5)) == "late"


async def test_an_error_after_a_wait_is_raised() -> None:
    async def slow() -> str:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(LookupError):
        await Promptly(slow(), soon(5))


async def test_the_deadline_ends_the_waiting() -> None:
    ended = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(TimeoutError):
        await Promptly(endless(), soon())
    assert ended == [True]


async def test_what_handles_its_cancellation_may_still_wait() -> None:
    async def tidy() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise
        return ""

    with pytest.raises(TimeoutError):
        await Promptly(tidy(), soon())


async def test_a_cancellation_from_outside_goes_through() -> None:
    async def endless() -> None:
        await asyncio.Event().wait()

    async def waiting() -> None:
        await Promptly(endless(), soon(5))

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
