"""The engine in process goes on where the ledger says that the last one ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.durable import DurableBudgets
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Settlement, Unsettled
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Forever, Rolling
from support.clock import ManualClock
from support.directories import query
from support.ledgers import stored

START = 1_700_000_000
EVER = AppliedLimit(Scope.TEAM, "red", "b-1", Unit.MONEY, Forever(), 100)
DAILY = AppliedLimit(Scope.USER, "ann", "b-2", Unit.MONEY, Rolling(86_400, START), 100)
LIMITS = (EVER, DAILY)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=float(START))


@asynccontextmanager
async def running(
    file: Path, clock: ManualClock, unsettled: Unsettled = Unsettled.CHARGE
) -> AsyncIterator[DurableBudgets]:
    rules = EngineRules(unsettled=unsettled)
    engine = make_budgets(EngineKind.MEMORY, clock, rules, f"sqlite:///{file}")
    assert isinstance(engine, DurableBudgets)
    await engine.open()
    yield engine
    await engine.close()


def call(request_id: str, estimate: int = 10) -> Call:
    return Call(request_id, LIMITS, Amounts(nano=estimate))


def cost(nano: int) -> Cost:
    return Cost(Amounts(nano=nano))


async def spent(engine: DurableBudgets) -> list[tuple[int, int, int | None]]:
    standings = await engine.standings(LIMITS)
    return [(standing.spent, standing.reserved, standing.ends_at) for standing in standings]


async def test_what_was_spent_is_still_spent_after_a_restart(
    file: Path, clock: ManualClock
) -> None:
    async with running(file, clock) as engine:
        for request_id in ("r-1", "r-2"):
            engine.reserve_now(call(request_id))
        assert await engine.settle("r-1", cost(30)) is Settlement.SETTLED
        assert stored(file) == [("r-1", 30, "settled")]
        assert await engine.release("r-2") is Settlement.SETTLED
    async with running(file, clock) as engine:
        assert await spent(engine) == [(30, 0, None), (30, 0, START + 86_400)]
        with pytest.raises(BudgetExceeded):
            engine.reserve_now(call("r-3", 71))
    clock.advance(86_400)
    async with running(file, clock) as engine:
        assert await spent(engine) == [(30, 0, None), (0, 0, START + 2 * 86_400)]


async def test_a_window_that_was_redefined_meanwhile_keeps_what_was_spent(
    file: Path, clock: ManualClock
) -> None:
    async with running(file, clock) as engine:
        engine.reserve_now(call("r-1"))
        await engine.settle("r-1", cost(30))
    hourly = AppliedLimit(Scope.USER, "ann", "b-2", Unit.MONEY, Rolling(3_600, START), 100)
    async with running(file, clock) as engine:
        engine.reserve_now(Call("r-2", [hourly], Amounts(nano=1)))
        (standing,) = await engine.standings([hourly])
        assert (standing.spent, standing.reserved, standing.ends_at) == (30, 1, START + 3_600)


@pytest.mark.parametrize(("unsettled", "charged"), [(Unsettled.CHARGE, 10), (Unsettled.RELEASE, 0)])
async def test_closing_ends_what_nobody_can_settle_any_more(
    file: Path, clock: ManualClock, unsettled: Unsettled, charged: int
) -> None:
    async with running(file, clock, unsettled) as engine:
        engine.reserve_now(call("r-1"))
    assert stored(file) == [("r-1", charged, "expired")]
    async with running(file, clock) as engine:
        assert [standing[0] for standing in await spent(engine)] == [charged, charged]


async def test_a_repeat_waits_until_the_first_is_durable(file: Path, clock: ManualClock) -> None:
    async with running(file, clock) as engine:
        engine.reserve_now(call("r-1"))
        ends = await asyncio.gather(*(engine.settle("r-1", cost(3)) for _ in range(3)))
        assert ends == [Settlement.SETTLED, *[Settlement.ALREADY_SETTLED] * 2]
        assert stored(file) == [("r-1", 3, "settled")]


async def test_a_ledger_that_cannot_be_read_lets_nobody_start(
    file: Path, clock: ManualClock
) -> None:
    query(file, "DROP TABLE budget_counters")
    engine = make_budgets(EngineKind.MEMORY, clock, EngineRules(), f"sqlite:///{file}")
    with pytest.raises(StoreUnavailable):
        await engine.open()
    await engine.close()
