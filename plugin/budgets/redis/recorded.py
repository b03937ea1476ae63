"""The engine in Redis with its ledger in SQL: what the stream has is brought there by and by.

A settlement is durable when it is in the stream; the ledger has it a moment later. Every process of
the deployment brings over what it can.
"""

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.durable import ClosableLedger
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.budgets.redis.ledger_reader import LedgerReader
from gatepass.plugin.redis_place import RedisPlace


class RecordedRedisBudgets(RedisBudgets):
    """RedisBudgets whose records are brought to a ledger."""

    def __init__(
        self, place: RedisPlace, clock: Clock, rules: EngineRules, store: ClosableLedger
    ) -> None:
        super().__init__(place, clock, rules)
        self._store = store
        self.reader = LedgerReader(self.link, self.keys, store)

    async def open(self) -> None:
        """Connect and begin to read; a server that is away is tried again."""
        await super().open()
        self.reader.start()

    async def close(self) -> None:
        """Finish what is in hand and let go of everything."""
        await self.reader.close()
        await super().close()
        await self._store.close()
