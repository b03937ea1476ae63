"""Many real processes on one limit, in a real Valkey: nothing is ever spent that is not there."""

import asyncio

import pytest

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.redis_place import RedisPlace
from support.budget_redis_engines import records
from support.budget_rush import one_limit
from support.budget_rushes import rush_all
from support.valkey import ValkeyProcess

PROCESSES, CALLS = 8, 1_000
ESTIMATE = 3_000_000_000
ENOUGH_FOR = 2_345
HARD = ENOUGH_FOR * ESTIMATE + ESTIMATE - 1  # the last one does not fit by one nano-dollar


@pytest.mark.rounds(5)
@pytest.mark.parametrize("cost", [ESTIMATE, ESTIMATE // 3])
def test_sec_59_strict_never_overspends_by_a_nano_dollar(valkey: ValkeyProcess, cost: int) -> None:
    reports = rush_all(PROCESSES, valkey.url(), "rush", CALLS, HARD, ESTIMATE, cost)
    through = sum(report["through"] for report in reports)
    assert through == sum(report["settled"] for report in reports)
    if cost == ESTIMATE:
        assert through == ENOUGH_FOR
    else:
        assert through >= ENOUGH_FOR

    async def look() -> None:
        engine = RedisBudgets(RedisPlace(valkey.url(), "rush"), SYSTEM_CLOCK, EngineRules())
        await engine.open()
        (standing,) = await engine.standings([one_limit(HARD)])
        await engine.close()
        assert (standing.spent, standing.reserved) == (through * cost, 0)
        assert standing.spent <= HARD
        rows = records(valkey, engine)
        assert len({row.request_id for row in rows}) == len(rows) == through
        assert sum(charge.amount for row in rows for charge in row.charges) == standing.spent

    asyncio.run(look())
