"""A process of its own that reserves and settles until it is killed, and says what was settled.

    budget_spender.py ENGINE DATABASE PREFIX [REDIS]

Prints the id of each call whose settlement has returned, a line each. A store that is away is tried
again with the same call.
"""

import asyncio
import itertools
import sys
from collections.abc import Awaitable, Callable

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import BudgetEngine, Call, Cost, EngineRules
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER

COST = 7
LIMITS = tuple(
    AppliedLimit(scope, "x", "b", Unit.MONEY, FOREVER, 10**15) for scope in (Scope.TEAM, Scope.USER)
)
AT_ONCE = 20
DEPLOYMENT = "spenders"


async def spend(engine: BudgetEngine, prefix: str) -> None:
    numbers = itertools.count()

    async def go_on() -> None:
        for number in numbers:
            request_id = f"{prefix}-{number}"
            await _until_done(engine, request_id)
            print(request_id, flush=True)

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))


async def _until_done(engine: BudgetEngine, request_id: str) -> None:
    call, cost = Call(request_id, LIMITS, Amounts(nano=9)), Cost(Amounts(nano=COST))
    await _until_it_answers(lambda: engine.reserve(call))
    # not reserved again: a call that was settled, and whose answer was lost, would be a new one
    await _until_it_answers(lambda: engine.settle(request_id, cost))


async def _until_it_answers(ask: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await ask()
        except StoreUnavailable:
            await asyncio.sleep(0.02)
        else:
            return


async def main(kind: str, url: str, prefix: str, redis: str = "") -> None:
    place = RedisPlace(redis, DEPLOYMENT) if redis else None
    engine = make_budgets(EngineKind(kind), SYSTEM_CLOCK, EngineRules(), url, place)
    await engine.open()
    await spend(engine, prefix)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
