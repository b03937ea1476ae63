"""The SQL engine on a real database, for the contract of all engines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.ledger_rows import COLUMNS, LedgerRow, from_columns
from gatepass.plugin.budgets.postgresql_operations import PostgresqlOperations
from gatepass.plugin.budgets.sql import SqlBudgets
from gatepass.plugin.budgets.sqlite_operations import SqliteOperations
from gatepass.plugin.budgets.sqlite_thread import SqliteThread
from support.budget_machine import Opened
from support.directories import Where
from support.ledgers import stored


def sql_engine(where: Where, clock: Clock, rules: EngineRules) -> SqlBudgets:
    if isinstance(where, str):
        return SqlBudgets(PostgresqlOperations(where), clock, rules)
    return SqlBudgets(SqliteOperations(SqliteThread(where)), clock, rules)


@asynccontextmanager
async def open_sql(where: Where, clock: Clock, rules: EngineRules) -> AsyncIterator[Opened]:
    engine = sql_engine(where, clock, rules)
    await engine.open()
    try:
        yield Opened(engine, lambda: ledger_rows(where))
    finally:
        await engine.close()


def ledger_rows(where: Where) -> list[LedgerRow]:
    return [from_columns(columns) for columns in stored(where, ", ".join(COLUMNS))]
