"""The price of every model that has one, now: the settings first, then what is published.

An entry of the settings counts from its first moment up to its last, and hides what is published. A
model's price is its exact name's, else that of the matching pattern with the most literal text;
among equals the entry counts that began last, else the one written first. Patterns are those of
gatepass.rbac.models. A price is looked up once per model and remembered until an entry begins or
ends, or what is published may change. Whether a model without a price is refused is decided by who
asks.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from math import inf
from typing import Protocol

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.metering.prices import NO_PART_RATES, PartRates, Price
from gatepass.rbac.models import MAX_MODEL_CHARS, ModelRule, compile_models

MAX_RESOLVED_MODELS = 1_000
"""How many model names a table remembers; callers choose the names, so there must be an end."""

_VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One line of the price table: a model pattern and what its models cost.

    `since` and `until` are seconds since the epoch; the last moment is not part of it. `tiers` are
    as in Price, but with entries without pattern and times of their own.
    """

    pattern: str
    input_nano_per_million_tokens: int
    output_nano_per_million_tokens: int
    max_output_tokens: int
    parts: PartRates = NO_PART_RATES
    request_nano: int = 0
    tiers: Sequence[tuple[int, Price]] = ()
    since: float = -inf
    until: float = inf

    @property
    def price(self) -> Price:
        """Return the entry's price.

        Raises:
            InvalidAmount: a number that is negative, not whole or too large.

        """
        price = Price(
            self.input_nano_per_million_tokens,
            self.output_nano_per_million_tokens,
            self.max_output_tokens,
            self.parts,
            self.request_nano,
            self.tiers,
        )
        return replace(price, version=f"settings:{self.pattern}:{digest_of(price)}")


class PublishedPrices(Protocol):
    """Whoever knows prices that are not in the settings."""

    def price_of(self, model: str, now: float) -> Price | None:
        """Return the model's price at a moment, or None."""
        ...

    def dearest(self, now: float) -> Price | None:
        """Return a price that is no less than any other."""
        ...

    def good_until(self, now: float) -> float:
        """Return up to when the prices of `now` hold."""
        ...


@dataclass(frozen=True, slots=True)
class _Timed:
    """A price of the settings, for its time; `place` is where it was written."""

    since: float
    until: float
    place: int
    price: Price


class PriceTable:
    """The prices of the settings over those that are published.

    Raises:
        ConfigurationError: a pattern that cannot be one, stands twice for the same time, or has an
            impossible price or time.

    """

    def __init__(
        self, entries: Sequence[PriceEntry] = (), published: PublishedPrices | None = None
    ) -> None:
        self._published = published
        self._entries: dict[str, list[_Timed]] = {}
        self._read(entries)
        patterns = [pattern for pattern in self._entries if "*" in pattern]
        patterns.sort(key=lambda pattern: -len(pattern.replace("*", "")))
        self._patterns: Sequence[tuple[ModelRule, str]] = tuple(
            (compile_models((pattern,)), pattern) for pattern in patterns
        )
        moments = {moment for entry in entries for moment in (entry.since, entry.until)}
        self._changes = sorted(moments - {-inf, inf})
        self._resolved: dict[str, tuple[float, float, Price | None]] = {}
        self._dearest: tuple[float, float, Price | None] = (inf, -inf, None)

    def _read(self, entries: Sequence[PriceEntry]) -> None:
        problems = []
        for index, entry in enumerate(entries):
            try:
                compile_models((entry.pattern,))
                timed = _Timed(entry.since, entry.until, index, entry.price)
            except (ValueError, InvalidAmount) as error:
                problems.append(f"prices[{index}]: {error}")
                continue
            same = self._entries.setdefault(entry.pattern, [])
            if not timed.since < timed.until:
                problems.append(f"prices[{index}]: it ends before it begins")
            elif any(earlier.since == timed.since for earlier in same):
                problems.append(f"prices[{index}]: the same model stands in an earlier entry")
            same.append(timed)
        if problems:
            raise ConfigurationError(problems)

    def price_of(self, model: str, now: float) -> Price | None:
        """Return the model's price, or None when nobody knows one; `now` is on the wall clock."""
        found = self._resolved.get(model)
        if found is not None and found[0] <= now < found[1]:
            return found[2]
        return self._resolve(model, now)

    def dearest(self, now: float) -> Price | None:
        """Return a price that is no less than any in the table, None if there is none at all."""
        since, until, dearest = self._dearest
        if not since <= now < until:
            found = [price for name in self._entries if (price := self._at(name, now)) is not None]
            if self._published is not None and (price := self._published.dearest(now)) is not None:
                found.append(price)
            dearest = dearest_of(found)
            self._dearest = (now, self._good_until(now), dearest)
        return dearest

    def _resolve(self, model: str, now: float) -> Price | None:
        price = self._at(model, now) if "*" not in model else None
        if price is None:
            price = next(
                (
                    price
                    for rule, pattern in self._patterns
                    if rule.allows(model) and (price := self._at(pattern, now)) is not None
                ),
                None,
            )
        if price is None and self._published is not None and len(model) <= MAX_MODEL_CHARS:
            price = self._published.price_of(model, now)
        if len(model) <= MAX_MODEL_CHARS:
            if len(self._resolved) >= MAX_RESOLVED_MODELS:
                self._resolved.clear()
            self._resolved[model] = (now, self._good_until(now), price)
        return price

    def _at(self, pattern: str, now: float) -> Price | None:
        """Return what the entries of a pattern say now: of several the one that began last."""
        valid = [
            timed for timed in self._entries.get(pattern, ()) if timed.since <= now < timed.until
        ]
        return max(valid, key=lambda timed: (timed.since, -timed.place)).price if valid else None

    def _good_until(self, now: float) -> float:
        following = bisect_right(self._changes, now)
        change = self._changes[following] if following < len(self._changes) else inf
        return change if self._published is None else min(change, self._published.good_until(now))


def dearest_of(prices: Sequence[Price]) -> Price | None:
    """Return a price that is no less than any of these, whatever a usage is made of."""
    if not prices:
        return None
    flat = [price for dear in prices for price in (dear, *(tier for _, tier in dear.tiers))]
    asked = max(price.dearest_rates[0] for price in flat)
    answered = max(price.dearest_rates[1] for price in flat)
    dearest = Price(
        asked,
        answered,
        max(price.max_output_tokens for price in flat),
        request_nano=max(price.request_nano for price in flat),
    )
    return replace(dearest, version=f"dearest:{digest_of(dearest)}")


def digest_of(price: Price) -> str:
    """Return what tells two prices apart, whatever they are called."""
    numbers = repr(
        (astuple(price.parts), _plain(price), [(at, _plain(tier)) for at, tier in price.tiers])
    )
    return hashlib.sha256(numbers.encode()).hexdigest()[:_VERSION_DIGITS]


def _plain(price: Price) -> tuple[object, ...]:
    return (
        price.input_nano_per_million_tokens,
        price.output_nano_per_million_tokens,
        price.max_output_tokens,
        price.request_nano,
        astuple(price.parts),
    )
