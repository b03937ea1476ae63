"""What the SQL engine does beside what all engines do: failures, odd texts, booking afterwards."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import asyncpg
import pytest

from gatepass.plugin.budgets.amounts import Amounts, InvalidAmount
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Payer, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.memos import read_memo, write_memo
from gatepass.plugin.budgets.sql import SqlBudgets
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from gatepass.plugin.metering.prices import PartRates, Price, Usage
from gatepass.rbac.budgets import MAX_AMOUNT, Unit
from gatepass.rbac.windows import Forever, Rolling
from support.budget_sql_engines import ledger_rows, sql_engine
from support.clock import ManualClock
from support.directories import Where, query

START = 1_700_000_000
LIMIT = AppliedLimit(Scope.TEAM, "red", "b-1", Unit.MONEY, Forever(), 100)
PRICE = Price(5, 6, 7, PartRates(cached=1), 9, ((1000, Price(50, 60, 70)),), "v7")
WHO = Payer("https://idp.example", "ann", "red", None, "shop")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=float(START))


@asynccontextmanager
async def running(
    where: Where, clock: ManualClock, rules: EngineRules | None = None
) -> AsyncIterator[SqlBudgets]:
    engine = sql_engine(where, clock, rules or EngineRules())
    await engine.open()
    yield engine
    await engine.close()


@asynccontextmanager
async def writing(where: Where) -> AsyncIterator[None]:
    """Have somebody in the middle of a transaction that writes all counters."""
    if isinstance(where, str):
        server = await asyncpg.connect(where, timeout=5)
        try:
            async with server.transaction():
                assert await server.fetch("SELECT 1 FROM budget_counters FOR UPDATE")
                yield
        finally:
            await server.close()
        return
    with closing(sqlite3.connect(where, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def call(request_id: str = "r-1", estimate: int = 10, model: str = "gpt-4o") -> Call:
    return Call(request_id, [LIMIT], Amounts(estimate, 3, 1), WHO, model, PRICE)


async def standing(engine: SqlBudgets) -> tuple[int, int]:
    (found,) = await engine.standings([LIMIT])
    return found.spent, found.reserved


async def test_a_record_says_who_what_and_by_which_price(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as engine:
        for request_id in ("r-1", "r-2"):
            await engine.reserve(call(request_id))
        clock.advance(2)
        usage = Usage(10, 20, cached_tokens=4, reasoning_tokens=5)
        await engine.settle("r-1", Cost(Amounts(30, 30, 1), usage))
        await engine.settle("r-2", Cost(Amounts(7)))
    priced, named = ledger_rows(where)
    assert Payer(*(getattr(priced, name) for name in Payer._fields)) == WHO
    assert (priced.at, priced.settled_at) == (START * 1_000_000, (START + 2) * 1_000_000)
    tokens = priced.input_tokens, priced.output_tokens, priced.cached_tokens
    assert (*tokens, priced.reasoning_tokens, priced.nano) == (10, 20, 4, 5, 30)
    assert (priced.model, priced.price_version) == ("gpt-4o", "v7")
    assert (named.nano, named.price_version) == (7, None)


async def test_whoever_settles_gets_the_price_that_was_reserved_with(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine, running(where, clock) as other:
        await engine.reserve(call())
        found = await other.pending("r-1")
        assert found is not None
        assert (found.price, found.model, found.estimate) == (PRICE, "gpt-4o", Amounts(10, 3, 1))
        assert await other.settle("r-1", Cost(Amounts(4))) is Settlement.SETTLED
        assert await engine.settle("r-1", Cost(Amounts(5))) is Settlement.ALREADY_SETTLED
        assert await standing(engine) == (4, 0)
        assert await engine.pending("r-9") is None


async def test_what_no_database_can_store_is_stored_without_it(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine:
        await engine.reserve(call(model="a\0b\ud800"))
        await engine.settle("r-1", Cost(Amounts(1)))
    (row,) = ledger_rows(where)
    assert row.model == "a\ufffdb?"


async def test_a_call_that_was_let_through_without_a_reservation_is_booked_once(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine:
        assert await engine.book(call(), Cost(Amounts(150))) is Settlement.SETTLED
        assert await engine.book(call(), Cost(Amounts(150))) is Settlement.ALREADY_SETTLED
        assert await standing(engine) == (150, 0)
        with pytest.raises(BudgetExceeded):
            await engine.reserve(call("r-2", 0))
    (row,) = ledger_rows(where)
    assert [charge.amount for charge in row.charges] == [150]


async def test_a_booking_of_a_call_that_holds_a_reservation_settles_it(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine:
        await engine.reserve(call(estimate=90))
        assert await engine.book(call(), Cost(Amounts(5))) is Settlement.SETTLED
        assert await standing(engine) == (5, 0)


async def test_sec_59_the_largest_amounts_do_not_overflow(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as engine:
        for number in range(2):
            most = Cost(Amounts(MAX_AMOUNT, MAX_AMOUNT, 1))
            assert await engine.book(call(f"r-{number}"), most) is Settlement.SETTLED
        assert await standing(engine) == (MAX_AMOUNT, 0)
        with pytest.raises(InvalidAmount):
            await engine.reserve(call("r-3", MAX_AMOUNT + 1))
        with pytest.raises(InvalidAmount):
            await engine.settle("r-1", Cost(Amounts(-1)))


async def test_sec_66_a_clock_that_jumps_back_opens_no_second_window(
    where: Where, clock: ManualClock
) -> None:
    daily = AppliedLimit(Scope.USER, "ann", "b-2", Unit.MONEY, Rolling(100, START), 50)
    async with running(where, clock) as engine:
        clock.advance(100)
        await engine.reserve(Call("r-1", [daily], Amounts(50)))
        await engine.settle("r-1", Cost(Amounts(50)))
        clock.jump_wall(-50)
        with pytest.raises(BudgetExceeded) as caught:
            await engine.reserve(Call("r-2", [daily], Amounts(1)))
        assert caught.value.standing.ends_at == START + 200
        clock.advance(149)
        with pytest.raises(BudgetExceeded):
            await engine.reserve(Call("r-2", [daily], Amounts(1)))
        clock.advance(1)
        await engine.reserve(Call("r-2", [daily], Amounts(1)))


async def test_two_processes_share_what_is_left(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as one, running(where, clock) as two:

        async def ask(engine: SqlBudgets, number: int) -> bool:
            try:
                await engine.reserve(call(f"r-{number}"))
            except BudgetExceeded:
                return False
            return True

        asked = [ask(one if number % 2 else two, number) for number in range(30)]
        assert sum(await asyncio.gather(*asked)) == 10
        assert await standing(one) == await standing(two) == (0, 100)


async def test_whoever_looks_waits_for_nobody_who_writes(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as engine:
        await engine.reserve(call())
        async with writing(where):
            async with asyncio.timeout(1):
                assert await standing(engine) == (0, 10)


async def test_what_is_looked_at_beside_others_is_as_they_left_it(
    where: Where, clock: ManualClock
) -> None:
    other = AppliedLimit(Scope.USER, "ann", "b-2", Unit.MONEY, Forever(), 100)
    async with running(where, clock) as engine:
        await engine.reserve(Call("r-0", [other], Amounts(7)))
        _, found, _ = await asyncio.gather(
            engine.reserve(call("r-1")), engine.standings([other, LIMIT]), engine.reserve(call())
        )
        assert [one.reserved for one in found] == [7, 10]


async def test_rules_that_change_hold_for_the_next_call(where: Where, clock: ManualClock) -> None:
    async with running(where, clock) as engine:
        await engine.reserve(call("r-1", 90))
        with pytest.raises(BudgetExceeded):
            await engine.reserve(call("r-2", 20))
        engine.rules = EngineRules(Admission.FIT)
        await engine.reserve(call("r-2", 20))
        assert await standing(engine) == (0, 100)


async def test_a_call_without_limits_is_written_down_where_that_is_wanted(
    where: Where, clock: ManualClock
) -> None:
    free = Call("r-1", (), Amounts(10), WHO, "gpt-4o", PRICE)
    async with running(where, clock) as engine:
        assert (await engine.reserve(free)).standings == ()
        assert await engine.settle("r-1", Cost(Amounts(3))) is Settlement.UNKNOWN
        engine.rules = EngineRules(records_all=True)
        await engine.reserve(free)
        assert await engine.settle("r-1", Cost(Amounts(3))) is Settlement.SETTLED
    (row,) = ledger_rows(where)
    assert (row.nano, row.charges) == (3, ())


async def test_sec_59_a_database_that_does_not_count_lets_nobody_through(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine:
        await engine.ping()
        query(where, "ALTER TABLE budget_reservations RENAME TO elsewhere")
        try:
            for asked in (
                engine.reserve(call()),
                engine.standings([LIMIT]),
                engine.settle("r-1", Cost(Amounts(1))),
            ):
                with pytest.raises(StoreUnavailable):
                    await asked
        finally:
            query(where, "ALTER TABLE elsewhere RENAME TO budget_reservations")
        await engine.reserve(call())


async def test_counting_here_cannot_be_done_without_waiting(
    where: Where, clock: ManualClock
) -> None:
    async with running(where, clock) as engine:
        assert engine.waits
        for refused in (lambda: engine.reserve_now(call()), lambda: engine.withdraw_now("r-1")):
            with pytest.raises(StoreUnavailable):
                refused()


@pytest.mark.parametrize(
    "memo", ["", "[]", '["m", {"x": 1}, [1, 2, 3]]', '["m", null, [1, 2, 3, "4"]]']
)
def test_a_memo_of_somebody_else_is_no_price(memo: str) -> None:
    with pytest.raises(StoreUnavailable):
        read_memo(memo, is_settled=False)


def test_a_memo_says_what_it_was_told() -> None:
    for price in (PRICE, None):
        told = Call("r-1", (), Amounts(1, 2, 3), model="m", price=price)
        found = read_memo(write_memo(told), is_settled=True)
        assert (found.model, found.price, found.estimate) == ("m", price, Amounts(1, 2, 3))
        assert found.is_settled
