"""What a request may use at most, before it is made: the dearest reading of what it names.

A model without a price is refused where money or tokens are limited, unless the settings name it as
free or say that unknown models are priced like the dearest known one. What was not seen cannot be
estimated: it counts as one request and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.metering.price_table import PriceTable
from gatepass.plugin.metering.prices import Price
from gatepass.plugin.naming import Naming
from gatepass.plugin.reasons import Reason
from gatepass.rbac.budgets import Unit

ONE_REQUEST = Amounts(requests=1)
_REQUESTS = Unit.REQUESTS


class UnknownModels(StrEnum):
    """What becomes of a model without a price; the value is its name in the settings."""

    REFUSE = "refuse"
    DEAREST = "dearest"


@dataclass(frozen=True, slots=True)
class PriceRules:
    """The prices, and what holds where there is none.

    `free_models` are names of models without a price that cost nothing; `free_output_tokens` is how
    many tokens one of their answers has at most.
    """

    table: PriceTable
    unknown: UnknownModels = UnknownModels.REFUSE
    free_models: frozenset[str] = frozenset()
    free_output_tokens: int = 0

    def price_of(self, model: str, now: float) -> Price | None:
        """Return what the model costs at `now`, seconds since the epoch; None is refused."""
        price = self.table.price_of(model, now)
        if price is not None:
            return price
        if model in self.free_models:
            return Price(0, 0, self.free_output_tokens, version="free")
        return self.table.dearest(now) if self.unknown is UnknownModels.DEAREST else None


class Estimate(NamedTuple):
    """What is reserved for a request; `price` is that of its dearest model, `model` its name."""

    amounts: Amounts
    model: str = ""
    price: Price | None = None


def estimate(
    naming: Naming, limits: Sequence[AppliedLimit], prices: PriceRules, now: float
) -> Estimate:
    """Return what the request may use at most; `now` is in seconds since the epoch.

    Raises:
        RequestRefused: PRICE_UNKNOWN, where a limit needs the price.

    """
    facts, models = naming.facts, naming.models
    if not models:
        if facts is not None and _needs_prices(limits):
            raise RequestRefused(Reason.PRICE_UNKNOWN)
        return Estimate(ONE_REQUEST)
    bound = None if facts is None else facts.max_output_tokens
    choices = 1 if facts is None else facts.choices
    size = naming.body_bytes
    nano, tokens, dearest, name = -1, 0, None, models[0]
    for model in models:
        price = prices.price_of(model, now)
        if price is None:
            if _needs_prices(limits):
                raise RequestRefused(Reason.PRICE_UNKNOWN)
            continue
        cost, most = price.estimate(size, bound, choices)
        tokens = most if most > tokens else tokens  # noqa: FURB136 - a call costs more
        if cost >= nano:
            nano, dearest, name = cost, price, model
    return Estimate(Amounts(0 if dearest is None else nano, tokens, 1), name, dearest)


def _needs_prices(limits: Sequence[AppliedLimit]) -> bool:
    return any(limit.unit is not _REQUESTS for limit in limits)
