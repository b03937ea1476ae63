"""The checker finds what is wrong with counters, and they can be made anew from the ledger."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules
from gatepass.plugin.budgets.ledger_audit import Difference, differences, rebuild
from gatepass.plugin.budgets.ledger_pruning import prune
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.directory.database import Database
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Forever, Rolling
from support.budget_sql_engines import sql_engine
from support.clock import ManualClock
from support.directories import Where, query, url_of
from support.ledgers import RED, counted, stored

START = 1_700_000_000
EVER = AppliedLimit(Scope.TEAM, "red", "b-1", Unit.MONEY, Forever(), 1_000)
DAILY = AppliedLimit(Scope.USER, "ann", "b-2", Unit.MONEY, Rolling(86_400, START), 1_000)
RULES = EngineRules(reservation_timeout_seconds=60)
ALL = "SELECT counter, since, ends_at, spent, reserved FROM budget_counters ORDER BY counter"


@asynccontextmanager
async def opened(where: Where) -> AsyncIterator[Database]:
    database = Database(url_of(where))
    await database.open()
    yield database
    await database.close()


async def verify(database: Database, now: float = START) -> Sequence[Difference]:
    async with database.snapshot() as connection:
        return await differences(connection, now)


async def spend(where: Where, clock: ManualClock) -> None:
    """Settle two calls, the second a day later; leave a third one open."""
    engine = sql_engine(where, clock, RULES)
    for number, cost in ((1, 30), (2, 7)):
        await engine.reserve(Call(f"r-{number}", [EVER, DAILY], Amounts(nano=50)))
        await engine.settle(f"r-{number}", Cost(Amounts(nano=cost)))
        clock.advance(86_400)
    clock.advance(-86_400)
    await engine.reserve(Call("r-3", [EVER, DAILY], Amounts(nano=20)))
    await engine.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=float(START))


async def test_what_an_engine_leaves_agrees(where: Where, clock: ManualClock) -> None:
    await spend(where, clock)
    async with opened(where) as database:
        assert await verify(database) == []


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("UPDATE budget_counters SET spent = 36 WHERE ends_at IS NULL", (RED, "spent", 36, 37)),
        ("UPDATE budget_counters SET reserved = 0 WHERE ends_at IS NULL", (RED, "reserved", 0, 20)),
        ("DELETE FROM budget_counters WHERE ends_at IS NULL", (RED, "spent", 0, 37)),
        (
            "UPDATE budget_counters SET since = 1 WHERE ends_at IS NULL",
            (RED, "window", 1, START),
        ),
    ],
)
async def test_what_is_wrong_is_found_and_made_right(
    where: Where, clock: ManualClock, harm: str, found: tuple[str, str, int, int]
) -> None:
    await spend(where, clock)
    before = query(where, ALL)
    query(where, harm)
    async with opened(where) as database:
        assert found in await verify(database)
        async with database.writing() as connection:
            assert await rebuild(connection) == 2
        assert await verify(database) == []
    assert query(where, ALL) == before


async def test_counters_can_be_made_of_the_ledger_alone(where: Where, clock: ManualClock) -> None:
    await spend(where, clock)
    before = query(where, ALL)
    query(where, "DELETE FROM budget_counters")
    async with opened(where) as database, database.writing() as connection:
        await rebuild(connection)
    assert query(where, ALL) == before
    engine = sql_engine(where, clock, RULES)
    standings = await engine.standings([EVER, DAILY])
    await engine.close()
    assert [standing.spent for standing in standings] == [37, 7]


async def test_a_window_that_is_over_need_not_be_there(where: Where, clock: ManualClock) -> None:
    await spend(where, clock)
    query(where, "DELETE FROM budget_counters WHERE ends_at IS NOT NULL")
    async with opened(where) as database:
        assert len(await verify(database, START + 2 * 86_400 - 1)) == 1
        assert await verify(database, START + 2 * 86_400) == []


async def test_a_window_in_which_nothing_has_ended_yet_stays(
    where: Where, clock: ManualClock
) -> None:
    engine = sql_engine(where, clock, RULES)
    await engine.reserve(Call("r-1", [EVER, DAILY], Amounts(nano=50)))
    await engine.settle("r-1", Cost(Amounts(nano=5)))
    clock.advance(86_400)
    await engine.reserve(Call("r-2", [EVER, DAILY], Amounts(nano=50)))
    await engine.close()
    before = query(where, ALL)
    async with opened(where) as database:
        assert await verify(database) == []
        async with database.writing() as connection:
            await rebuild(connection)
    assert query(where, ALL) == before


async def test_old_records_go_and_what_they_counted_stays(where: Where, clock: ManualClock) -> None:
    await spend(where, clock)
    before = counted(where)
    async with opened(where) as database:
        for cut_off, left in ((START + 1, 1), (START + 86_401, 0)):
            async with database.writing() as connection:
                assert await prune(connection, cut_off * 1_000_000) == 1
            async with database.writing() as connection:
                assert await prune(connection, cut_off * 1_000_000) == 0
            assert len(stored(where)) == left
            assert await verify(database) == []
        async with database.writing() as connection:
            await rebuild(connection)
    assert counted(where) == before
    assert query(where, "SELECT count(*) FROM ledger_carried") == [(2,)]


async def test_a_record_that_nobody_can_read_is_no_proof_of_anything(where: Where) -> None:
    query(
        where,
        "INSERT INTO ledger VALUES "
        "('r', 1, 1, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, NULL, 'settled', '{')",
    )
    async with opened(where) as database:
        with pytest.raises(StoreUnavailable):
            await verify(database)
