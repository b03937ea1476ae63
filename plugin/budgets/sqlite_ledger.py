"""The ledger in a SQLite file: records and the counters beside them, in one transaction."""

import sqlite3
from collections.abc import Iterable, Sequence

from gatepass.plugin.budgets.ledger_counting import Spent, count
from gatepass.plugin.budgets.ledger_rows import (
    COLUMNS,
    Charge,
    LedgerRow,
    Outcome,
    charges_from_json,
    to_columns,
)
from gatepass.plugin.budgets.sqlite_thread import SqliteThread

_INSERT = (
    f"INSERT INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608 - names of ours
    "ON CONFLICT DO NOTHING"
)
_REPLACE = (
    f"UPDATE ledger SET {', '.join(f'{name} = ?' for name in COLUMNS)} "  # noqa: S608 - names of ours
    "WHERE request_id = ? AND at = ? AND outcome = 'expired'"
)
_EXPIRED = "SELECT charges FROM ledger WHERE request_id = ? AND at = ? AND outcome = 'expired'"
_COUNTER = "SELECT since, ends_at, spent FROM budget_counters WHERE counter = ?"
_COUNTERS = "SELECT counter, since, ends_at, spent FROM budget_counters"
_COUNT = """
    INSERT INTO budget_counters (counter, definition, since, ends_at, spent, reserved)
    VALUES (?, '', ?, ?, ?, 0)
    ON CONFLICT (counter) DO UPDATE
    SET since = excluded.since, ends_at = excluded.ends_at, spent = excluded.spent
"""


class SqliteLedger:
    """The ledger in the file that the thread writes.

    `counts` says whether the counters beside the ledger are kept as well: by whoever has no others
    that last.
    """

    def __init__(self, thread: SqliteThread, *, counts: bool) -> None:
        self._thread = thread
        self._counts = counts

    async def append(self, rows: Sequence[LedgerRow]) -> None:
        """Keep all of the records and count their charges, or none; a known one changes nothing.

        Raises:
            StoreUnavailable: it cannot be done right now.

        """
        await self._thread.write(lambda connection: self._append(connection, rows))

    async def counters(self) -> dict[str, Spent]:
        """Return the counters beside the ledger, by their keys.

        Raises:
            StoreUnavailable: the file cannot be read right now.

        """

        def read(connection: sqlite3.Connection) -> dict[str, Spent]:
            return {key: Spent(*spent) for key, *spent in connection.execute(_COUNTERS)}

        return await self._thread.write(read)

    async def close(self) -> None:
        """Close the file."""
        await self._thread.close()

    def _append(self, connection: sqlite3.Connection, rows: Sequence[LedgerRow]) -> None:
        charges: list[Charge] = []
        corrected: list[Charge] = []
        for row in rows:
            taken_back = keep(connection, row)
            if taken_back is not None:
                charges += row.charges
                corrected += taken_back
        if self._counts and (charges or corrected):
            stored = _read(connection, {charge.key for charge in (*charges, *corrected)})
            connection.executemany(
                _COUNT,
                [
                    (key, spent.since, spent.ends_at, spent.amount)
                    for key, spent in count(stored, charges, corrected).items()
                ],
            )


def keep(connection: sqlite3.Connection, row: LedgerRow) -> Sequence[Charge] | None:
    """Write a record; return the charges whose place it takes, or None for a known one."""
    columns = to_columns(row)
    if row.outcome is Outcome.LATE:
        found = connection.execute(_EXPIRED, columns[:2]).fetchone()
        if found is not None:
            connection.execute(_REPLACE, (*columns, *columns[:2]))
            return charges_from_json(found[0])
    return () if connection.execute(_INSERT, columns).rowcount else None


def _read(connection: sqlite3.Connection, keys: Iterable[str]) -> dict[str, Spent]:
    stored = {}
    for key in keys:
        found = connection.execute(_COUNTER, (key,)).fetchone()
        if found is not None:
            stored[key] = Spent(*found)
    return stored
