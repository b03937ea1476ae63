"""The ledger as a table for others: one line for each call that has ended, in order of its end.

Amounts of money are whole nano-dollars and times are those of UTC, so that nothing is lost on the
way. All of it is of one moment.
"""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.ledger_rows import COLUMNS
from gatepass.plugin.budgets.tables import ledger

_MICROSECONDS = 1_000_000
_ROWS_AT_ONCE = 1_000
_TIMES = ("at", "settled_at")


def unwritable(output: Path) -> ConfigurationError:
    """Return what to say of a file that cannot be written."""
    return ConfigurationError([f"--output: {output} cannot be written"])


async def write_csv(connection: AsyncConnection, output: TextIO, since: int, until: int) -> int:
    """Write the calls that ended in a time as CSV, and return how many there were.

    `since` and `until` are seconds since the epoch; the latter is not in it.
    """
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    async for row in ended_calls(connection, since, until):
        writer.writerow(
            _to_text(value) if name in _TIMES else value
            for name, value in zip(COLUMNS, row, strict=True)
        )
        count += 1
    return count


async def ended_calls(
    connection: AsyncConnection, since: int, until: int
) -> AsyncIterator[Row[Any]]:
    """Yield the calls that ended in a time, with the columns in the order of COLUMNS."""
    ended = ledger.c.settled_at
    found = await connection.stream(
        select(*(ledger.c[name] for name in COLUMNS))
        .where(ended >= since * _MICROSECONDS, ended < until * _MICROSECONDS)
        .order_by(ended, ledger.c.request_id),
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    async for row in found:
        yield row


def _to_text(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, _MICROSECONDS)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return moment.isoformat(timespec="microseconds")
