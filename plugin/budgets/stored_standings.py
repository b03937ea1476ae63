"""How limits stand by the counters of the database, for those who look without counting."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.arithmetic import Count, rolled
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.tables import budget_counters


async def stored_standings(
    connection: AsyncConnection, limits: Sequence[AppliedLimit], now: float
) -> Sequence[LimitStanding]:
    """Return how limits stand at `now`, in seconds since the epoch, in their order."""
    names = [limit.counter for limit in limits]
    columns = budget_counters.c
    found = await connection.execute(
        select(
            columns.counter,
            columns.spent,
            columns.reserved,
            columns.since,
            columns.ends_at,
            columns.definition,
        ).where(columns.counter.in_(names))
    )
    counts = {row.counter: Count(*row[1:]) for row in found}
    standings = []
    for limit in limits:
        count = rolled(counts.get(limit.counter), limit.window, now)
        hard = None if limit.hard is None else limit.hard_at(now)
        standings.append(LimitStanding(limit, count.spent, count.reserved, hard, count.ends_at))
    return standings
