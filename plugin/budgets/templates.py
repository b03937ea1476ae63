"""What the budget of a row that is made on the fly looks like."""

from dataclasses import dataclass, replace

from gatepass.rbac.budgets import Budget, Limit, Unit
from gatepass.rbac.windows import FOREVER, Rolling, Window

_ORDER = {unit: at for at, unit in enumerate(Unit)}


@dataclass(frozen=True, slots=True)
class BudgetTemplate:
    """Limits and their window; windows of seconds are anchored only when a budget begins."""

    limits: tuple[Limit, ...]
    window: Window = FOREVER

    @classmethod
    def of(cls, budget: Budget) -> "BudgetTemplate":
        """Return what a budget was made from, in its normal form."""
        return cls(budget.limits, budget.window).normal()

    def normal(self) -> "BudgetTemplate":
        """Return the one form of all templates that say the same: in order, and not anchored."""
        limits = (replace(limit, window=self._own_window(limit)) for limit in self.limits)
        in_order = sorted(limits, key=lambda limit: (limit.model or "", _ORDER[limit.unit]))
        return BudgetTemplate(tuple(in_order), _floating(self.window))

    def _own_window(self, limit: Limit) -> Window | None:
        """Return a limit's window unless it is that of the whole budget."""
        if limit.window is None or _floating(limit.window) == _floating(self.window):
            return None
        return _floating(limit.window)

    def begin(self, budget_id: str, now: int) -> Budget:
        """Return a budget whose first windows start now, in seconds since the epoch.

        Raises:
            ValueError: two limits of the same unit and model.

        """
        limits = tuple(
            limit if limit.window is None else replace(limit, window=_anchored(limit.window, now))
            for limit in self.limits
        )
        return Budget(budget_id, limits, _anchored(self.window, now))


def _floating(window: Window) -> Window:
    return Rolling(window.seconds, 0) if isinstance(window, Rolling) else window


def _anchored(window: Window, now: int) -> Window:
    return Rolling(window.seconds, now) if isinstance(window, Rolling) else window
