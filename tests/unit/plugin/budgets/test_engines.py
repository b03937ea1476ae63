"""Which engine counts, and that what is not counted is not let through."""

import pytest

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, EngineRules, Settlement
from gatepass.plugin.budgets.engines import EngineKind, UncountedBudgets
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.errors import RequestRefused
from support.clock import ManualClock
from support.limits import user


@pytest.mark.parametrize("kind", [EngineKind.MEMORY, EngineKind.NONE])
async def test_only_the_one_that_counts_reserves(kind: EngineKind) -> None:
    budgets = make_budgets(kind, ManualClock(), EngineRules())
    assert isinstance(budgets, UncountedBudgets) == (kind is EngineKind.NONE)
    await budgets.open()
    await budgets.ping()
    await budgets.reserve(Call("r-1", (), Amounts(5)))
    await budgets.close()


async def test_sec_59_a_limit_that_is_not_counted_refuses() -> None:
    budgets = make_budgets(EngineKind.NONE, ManualClock(), EngineRules())
    with pytest.raises(RequestRefused) as refused:
        await budgets.reserve(Call("r-1", [user(10**9)], Amounts(0)))
    assert refused.value.code == "budget_not_counted"
    assert await budgets.release("r-1") is Settlement.UNKNOWN
    assert await budgets.pending("r-1") is None
