"""Reservations that were made perhaps, for calls that were refused because no answer came.

Whoever was refused pays nothing. So the reservation is taken back by the next transaction that goes
through: before anything else in it, because the same request may come again. Each is told by its
memo, so that one that somebody else made for the same request stays. A process that ends before
leaves them to their own end.
"""

from collections.abc import Collection, Iterable
from itertools import chain, islice

from gatepass.plugin.budgets.sql_operations import Operation, Reserve, Withdraw

MAX_DOUBTFUL = 20_000
"""How many requests may wait to be taken back; more are left to their own end."""

AT_ONCE = 200
"""How many go with one transaction, besides those of requests that come again in it."""


class Doubtful:
    """What has to be taken back."""

    def __init__(self) -> None:
        self._waiting: dict[str, Withdraw] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, withdraw: Withdraw) -> None:
        """Keep what could not be taken back so far."""
        request_id = withdraw.request_id
        known = self._waiting.get(request_id)
        if known is not None:
            memos = known.memos + withdraw.memos
            self._waiting[request_id] = Withdraw(request_id, memos)
        elif len(self._waiting) < MAX_DOUBTFUL:
            self._waiting[request_id] = withdraw

    def take(self, operations: Iterable[Operation]) -> Collection[Withdraw]:
        """Return what goes before these operations; whoever fails with it adds it again."""
        again = (one.request_id for one in operations if isinstance(one, Reserve))
        ids = dict.fromkeys(chain(again, islice(self._waiting, AT_ONCE)))
        return [self._waiting.pop(one) for one in ids if one in self._waiting]
