"""Making the engine that the settings name, with all that it counts in."""

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.durable import ClosableLedger, DurableBudgets
from gatepass.plugin.budgets.engine import BudgetEngine, EngineRules
from gatepass.plugin.budgets.engines import EngineKind, UncountedBudgets
from gatepass.plugin.budgets.grace import GraceBudgets
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.budgets.postgresql_ledger import PostgresqlLedger
from gatepass.plugin.budgets.postgresql_link import PostgresqlLink
from gatepass.plugin.budgets.postgresql_operations import PostgresqlOperations
from gatepass.plugin.budgets.sql import SqlBudgets
from gatepass.plugin.budgets.sqlite_ledger import SqliteLedger
from gatepass.plugin.budgets.sqlite_operations import SqliteOperations
from gatepass.plugin.budgets.sqlite_thread import SqliteThread
from gatepass.plugin.directory.postgresql import PREFIX
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.redis_place import RedisPlace


def make_budgets(
    kind: EngineKind,
    clock: Clock,
    rules: EngineRules,
    database: str | None = None,
    redis: RedisPlace | None = None,
) -> BudgetEngine:
    """Return an engine of the kind, to be opened when the schema of the database is there.

    `database` is a URL, or None for one that forgets everything: then nothing is shared either.
    `redis` is where the engine of that name counts.

    Raises:
        ConfigurationError: the URL cannot be one, or its driver is not installed.

    """
    if kind is EngineKind.NONE:
        return UncountedBudgets(clock, rules)
    if database is None:
        return MemoryBudgets(clock, rules)
    if kind is EngineKind.MEMORY:
        ledger = SqliteLedger(SqliteThread(database_path(database)), counts=True)
        return DurableBudgets(clock, rules, ledger)
    if kind is EngineKind.REDIS and redis is not None:
        from gatepass.plugin.budgets.redis.recorded import (  # noqa: PLC0415 - few deployments have it
            RecordedRedisBudgets,
        )

        recorded = RecordedRedisBudgets(redis, clock, rules, make_ledger(database))
        return GraceBudgets(recorded, clock)
    if database.startswith(PREFIX):
        return GraceBudgets(SqlBudgets(PostgresqlOperations(database), clock, rules), clock)
    operations = SqliteOperations(SqliteThread(database_path(database)))
    return GraceBudgets(SqlBudgets(operations, clock, rules), clock)


def make_ledger(database: str) -> ClosableLedger:
    """Return the ledger in the database of a URL, for whoever counts elsewhere.

    Raises:
        ConfigurationError: the URL cannot be one, or its driver is not installed.

    """
    if database.startswith(PREFIX):
        return PostgresqlLedger(PostgresqlLink(database))
    return SqliteLedger(SqliteThread(database_path(database)), counts=False)
