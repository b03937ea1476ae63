"""Ledgers on real databases, and records to put there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from gatepass.plugin.budgets.ledger_rows import Charge, LedgerRow, Outcome
from gatepass.plugin.budgets.postgresql_ledger import PostgresqlLedger
from gatepass.plugin.budgets.postgresql_link import PostgresqlLink
from gatepass.plugin.budgets.sqlite_ledger import SqliteLedger
from gatepass.plugin.budgets.sqlite_thread import SqliteThread
from support.directories import Where, query

RED = '["team","red","b-1","money",""]'
ANN = '["user","ann","b-2","money",""]'


def row(number: int = 1, **changes: object) -> LedgerRow:
    """Return a record of a call that cost 5."""
    base = LedgerRow(
        request_id=f"r-{number}",
        at=1_000_000 * number,
        settled_at=1_000_000 * number + 5,
        issuer="https://idp.example",
        user_id="ann",
        team_id="red",
        organization_id=None,
        end_user_id=None,
        model="gpt-4o",
        input_tokens=10,
        output_tokens=20,
        cached_tokens=3,
        reasoning_tokens=4,
        nano=5,
        price_version="v1",
        outcome=Outcome.SETTLED,
        charges=(charge(),),
    )
    return replace(base, **changes)


def charge(amount: int = 5, key: str = RED, since: int = 100, ends_at: int | None = 200) -> Charge:
    return Charge(key, since, ends_at, amount)


@asynccontextmanager
async def open_ledger(
    where: Where, *, counts: bool = True
) -> AsyncIterator[SqliteLedger | PostgresqlLedger]:
    ledger: SqliteLedger | PostgresqlLedger
    if isinstance(where, str):
        ledger = PostgresqlLedger(PostgresqlLink(where))
    else:
        ledger = SqliteLedger(SqliteThread(where), counts=counts)
    try:
        yield ledger
    finally:
        await ledger.close()


def stored(
    where: Where, columns: str = "request_id, nano_usd, outcome"
) -> list[tuple[object, ...]]:
    return query(where, f"SELECT {columns} FROM ledger ORDER BY request_id, at")  # noqa: S608 - a test's own names


def counted(where: Where) -> list[tuple[object, ...]]:
    """Return the counters; only a ledger in a file keeps them."""
    return query(
        where, "SELECT counter, since, ends_at, spent FROM budget_counters ORDER BY counter"
    )
