"""Who counts the money: the engine that the settings name.

`memory` counts in process, so that only one process may run. `none` counts nothing: it takes no
lock, and whoever has a money limit is refused, because nobody knows what is left of it.
"""

from collections.abc import Sequence
from enum import StrEnum

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.metering.prices import Price
from gatepass.plugin.reasons import Reason


class BudgetEngine(StrEnum):
    """What counts budgets; the value is its name in the settings."""

    MEMORY = "memory"
    NONE = "none"


class UncountedBudgets(MemoryBudgets):
    """The engine that counts nothing and so reserves nothing: no request becomes one of its own."""

    def reserve(
        self,
        request_id: str,
        limits: Sequence[AppliedLimit],
        estimate_nano: int,
        price: Price | None = None,
    ) -> None:
        """Refuse whatever a limit applies to.

        Raises:
            RequestRefused: BUDGET_NOT_COUNTED.

        """
        del request_id, estimate_nano, price
        if limits:
            raise RequestRefused(Reason.BUDGET_NOT_COUNTED)


def make_budgets(
    engine: BudgetEngine, clock: Clock, reservation_timeout_seconds: float
) -> MemoryBudgets:
    """Return a fresh engine of the kind."""
    kind = UncountedBudgets if engine is BudgetEngine.NONE else MemoryBudgets
    return kind(clock, reservation_timeout_seconds)
