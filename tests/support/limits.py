"""Limits to reserve on, and how much room they leave."""

from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import BudgetExceeded
from gatepass.rbac.principals import Budget

START = 1_000_000
TIMEOUT = 600.0
WINDOW = 86_400


def user(
    limit: int, window: int | None = WINDOW, subject: str = "ann", anchor: int = START
) -> AppliedLimit:
    return AppliedLimit("user", subject, Budget("user-budget", limit, window, anchor))


def team(limit: int, window: int | None = None, subject: str = "red") -> AppliedLimit:
    return AppliedLimit("team", subject, Budget("team-budget", limit, window, START))


def room(budgets: MemoryBudgets, limit: AppliedLimit) -> int:
    """Return the largest estimate that still passes, found by trying; -1 when none does."""
    low, high = -1, limit.budget.limit_nano_usd + 1
    while high - low > 1:
        middle = (low + high) // 2
        try:
            budgets.reserve("probe", [limit], middle)
        except BudgetExceeded:
            high = middle
        else:
            budgets.release("probe")
            low = middle
    return low
