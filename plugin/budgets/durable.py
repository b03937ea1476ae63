"""The budget engine in process with a ledger that lasts: it starts with what was spent before.

What is reserved is known to the process alone. Closing ends what is still open as if it were
overdue, because nobody could settle it any more. After a crash, calls that were under way have cost
nothing; whoever cannot live with that keeps the reservations in a database (sql.py) or in Redis.
"""

from collections.abc import Mapping
from math import inf
from typing import Protocol

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.arithmetic import Count
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.ledger_counting import Spent
from gatepass.plugin.budgets.ledger_writer import LedgerStore, LedgerWriter
from gatepass.plugin.budgets.memory import MemoryBudgets


class ClosableLedger(LedgerStore, Protocol):
    """A ledger that somebody has to let go of."""

    async def close(self) -> None:
        """Let go of it."""
        ...


class CountingLedger(ClosableLedger, Protocol):
    """A ledger that keeps counters beside its records."""

    async def counters(self) -> Mapping[str, Spent]:
        """Return the counters, by their keys.

        Raises:
            StoreUnavailable: it cannot be read right now.

        """
        ...


class DurableBudgets(MemoryBudgets):
    """MemoryBudgets that outlive the process, as far as the ledger knows."""

    def __init__(self, clock: Clock, rules: EngineRules, store: CountingLedger) -> None:
        self._store = store
        self.writer = LedgerWriter(store)
        super().__init__(clock, rules, self.writer)

    async def open(self) -> None:
        """Go on with what the ledger has counted.

        Raises:
            StoreUnavailable: it cannot be read right now.

        """
        # the window's definition is not there: the first reservation brings it
        self.restore(
            (key, Count(spent.amount, 0, spent.since, spent.ends_at, ""))
            for key, spent in (await self._store.counters()).items()
        )
        self.writer.start()

    async def close(self) -> None:
        """End what is open, write everything down, and let go of the ledger."""
        self.expire_now(inf)
        await self.writer.close()
        await self._store.close()
