"""Money limits as values, and the one comparison that every check uses.

Money is an integer number of nano-dollars: never a float, never negative, never more than a 64-bit
column holds. A limit is exceeded when what is spent and reserved has reached it, or when the
estimate on top would pass it; so a limit of 0 lets nothing through (SEC-59). Pure: which limits
apply to a caller is decided by who asks, and the counters live in an engine.
"""

from dataclasses import dataclass, field
from typing import Literal

from gatepass.jwks.errors import GatepassError
from gatepass.rbac.principals import Budget

NANO_PER_USD = 1_000_000_000
MAX_NANO_USD = 2**63 - 1
"""The largest amount, about nine billion dollars: what a BIGINT column holds."""


class InvalidAmount(GatepassError):
    """An amount that is not money: negative, too large, a float, NaN or a boolean."""

    def __init__(self) -> None:
        super().__init__("internal_error", "an amount is not a whole number in its range")


@dataclass(frozen=True, slots=True)
class BudgetTemplate:
    """What a new row's budget looks like; `window_seconds` None never resets.

    Raises:
        InvalidAmount: a limit outside 0..MAX_NANO_USD, or a window that is not positive.

    """

    limit_nano_usd: int
    window_seconds: int | None

    def __post_init__(self) -> None:
        check_amount(self.limit_nano_usd)
        if self.window_seconds is not None:
            check_amount(self.window_seconds)
            if self.window_seconds == 0:
                raise InvalidAmount


@dataclass(frozen=True, slots=True)
class AppliedLimit:
    """A budget that applies to a request, and whose money it is."""

    scope: Literal["team", "user"]
    subject_id: str
    budget: Budget
    key: tuple[str, str, str] = field(init=False, repr=False, compare=False)
    """What a counter is found by: scope, subject and budget, apart (SEC-49)."""

    def __post_init__(self) -> None:
        key = (self.scope, self.subject_id, self.budget.budget_id)
        object.__setattr__(self, "key", key)


def check_amount(amount: object) -> None:
    """Refuse everything but a whole number from 0 to MAX_NANO_USD (SEC-59).

    Raises:
        InvalidAmount: also for booleans, which Python would count as 0 and 1.

    """
    if type(amount) is not int or not 0 <= amount <= MAX_NANO_USD:
        raise InvalidAmount


def exceeds(spent: int, reserved: int, estimate: int, limit: int) -> bool:
    """Answer whether a request of this estimate passes the limit; all in nano-dollars."""
    committed = spent + reserved
    return committed >= limit or committed + estimate > limit
