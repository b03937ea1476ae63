"""From a reservation that ended to its row in the ledger, and who keeps such rows."""

from collections.abc import Iterable
from typing import Protocol

from gatepass.plugin.budgets.engine import Call, Cost
from gatepass.plugin.budgets.ledger_rows import Charge, LedgerRow, Outcome

_MICROSECONDS = 1_000_000


class Ledger(Protocol):
    """Who keeps the rows."""

    def put(self, row: LedgerRow) -> None:
        """Take a row; `durable` tells when it is kept.

        Raises:
            StoreUnavailable: nothing was taken.

        """
        ...

    async def durable(self, request_id: str) -> None:
        """Return when the last row of the request is kept.

        Raises:
            StoreUnavailable: it is not.

        """
        ...


def microseconds(seconds: float) -> int:
    """Return a moment as the ledger writes it."""
    return int(seconds * _MICROSECONDS)


def ledger_row(  # noqa: PLR0913 - the call, its end, and what came of it
    call: Call, cost: Cost, outcome: Outcome, charges: Iterable[Charge], *, at: int, ended_at: int
) -> LedgerRow:
    """Return the row of a call that ended; both times are microseconds since the epoch."""
    usage, who = cost.usage, call.who
    return LedgerRow(
        request_id=call.request_id,
        at=at,
        settled_at=ended_at,
        issuer=who.issuer,
        user_id=who.user_id,
        team_id=who.team_id,
        organization_id=who.organization_id,
        end_user_id=who.end_user_id,
        model=call.model or None,
        input_tokens=0 if usage is None else usage.input_tokens,
        output_tokens=0 if usage is None else usage.output_tokens,
        cached_tokens=0 if usage is None else usage.cached_tokens,
        reasoning_tokens=0 if usage is None else usage.reasoning_tokens,
        nano=cost.amounts.nano,
        price_version=None if call.price is None or usage is None else call.price.version,
        outcome=outcome,
        charges=tuple(charges),
    )
