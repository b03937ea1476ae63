"""Taking old records out of the ledger without changing what anybody has spent.

What a record counted in a counter's last window is carried over before it goes, in the same
transaction; older windows matter to nobody.
"""

from collections import defaultdict

from sqlalchemy import ColumnElement, and_, delete, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.ledger_audit import read_charges
from gatepass.plugin.budgets.tables import ledger, ledger_carried
from gatepass.rbac.budgets import MAX_AMOUNT

ROWS_AT_ONCE = 2_000


async def prune(connection: AsyncConnection, before: int) -> int:
    """Take some of the records out that ended before a moment, and return how many those were.

    `before` is microseconds since the epoch. To be repeated, each time in a transaction that
    writes, until nothing is left to be taken out.

    Raises:
        StoreUnavailable: there are rows that nobody can read.

    """
    found = await connection.execute(
        select(ledger.c.request_id, ledger.c.at, ledger.c.charges)
        .where(ledger.c.settled_at < before)
        .order_by(ledger.c.settled_at)
        .limit(ROWS_AT_ONCE)
        .with_for_update()
    )
    rows = found.all()
    if not rows:
        return 0
    sums: dict[tuple[str, int], int] = defaultdict(int)
    ends: dict[tuple[str, int], int | None] = {}
    for row in rows:
        for charge in read_charges(row.charges):
            window = charge.key, charge.since
            sums[window] += charge.amount
            ends[window] = charge.ends_at
    for window, amount in sums.items():
        await _carry(connection, window, ends[window], amount)
    keys = [(row.request_id, row.at) for row in rows]
    await connection.execute(
        delete(ledger).where(tuple_(ledger.c.request_id, ledger.c.at).in_(keys))
    )
    later = ledger_carried.alias()
    is_over = exists().where(
        and_(later.c.counter == ledger_carried.c.counter, later.c.since > ledger_carried.c.since)
    )
    await connection.execute(delete(ledger_carried).where(is_over))
    return len(rows)


async def _carry(
    connection: AsyncConnection, window: tuple[str, int], ends_at: int | None, amount: int
) -> None:
    known = (await connection.execute(select(ledger_carried.c.amount).where(_is(window)))).scalar()
    await connection.execute(delete(ledger_carried).where(_is(window)))
    counter, since = window
    await connection.execute(
        ledger_carried.insert().values(
            counter=counter,
            since=since,
            ends_at=ends_at,
            amount=min((known or 0) + amount, MAX_AMOUNT),
        )
    )


def _is(window: tuple[str, int]) -> ColumnElement[bool]:
    counter, since = window
    return and_(ledger_carried.c.counter == counter, ledger_carried.c.since == since)
