"""What the SQL engine asks a database to do: values that a whole batch of is done at once."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Count
from gatepass.plugin.budgets.engine import EngineRules, Payer, Settlement
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit


class End(msgspec.Struct, frozen=True):
    """Put a cost in the place of a reservation.

    `tokens` are input, output, cached and reasoning tokens; `priced` says whether the price that
    was reserved with has made the cost of them.
    """

    request_id: str
    amounts: Amounts
    tokens: tuple[int, int, int, int]
    outcome: Outcome
    priced: bool


class Reserve(msgspec.Struct, frozen=True):
    """Put an estimate on all limits or on none; with `cost`, charge it whatever the limits say.

    `memo` is what whoever settles wants to know; the database keeps it unread. No two are the same.
    """

    request_id: str
    limits: Sequence[AppliedLimit]
    estimate: Amounts
    who: Payer
    model: str | None
    price_version: str | None
    memo: str
    cost: End | None = None


class Withdraw(msgspec.Struct, frozen=True):
    """Take a reservation back as if it had never been made; nothing happens to one that ended.

    With `memos`, it is taken back only if it was made with one of them. One that is overdue is not
    ended in the same transaction.
    """

    request_id: str
    memos: tuple[str, ...] = ()


class Look(msgspec.Struct, frozen=True):
    """Say how limits stand."""

    limits: Sequence[AppliedLimit]


class Find(msgspec.Struct, frozen=True):
    """Say what is remembered of a reservation."""

    request_id: str


class Counts(msgspec.Struct, frozen=True):
    """How limits stand: the counters that there are, in the order of the limits.

    `refused` is the place of the limit that did not suffice.
    """

    counts: Sequence[Count | None]
    refused: int | None = None


class Found(msgspec.Struct, frozen=True):
    """A reservation that is remembered."""

    memo: str
    is_settled: bool


Operation = Reserve | End | Withdraw | Look | Find
Result = Counts | Settlement | Found | None
"""Of Reserve and Look, of End, and of Find; Withdraw has none."""


class Operations(Protocol):
    """A database that does operations."""

    async def do(
        self, operations: Sequence[Operation], rules: EngineRules, now: float
    ) -> Sequence[Result]:
        """Do all of them, one after the other, in one transaction, and return what came of each.

        `now` is seconds since the epoch. Before them, overdue reservations are ended.

        Raises:
            StoreUnavailable: nobody knows whether they were done; they may be tried again.

        """
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
