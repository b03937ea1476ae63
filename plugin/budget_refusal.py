"""What a client may know of the limit that refused it: whose it is, of what, and until when.

How much it is and what is left of it is told of limits that are the caller's own (team, member,
user, end user), not of those of the organization and of the whole deployment.
"""

import json

import msgspec

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.errors import BudgetExceeded
from gatepass.rbac.budgets import Unit

_OF_OTHERS_TOO = frozenset({Scope.ORGANIZATION, Scope.PROXY})
_DIGITS = 9


class BudgetRefusal(msgspec.Struct, frozen=True):
    """Which limit refused; numbers are None where they are not the caller's to know.

    Money is in nano-dollars, `resets_in_seconds` None is a window without an end, `model` the
    pattern of a limit that holds for some models only.
    """

    scope: Scope
    unit: Unit
    model: str | None
    limit: int | None
    left: int | None
    resets_in_seconds: int | None

    def as_json(self) -> dict[str, str | int | None]:
        """Return the same as the client gets it, with money in dollars."""
        return {
            "scope": self.scope.value,
            "unit": self.unit.value,
            "model": self.model,
            "limit": written(self.unit, self.limit),
            "left": written(self.unit, self.left),
            "resets_in_seconds": self.resets_in_seconds,
        }


def budget_refusal(error: BudgetExceeded) -> BudgetRefusal:
    """Return what a client may know of the limit that an error names."""
    standing = error.standing
    limit = standing.limit
    hidden = not is_callers_own(limit)
    return BudgetRefusal(
        scope=limit.scope,
        unit=limit.unit,
        model=limit.model,
        limit=None if hidden else standing.hard,
        left=None if hidden else standing.left,
        resets_in_seconds=error.resets_in_seconds,
    )


def is_callers_own(limit: AppliedLimit) -> bool:
    """Answer whether how much a limit is and what is left of it is the caller's to know."""
    return limit.scope not in _OF_OTHERS_TOO


def with_limit(body: bytes, refusal: BudgetRefusal) -> bytes:
    """Return an error body with the limit in it."""
    document = json.loads(body)
    document["error"]["limit"] = refusal.as_json()
    return json.dumps(document).encode()


def written(unit: Unit, amount: int | None) -> str | int | None:
    """Return an amount as clients get it: money in dollars, as text, because it is exact."""
    if amount is None or unit is not Unit.MONEY:
        return amount
    dollars, nano = divmod(amount, NANO_PER_USD)
    decimals = f"{nano:0{_DIGITS}}".rstrip("0").ljust(2, "0")
    return f"{dollars}.{decimals}"
