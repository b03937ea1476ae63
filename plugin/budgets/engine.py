"""What every budget engine does; the arithmetic is that of gatepass.plugin.budgets.arithmetic.

Reserve puts a call's estimate on every limit that applies, or on none. Settle puts the cost in its
place, once for each reservation, and returns when that is durable. Release settles at nothing. A
reservation that nobody settles within `reservation_timeout_seconds` ends as `unsettled` says, and a
late settle corrects that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol

import msgspec

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.metering.prices import Price, Usage
from gatepass.rbac.grace import Grace


class Unsettled(StrEnum):
    """How an overdue reservation ends; the value is its name in the settings."""

    CHARGE = "charge"
    RELEASE = "release"


class Settlement(Enum):
    """What settling or releasing did."""

    SETTLED = "settled"
    ALREADY_SETTLED = "already settled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class EngineRules:
    """What the settings say to an engine; a reload gives it others.

    `records_all`: calls without any limit leave a row in the ledger too.
    """

    admission: Admission = Admission.STRICT
    unsettled: Unsettled = Unsettled.CHARGE
    reservation_timeout_seconds: float = 600
    records_all: bool = False


class Payer(NamedTuple):
    """Who a call is written down for."""

    issuer: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user_id: str | None = None


NOBODY = Payer()


class Call(msgspec.Struct, frozen=True, gc=False):
    """A call that wants to be let through; `price` None settles only by a cost in money.

    `limits` are in the order in which they are named; no two have the same key. `grace` is what the
    call may be let through by while nobody can count (grace.py).
    """

    request_id: str
    limits: Sequence[AppliedLimit]
    estimate: Amounts
    who: Payer = NOBODY
    model: str = ""
    price: Price | None = None
    grace: Grace | None = None


class Cost(msgspec.Struct, frozen=True, gc=False):
    """What a call did use; `outcome` is SETTLED or RELEASED.

    EXPIRED, with the estimate, ends a call of which nobody says what it used before it is overdue:
    a later settle corrects that, and where the estimate is charged already nothing changes.
    """

    amounts: Amounts
    usage: Usage | None = None
    outcome: Outcome = Outcome.SETTLED


class Pending(msgspec.Struct, frozen=True):
    """A reservation that is remembered, as whoever settles needs it; `is_settled` for good."""

    model: str
    price: Price | None
    estimate: Amounts
    is_settled: bool


class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A call that was let through, and how its limits stand with it."""

    standings: Sequence[LimitStanding]


class BudgetEngine(Protocol):
    """Who counts.

    `waits` False: `reserve_now` may be used, because counting needs nobody else.
    """

    waits: bool
    rules: EngineRules

    async def open(self) -> None:
        """Get ready to count.

        Raises:
            ConfigurationError: what it counts in cannot be used.

        """
        ...

    async def close(self) -> None:
        """Let go of everything; what was settled is durable."""
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable when it cannot count right now."""
        ...

    def reserve_now(self, call: Call) -> Admitted:
        """Do what `reserve` does without waiting; only where `waits` is False."""
        ...

    def withdraw_now(self, request_id: str) -> None:
        """Do what `withdraw` does without waiting; only where `waits` is False."""
        ...

    async def reserve(self, call: Call) -> Admitted:
        """Put the estimate on all limits of the call or on none.

        A request that holds a reservation keeps it unchanged, because gateways repeat events; one
        that is finished is a new request. What is refused changes no counter, nor its window.

        Raises:
            BudgetExceeded: with the first of the call's limits that does not suffice.
            InvalidAmount: the estimate is none; nothing was reserved.
            StoreUnavailable: nobody knows what is left.

        """
        ...

    async def withdraw(self, request_id: str) -> None:
        """Take a reservation back whose request was refused after all; nothing is written down.

        Raises:
            StoreUnavailable: nobody knows; it will be overdue.

        """
        ...

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Put the cost in the place of the reservation; return when that is durable.

        Raises:
            InvalidAmount: the cost is none; nothing changed.
            StoreUnavailable: it may or may not have been settled; settle again.

        """
        ...

    async def release(self, request_id: str) -> Settlement:
        """Settle at nothing."""
        ...

    async def pending(self, request_id: str) -> Pending | None:
        """Return what is remembered of a reservation, also for a while after its end.

        Raises:
            StoreUnavailable: nobody knows.

        """
        ...

    def may_remember(self, request_id: str) -> bool:
        """Answer whether there may be a reservation; False only where that is certain."""
        ...

    async def expire(self) -> None:
        """End overdue reservations, or some of many; reserving does this too, so no timer must.

        Raises:
            StoreUnavailable: it cannot count right now.

        """
        ...

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Return how limits stand now, in their order.

        Raises:
            StoreUnavailable: nobody knows.

        """
        ...
