"""As many limits as one caller can have, on a real Valkey: each counts, and each is ended."""

from collections.abc import AsyncIterator

import pytest

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope, applied
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET, Budget, Limit, Unit
from gatepass.rbac.windows import Rolling
from support.budget_redis_engines import records
from support.clock import ManualClock
from support.valkey import ValkeyProcess

PATTERNS = [None, *(f"model-{number:03d}*" for number in range(MAX_MODELS_PER_BUDGET))]
BUDGET = Budget(
    "b",
    tuple(Limit(unit, 100, model=model) for model in PATTERNS for unit in Unit),
    Rolling(3_600, 0),
)
LIMITS = tuple(limit for scope in Scope for limit in applied(scope, "x", BUDGET))
ESTIMATE, COST, NOTHING = Amounts(60, 50, 1), Amounts(7, 6, 1), Amounts()
TIMEOUT = 600


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=3_600_000.0)  # a window begins: all of a test is within it


@pytest.fixture(params=list(Admission))
async def engine(
    valkey: ValkeyProcess, clock: ManualClock, request: pytest.FixtureRequest
) -> AsyncIterator[RedisBudgets]:
    rules = EngineRules(request.param, reservation_timeout_seconds=TIMEOUT)
    engine = RedisBudgets(RedisPlace(valkey.url(), f"many-{request.param}"), clock, rules)
    await engine.open()
    yield engine
    await engine.close()


async def stand(engine: RedisBudgets, spent: Amounts, reserved: Amounts) -> None:
    """See that every limit stands so."""
    held = NOTHING if engine.rules.admission is Admission.AFTER else reserved
    found = [(one.spent, one.reserved) for one in await engine.standings(LIMITS)]
    assert found == [(spent[one.part], held[one.part]) for one in LIMITS]


def call(request_id: str, limits: tuple[AppliedLimit, ...] = LIMITS) -> Call:
    return Call(request_id, limits, ESTIMATE, model="model-001")


async def test_a_caller_with_every_limit_there_can_be_is_counted_on_all(
    valkey: ValkeyProcess, engine: RedisBudgets, clock: ManualClock
) -> None:
    assert len(LIMITS) > 255
    await engine.reserve(call("r-1"))
    await engine.reserve(call("r-1"))  # a repeat
    await stand(engine, NOTHING, ESTIMATE)
    pending = await engine.pending("r-1")
    assert pending is not None
    assert pending.estimate == ESTIMATE
    assert await engine.settle("r-1", Cost(COST)) is Settlement.SETTLED
    assert await engine.settle("r-1", Cost(COST)) is Settlement.ALREADY_SETTLED
    await stand(engine, COST, NOTHING)
    assert [len(row.charges) for row in records(valkey, engine)] == [len(LIMITS)]

    await engine.reserve(call("r-2"))
    await engine.withdraw("r-2")
    await stand(engine, COST, NOTHING)

    await engine.reserve(call("r-3"))
    clock.advance(TIMEOUT + 1)
    await engine.expire()
    both = Amounts(*map(sum, zip(COST, ESTIMATE, strict=True)))
    await stand(engine, both, NOTHING)
    assert await engine.settle("r-3", Cost(COST)) is Settlement.SETTLED, "late, and it corrects"
    await stand(engine, Amounts(*(2 * part for part in COST)), NOTHING)


async def test_sec_59_the_last_of_many_limits_refuses(engine: RedisBudgets) -> None:
    last = AppliedLimit(Scope.PROXY, "", "last", Unit.REQUESTS, Rolling(3_600, 0), 0)
    with pytest.raises(BudgetExceeded) as refused:
        await engine.reserve(call("r-1", (*LIMITS, last)))
    assert refused.value.standing.limit is last
    await stand(engine, NOTHING, NOTHING)
