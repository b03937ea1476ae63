"""What new records do to the counters that are stored beside the ledger: pure arithmetic.

Those counters are what an engine in process starts from. They follow from the charges alone, in
the order in which records were kept: a charge of a later window opens it, one of the window that is
open is added, one of an earlier window changes nothing any more.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gatepass.plugin.budgets.ledger_rows import Charge
from gatepass.rbac.budgets import MAX_AMOUNT


class Spent(NamedTuple):
    """What is spent on a counter since a moment; times are seconds since the epoch."""

    since: int
    ends_at: int | None
    amount: int


def count(
    stored: Mapping[str, Spent], charges: Iterable[Charge], corrected: Iterable[Charge] = ()
) -> dict[str, Spent]:
    """Return the counters that the charges changed, by key; what was `corrected` is taken back."""
    changed: dict[str, Spent] = {}
    for charge, sign in ((c, s) for cs, s in ((corrected, -1), (charges, 1)) for c in cs):
        known = changed.get(charge.key) or stored.get(charge.key)
        if known is None or known.since < charge.since:
            known = Spent(charge.since, charge.ends_at, 0)
        elif known.since > charge.since:
            continue
        amount = min(max(known.amount + sign * charge.amount, 0), MAX_AMOUNT)
        changed[charge.key] = Spent(known.since, charge.ends_at, amount)
    return changed
