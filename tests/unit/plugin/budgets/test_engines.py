"""Which engine counts, and that what is not counted is not let through."""

import pytest

from gatepass.plugin.budgets.engines import BudgetEngine, UncountedBudgets, make_budgets
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import Settlement
from gatepass.plugin.errors import RequestRefused
from gatepass.rbac.principals import Budget
from support.clock import ManualClock

LIMIT = AppliedLimit("user", "ann", Budget("b-1", 10**9, None, 0))


@pytest.mark.parametrize("engine", BudgetEngine)
def test_only_the_one_that_counts_reserves(engine: BudgetEngine) -> None:
    budgets = make_budgets(engine, ManualClock(), 600)
    assert isinstance(budgets, UncountedBudgets) == (engine is BudgetEngine.NONE)
    budgets.reserve("r-1", (), 5)


def test_sec_59_a_limit_that_is_not_counted_refuses() -> None:
    budgets = make_budgets(BudgetEngine.NONE, ManualClock(), 600)
    with pytest.raises(RequestRefused) as refused:
        budgets.reserve("r-1", [LIMIT], 0)
    assert refused.value.code == "budget_not_counted"
    assert budgets.release("r-1") is Settlement.UNKNOWN
    assert budgets.price_of("r-1") is None
