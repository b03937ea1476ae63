"""Amounts: whole numbers of money, tokens and requests, each from 0 to 2**63-1 (SEC-59).

Money is nano-dollars: never a float, never negative, never more than a 64-bit column holds.
"""

from typing import NamedTuple

from gatepass.jwks.errors import GatepassError
from gatepass.rbac.budgets import MAX_AMOUNT

NANO_PER_USD = 1_000_000_000
MAX_NANO_USD = MAX_AMOUNT


class InvalidAmount(GatepassError):
    """An amount that is none: negative, too large, a float, NaN or a boolean."""

    def __init__(self) -> None:
        super().__init__("internal_error", "an amount is not a whole number in its range")


class Amounts(NamedTuple):
    """What one call may use, or did use, of each unit; in the order of `Unit`."""

    nano: int = 0
    tokens: int = 0
    requests: int = 0


NOTHING = Amounts()


def check_amount(amount: object) -> None:
    """Refuse everything but a whole number from 0 to MAX_AMOUNT (SEC-59).

    Raises:
        InvalidAmount: also for booleans, which Python would count as 0 and 1.

    """
    if type(amount) is not int or not 0 <= amount <= MAX_AMOUNT:
        raise InvalidAmount


def check_amounts(amounts: Amounts) -> None:
    """Refuse amounts of which one is none (SEC-59).

    Raises:
        InvalidAmount: see `check_amount`.

    """
    nano, tokens, requests = amounts
    if not (
        type(nano) is type(tokens) is type(requests) is int
        and 0 <= nano <= MAX_AMOUNT
        and 0 <= tokens <= MAX_AMOUNT
        and 0 <= requests <= MAX_AMOUNT
    ):
        raise InvalidAmount
