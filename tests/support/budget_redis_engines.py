"""The engine in Valkey, as the contract test opens it: under a name of its own each time."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.ledger_rows import LedgerRow
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.budgets.redis.stream import ledger_row
from gatepass.plugin.redis_place import RedisPlace
from support.budget_machine import Opened, Opener
from support.valkey import ValkeyProcess

_numbers = itertools.count(1)


def records(valkey: ValkeyProcess, engine: RedisBudgets) -> list[LedgerRow]:
    """Return what is in the stream, beside whoever else reads it."""
    with valkey.client() as client:
        entries = client.xrange(engine.keys.ledger)
    return [ledger_row(fields, engine.keys) for _, fields in entries]


def in_valkey(valkey: ValkeyProcess) -> Opener:
    """Return what opens an engine in a server."""

    @asynccontextmanager
    async def opener(clock: Clock, rules: EngineRules) -> AsyncIterator[Opened]:
        engine = RedisBudgets(RedisPlace(valkey.url(), f"test-{next(_numbers)}"), clock, rules)
        await engine.open()

        def rows() -> Sequence[LedgerRow]:
            return records(valkey, engine)

        try:
            yield Opened(engine, rows)
        finally:
            await engine.close()

    return opener
