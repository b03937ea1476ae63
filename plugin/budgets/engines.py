"""Who counts: the engine that the settings name.

`memory` counts in process, so that only one process may run; `sql` counts in the database and
`redis` in a Redis or Valkey, so that several may. `none` counts nothing: it takes no lock, and
whoever has a limit is refused, because nobody knows what is left of it.
"""

from enum import StrEnum

from gatepass.plugin.budgets.engine import Admitted, Call
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason


class EngineKind(StrEnum):
    """What counts budgets; the value is its name in the settings."""

    MEMORY = "memory"
    SQL = "sql"
    REDIS = "redis"
    NONE = "none"


class UncountedBudgets(MemoryBudgets):
    """The engine that counts nothing and so reserves nothing: no request becomes one of its own."""

    def reserve_now(self, call: Call) -> Admitted:
        """Refuse whatever a limit applies to.

        Raises:
            RequestRefused: BUDGET_NOT_COUNTED.

        """
        if call.limits:
            raise RequestRefused(Reason.BUDGET_NOT_COUNTED)
        return Admitted(())
