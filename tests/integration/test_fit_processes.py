"""Eight processes in `fit`, on a real Valkey and a real PostgreSQL: the bound that docs state.

A call passes while anything is left, and holds no more than that. So a limit is exceeded at most by
what the calls that held less than they cost use beyond it: one call where calls cost what they were
estimated at, else no more than run at the same time.
"""

import asyncio
from typing import TYPE_CHECKING

import pytest

from gatepass.plugin.budgets.limits import LimitStanding
from support.budget_rush import engine_at, one_limit
from support.budget_rushes import Report, rush_all

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess
    from support.valkey import ValkeyProcess

PROCESSES, CALLS, AT_ONCE = 8, 120, 4
ESTIMATE = 3_000_000_000
ENOUGH_FOR = 234
HARD = ENOUGH_FOR * ESTIMATE + 1  # what the last call holds is next to nothing
DEPLOYMENT = "fit"


@pytest.fixture(params=["valkey", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "valkey":
        valkey: ValkeyProcess = request.getfixturevalue("valkey")
        return valkey.url()
    postgresql: PostgresqlProcess = request.getfixturevalue("postgresql")
    return postgresql.clean_database()


def rush(url: str, cost: int) -> list[Report]:
    return rush_all(PROCESSES, url, DEPLOYMENT, CALLS, HARD, ESTIMATE, cost, "fit", AT_ONCE)


def standing(url: str) -> LimitStanding:
    async def look() -> LimitStanding:
        engine = engine_at(url, DEPLOYMENT, "fit")
        await engine.open()
        (found,) = await engine.standings([one_limit(HARD)])
        await engine.close()
        return found

    return asyncio.run(look())


def through(url: str, reports: list[Report], cost: int) -> int:
    """See that all that passed is charged once, and return how many calls that were."""
    passed = sum(report["through"] for report in reports)
    assert passed == sum(report["settled"] for report in reports)
    found = standing(url)
    assert (found.spent, found.reserved) == (passed * cost, 0)
    return passed


@pytest.mark.rounds(3)
def test_sec_59_fit_overspends_by_one_call_where_estimates_are_exact(url: str) -> None:
    passed = through(url, rush(url, ESTIMATE), ESTIMATE)
    assert passed == ENOUGH_FOR + 1
    assert passed * ESTIMATE - HARD == ESTIMATE - 1


@pytest.mark.rounds(3)
def test_sec_59_fit_overspends_by_no_more_than_runs_at_the_same_time(url: str) -> None:
    cost = ESTIMATE - 1_000  # each leaves a little, which the next ones may still begin with
    passed = through(url, rush(url, cost), cost)
    assert ENOUGH_FOR < passed <= ENOUGH_FOR + PROCESSES * AT_ONCE
    assert passed * cost < HARD + PROCESSES * AT_ONCE * cost
