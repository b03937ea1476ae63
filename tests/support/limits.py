"""Limits to reserve on, and how much room they leave."""

from collections.abc import Sequence

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Admitted, Call, Cost, EngineRules, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.metering.prices import Price
from gatepass.rbac.budgets import Budget, Limit, Unit
from gatepass.rbac.windows import FOREVER, Rolling, Window

START = 1_000_000
TIMEOUT = 600.0
WINDOW = 86_400
RULES = EngineRules(reservation_timeout_seconds=TIMEOUT)


def user(
    limit: int, window: int | None = WINDOW, subject: str = "ann", anchor: int = START
) -> AppliedLimit:
    return _money(Scope.USER, subject, limit, _window(window, anchor))


def team(limit: int, window: int | None = None, subject: str = "red") -> AppliedLimit:
    return _money(Scope.TEAM, subject, limit, _window(window, START))


def _money(scope: Scope, subject: str, limit: int, window: Window) -> AppliedLimit:
    return AppliedLimit(scope, subject, f"{scope}-budget", Unit.MONEY, window, limit)


def _window(seconds: int | None, anchor: int) -> Window:
    return FOREVER if seconds is None else Rolling(seconds, anchor)


def reserve(
    budgets: MemoryBudgets,
    name: str,
    limits: Sequence[AppliedLimit],
    nano: int,
    price: Price | None = None,
) -> Admitted:
    """Reserve money alone."""
    return budgets.reserve_now(Call(name, limits, Amounts(nano), price=price))


def settle(budgets: MemoryBudgets, name: str, nano: int) -> Settlement:
    """Settle at an amount of money."""
    return budgets.settle_now(name, Cost(Amounts(nano)))


def room(budgets: MemoryBudgets, limit: AppliedLimit) -> int:
    """Return the largest estimate that still passes, found by trying; -1 when none does."""
    low, high = -1, (limit.hard or 0) + 1
    while high - low > 1:
        middle = (low + high) // 2
        try:
            reserve(budgets, "probe", [limit], middle)
        except BudgetExceeded:
            high = middle
        else:
            budgets.withdraw_now("probe")
            low = middle
    return low


def template(nano: int, seconds: int | None = None) -> BudgetTemplate:
    """Return what a new row's budget of money alone looks like."""
    return BudgetTemplate((Limit(Unit.MONEY, nano),), _window(seconds, 0))


def budget(budget_id: str, nano: int, seconds: int | None, anchor: int) -> Budget:
    """Return a budget of money alone."""
    return Budget(budget_id, (Limit(Unit.MONEY, nano),), _window(seconds, anchor))
