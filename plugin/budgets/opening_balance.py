"""What rows had spent elsewhere before they came: where their counters begin.

It is kept like records that were taken out of the ledger, so that `gatepass budgets verify` finds
it right and `rebuild` makes it again. It counts in the window of the moment at which it comes.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.limits import AppliedLimit, Scope, applied
from gatepass.plugin.budgets.tables import budget_counters, ledger_carried
from gatepass.rbac.budgets import Budget, Unit

_AT_ONCE = 500


class Balance(NamedTuple):
    """What a subject has spent of its budget's money."""

    scope: Scope
    subject_id: str
    budget: Budget
    nano_usd: int


async def begin_counters(connection: AsyncConnection, balances: Iterable[Balance], now: int) -> int:
    """Begin the counters of new rows, and return how many; `now` in seconds since the epoch.

    A budget that limits no money of all models has no such counter.
    """
    found = [(limit, balance.nano_usd) for balance in balances for limit in _money(balance)]
    for start in range(0, len(found), _AT_ONCE):
        carried = [
            {
                "counter": limit.counter,
                "since": now,
                "ends_at": limit.window.bounds(now)[1],
                "amount": nano,
            }
            for limit, nano in found[start : start + _AT_ONCE]
        ]
        counters = [
            {
                **{name: one[name] for name in ("counter", "since", "ends_at")},
                "spent": one["amount"],
                "definition": "",
                "reserved": 0,
            }
            for one in carried
        ]
        await connection.execute(insert(ledger_carried), carried)
        await connection.execute(insert(budget_counters), counters)
    return len(found)


def _money(balance: Balance) -> Iterable[AppliedLimit]:
    for limit in applied(balance.scope, balance.subject_id, balance.budget):
        if limit.unit is Unit.MONEY and limit.model is None:
            yield limit
