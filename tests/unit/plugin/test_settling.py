"""A usage or a cost, put in the place of what was reserved."""

import pytest

from gatepass.plugin.budgets.amounts import Amounts, InvalidAmount
from gatepass.plugin.budgets.engine import Call, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.metering.prices import Price, Usage
from gatepass.plugin.settling import settle_cost, settle_estimate, settle_usage
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER
from support.clock import ManualClock
from support.limits import RULES

LIMITS = [AppliedLimit(Scope.USER, "ann", "b", unit, FOREVER, 10**9) for unit in Unit]
PRICE = Price(1_000_000, 2_000_000, 100)
ESTIMATE = Amounts(500, 300, 1)


@pytest.fixture
def budgets() -> MemoryBudgets:
    return MemoryBudgets(ManualClock(), RULES)


async def spent(budgets: MemoryBudgets) -> tuple[int, ...]:
    return tuple(standing.spent for standing in await budgets.standings(LIMITS))


@pytest.mark.parametrize(("price", "nano"), [(PRICE, 30 + 2 * 40), (None, 500)])
async def test_a_usage_is_priced_as_it_was_reserved(
    budgets: MemoryBudgets, price: Price | None, nano: int
) -> None:
    budgets.reserve_now(Call("r", LIMITS, ESTIMATE, price=price))
    assert await settle_usage(budgets, "r", Usage(30, 40)) is Settlement.SETTLED
    assert await spent(budgets) == (nano, 70, 1)
    assert await settle_usage(budgets, "r", Usage(9, 9)) is Settlement.ALREADY_SETTLED


@pytest.mark.parametrize(("usage", "tokens"), [(Usage(30, 40), 70), (None, 300)])
async def test_a_cost_counts_as_it_is_and_tokens_as_far_as_they_are_known(
    budgets: MemoryBudgets, usage: Usage | None, tokens: int
) -> None:
    budgets.reserve_now(Call("r", LIMITS, ESTIMATE, price=PRICE))
    assert await settle_cost(budgets, "r", 7, usage) is Settlement.SETTLED
    assert await spent(budgets) == (7, tokens, 1)


async def test_nobody_knows_the_request(budgets: MemoryBudgets) -> None:
    assert await settle_usage(budgets, "r", Usage(1, 1)) is Settlement.UNKNOWN
    assert await settle_cost(budgets, "r", 1, None) is Settlement.UNKNOWN


@pytest.mark.parametrize("cost", [-1, 1.5, 2**63, True])
async def test_sec_59_a_cost_that_is_none_changes_nothing(
    budgets: MemoryBudgets, cost: int
) -> None:
    budgets.reserve_now(Call("r", LIMITS, ESTIMATE))
    with pytest.raises(InvalidAmount):
        await settle_cost(budgets, "r", cost, None)
    assert await spent(budgets) == (0, 0, 0)
    assert await settle_cost(budgets, "r", 5, None) is Settlement.SETTLED


async def test_sec_59_a_call_of_which_nobody_says_more_costs_its_estimate_until_then(
    budgets: MemoryBudgets,
) -> None:
    assert await settle_estimate(budgets, "r") is Settlement.UNKNOWN
    budgets.reserve_now(Call("r", LIMITS, ESTIMATE, price=PRICE))
    assert await settle_estimate(budgets, "r") is Settlement.SETTLED
    assert await spent(budgets) == ESTIMATE
    assert await settle_estimate(budgets, "r") is Settlement.ALREADY_SETTLED
    assert await settle_usage(budgets, "r", Usage(30, 40)) is Settlement.SETTLED
    assert await spent(budgets) == (30 + 2 * 40, 70, 1)
    assert await settle_estimate(budgets, "r") is Settlement.ALREADY_SETTLED
    assert await spent(budgets) == (30 + 2 * 40, 70, 1)
