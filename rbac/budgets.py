"""What a row may use up: limits of money, tokens and requests in a window of time.

A limit of 0 means that nothing may be used; where there is no limit, there is no `Limit`. All
amounts are whole numbers. Which budgets apply to a request, and what is left of them, is decided
elsewhere.
"""

from dataclasses import dataclass
from enum import StrEnum

from gatepass.rbac.windows import FOREVER, Window

MAX_AMOUNT = 2**63 - 1
"""The largest amount of any unit: what a BIGINT column holds; about nine billion dollars."""

MAX_MODELS_PER_BUDGET = 100
"""For how many patterns of models a budget may have limits: all are looked at for every call."""


class Unit(StrEnum):
    """What a limit counts; money is in nano-dollars."""

    MONEY = "money"
    TOKENS = "tokens"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a unit may be used per window, in all or of the models of one pattern.

    `hard` refuses, `soft` only tells; at least one is there. `window` None is the budget's own.

    Raises:
        ValueError: no number at all, or one outside 0..MAX_AMOUNT.

    """

    unit: Unit
    hard: int | None
    soft: int | None = None
    model: str | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        numbers = [number for number in (self.hard, self.soft) if number is not None]
        if not numbers or not all(_is_amount(number) for number in numbers):
            raise ValueError("a limit needs a whole number from 0 to 2**63-1")


@dataclass(frozen=True, slots=True)
class Raise:
    """More than usual until a moment, in seconds since the epoch; not for single models.

    Raises:
        ValueError: a number outside 0..MAX_AMOUNT.

    """

    until: int
    nano: int = 0
    tokens: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        if not all(map(_is_amount, (self.until, self.nano, self.tokens, self.requests))):
            raise ValueError("a raise needs whole numbers from 0 to 2**63-1")

    def plus(self, unit: Unit) -> int:
        """Return by how much limits of the unit are raised."""
        amounts = {
            Unit.MONEY: self.nano,
            Unit.TOKENS: self.tokens,
            Unit.REQUESTS: self.requests,
        }
        return amounts[unit]


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits that one row refers to by an id.

    Raises:
        ValueError: two limits of the same unit and model, or limits for too many models.

    """

    budget_id: str
    limits: tuple[Limit, ...]
    window: Window = FOREVER
    raised: Raise | None = None

    def __post_init__(self) -> None:
        if len({(limit.unit, limit.model) for limit in self.limits}) != len(self.limits):
            raise ValueError("a budget has two limits of the same unit and model")
        if len({limit.model for limit in self.limits} - {None}) > MAX_MODELS_PER_BUDGET:
            raise ValueError(f"a budget has limits for more than {MAX_MODELS_PER_BUDGET} models")


def _is_amount(number: object) -> bool:
    return type(number) is int and 0 <= number <= MAX_AMOUNT
