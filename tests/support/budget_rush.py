"""A process of its own that reserves and settles on one limit, as fast as it can.

    budget_rush.py URL DEPLOYMENT CALLS HARD ESTIMATE COST [ADMISSION [AT_ONCE]]

The URL is that of Redis, or of a database that has the schema. Without AT_ONCE all calls run at the
same time.
Prints how many of the calls were let through, and their settlements, as JSON.
"""

import asyncio
import json
import sys
import uuid

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import BudgetEngine, Call, Cost, EngineRules, Settlement
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER


def one_limit(hard: int) -> AppliedLimit:
    return AppliedLimit(Scope.TEAM, "platform", "shared", Unit.MONEY, FOREVER, hard)


async def rush(  # noqa: PLR0913, PLR0917 - as many words as the script has
    engine: BudgetEngine,
    calls: int,
    limit: AppliedLimit,
    estimate: int,
    cost: int,
    at_once: int,
) -> dict[str, int]:
    """Ask for all calls; settle each that is let through."""
    free = asyncio.Semaphore(at_once)

    async def one() -> Settlement | None:
        request_id = uuid.uuid4().hex
        async with free:
            try:
                await engine.reserve(Call(request_id, (limit,), Amounts(estimate, 0, 1)))
            except BudgetExceeded:
                return None
            await asyncio.sleep(0)
            return await engine.settle(request_id, Cost(Amounts(cost, 0, 1)))

    done = await asyncio.gather(*(one() for _ in range(calls)))
    through = [settlement for settlement in done if settlement is not None]
    return {"through": len(through), "settled": through.count(Settlement.SETTLED)}


def engine_at(url: str, deployment: str, admission: str) -> BudgetEngine:
    rules = EngineRules(Admission(admission))
    if url.startswith("redis"):
        return RedisBudgets(RedisPlace(url, deployment), SYSTEM_CLOCK, rules)
    return make_budgets(EngineKind.SQL, SYSTEM_CLOCK, rules, url)


async def main(  # noqa: PLR0913, PLR0917 - the words of the script
    url: str,
    deployment: str,
    calls: str,
    hard: str,
    estimate: str,
    cost: str,
    admission: str = Admission.STRICT,
    at_once: str = "",
) -> None:
    engine = engine_at(url, deployment, admission)
    await engine.open()
    await engine.ping()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # all begin together
    numbers = int(estimate), int(cost), int(at_once or calls)
    print(json.dumps(await rush(engine, int(calls), one_limit(int(hard)), *numbers)), flush=True)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
