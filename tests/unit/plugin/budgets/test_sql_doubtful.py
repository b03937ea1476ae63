"""A call that was refused because no answer came pays nothing, whether it was reserved or not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gatepass.plugin.budgets import sql
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.doubtful import AT_ONCE, MAX_DOUBTFUL, Doubtful
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.sql import SqlBudgets
from gatepass.plugin.budgets.sql_operations import Operation, Operations, Reserve, Result, Withdraw
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Forever
from support.budget_sql_engines import ledger_rows, sql_engine
from support.clock import ManualClock
from support.directories import Where
from support.happening import happens

LIMIT = AppliedLimit(Scope.TEAM, "red", "b-1", Unit.MONEY, Forever(), 100)


class Unsure:
    """Does operations; while `away` is set, what was done is not told, or nothing is done."""

    def __init__(self, inside: Operations) -> None:
        self._inside = inside
        self.away = False
        self.does = True

    async def do(
        self, operations: Sequence[Operation], rules: EngineRules, now: float
    ) -> Sequence[Result]:
        if not self.away:
            return await self._inside.do(operations, rules, now)
        if self.does:
            await self._inside.do(operations, rules, now)
        raise StoreUnavailable

    async def close(self) -> None:
        await self._inside.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def running(where: Where, clock: ManualClock) -> AsyncIterator[tuple[SqlBudgets, Unsure]]:
    engine = sql_engine(where, clock, EngineRules())
    engine._operations = store = Unsure(engine._operations)
    yield engine, store
    await engine.close()


def call(request_id: str = "r-1", estimate: int = 10) -> Call:
    return Call(request_id, [LIMIT], Amounts(estimate))


async def standing(engine: SqlBudgets) -> tuple[int, int]:
    (found,) = await engine.standings([LIMIT])
    return found.spent, found.reserved


async def lost(engine: SqlBudgets, store: Unsure, asked: Call) -> None:
    """Reserve, but be refused; and the store stays away until nobody waits for it any more."""
    store.away = True
    with pytest.raises(StoreUnavailable):
        await engine.reserve(asked)
    store.does = False
    await happens(lambda: engine._doubtful)
    store.away, store.does = False, True


async def test_sec_59_a_call_that_ran_out_of_time_pays_nothing(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as (engine, _):
        for number in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await engine.reserve(call(f"r-{number}"))
        assert await standing(engine) == (0, 0)
        clock.advance(601)
        assert await standing(engine) == (0, 0)
    assert ledger_rows(where) == []


async def test_sec_59_a_call_that_got_no_answer_pays_nothing(
    where: Where, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "TAKE_BACK_SECONDS", 0.01)
    async with running(where, clock) as (engine, store), running(where, clock) as (other, _):
        await lost(engine, store, call("r-1"))
        await lost(engine, store, call("r-2"))
        await happens(lambda: not engine._doubtful)  # also where nobody asks
        assert await standing(other) == (0, 0)


async def test_what_was_overdue_meanwhile_is_not_charged(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as (engine, store):
        await lost(engine, store, call())
        clock.advance(601)
        assert await standing(engine) == (0, 0)
    assert ledger_rows(where) == []


async def test_closing_takes_back_what_it_can(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as (other, _):
        async with running(where, clock) as (engine, store):
            await lost(engine, store, call())
            assert await standing(other) == (0, 10)
        assert await standing(other) == (0, 0)


async def test_a_repeat_without_an_answer_leaves_what_is_reserved(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as (one, _), running(where, clock) as (two, store):
        await one.reserve(call())
        await lost(two, store, call())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await two.reserve(call())
        assert await standing(two) == (0, 10)
        assert await two.settle("r-1", Cost(Amounts(3))) is Settlement.SETTLED


async def test_a_request_that_comes_again_is_reserved_anew(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as (engine, store):
        await lost(engine, store, call(estimate=10))
        await lost(engine, store, call(estimate=20))
        await engine.reserve(call(estimate=30))
        assert await standing(engine) == (0, 30)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await engine.reserve(call("r-2"))
        await engine.reserve(call("r-2", 5))
        assert await standing(engine) == (0, 35)


async def test_what_was_lent_meanwhile_is_booked_once(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as (engine, store):
        await lost(engine, store, call())
        assert await engine.book(call(), Cost(Amounts(4))) is Settlement.SETTLED
        assert await standing(engine) == (4, 0)


def test_what_waits_to_be_taken_back_has_an_end_and_goes_in_pieces() -> None:
    doubtful = Doubtful()
    for number in range(MAX_DOUBTFUL + 1):
        doubtful.add(Withdraw(f"r-{number}", ("m",)))
    assert len(doubtful) == MAX_DOUBTFUL
    asked = Reserve("r-500", (), Amounts(1), Call("", (), Amounts()).who, None, None, "n")
    taken = list(doubtful.take([asked]))
    assert taken[0] == Withdraw("r-500", ("m",))
    assert (len(taken), len(doubtful)) == (AT_ONCE + 1, MAX_DOUBTFUL - AT_ONCE - 1)
