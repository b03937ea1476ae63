"""The ledger on a PostgreSQL server: a group of records is one statement, and so one transaction.

A group goes there as an array for every column. Two writers that keep the same record keep it once,
because its key is unique. Nothing is counted beside it: whoever has a server counts elsewhere.
"""

from collections.abc import Sequence

from gatepass.plugin.budgets.ledger_rows import COLUMNS, LedgerRow, to_columns
from gatepass.plugin.budgets.postgresql_link import PostgresqlLink

_NUMBERS = frozenset(
    {
        *("at", "settled_at", "nano_usd"),
        *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
    }
)
_ARRAYS = ", ".join(
    f"${at}::{'bigint' if name in _NUMBERS else 'text'}[]" for at, name in enumerate(COLUMNS, 1)
)
_INSERT = (
    f"INSERT INTO ledger ({', '.join(COLUMNS)}) SELECT * FROM unnest({_ARRAYS}) "  # noqa: S608 - names of ours
    "ON CONFLICT (request_id, at) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
    + " WHERE ledger.outcome = 'expired' AND excluded.outcome = 'late'"
)


class PostgresqlLedger:
    """The ledger behind a link."""

    def __init__(self, link: PostgresqlLink) -> None:
        self._link = link

    async def append(self, rows: Sequence[LedgerRow]) -> None:
        """Keep all of the records or none; a known one changes nothing.

        Raises:
            StoreUnavailable: it cannot be done right now.

        """
        # in the order of the key, so that no two writers wait for each other
        ordered = sorted(rows, key=lambda row: (row.request_id, row.at))
        columns = zip(*map(to_columns, ordered), strict=True)
        async with self._link.connection() as connection:
            await connection.execute(_INSERT, *columns)

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()
