"""What a model costs, by the table of the settings.

Prices are nano-dollars per million tokens, whole numbers. A model's price is its exact name's, else
that of the matching pattern with the most literal text, else the one written first among equals;
patterns are those of gatepass.rbac.models. An estimate is an upper bound made before the call, a
cost is exact and made after it; both round up, so that no call is free by rounding. Not here:
whether an unknown price refuses a call, and tokens that a body only refers to (images by URL).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.limits import MAX_NANO_USD, InvalidAmount, check_amount
from gatepass.rbac.models import MAX_MODEL_CHARS, ModelRule, compile_models

TOKENS_PER_PRICE = 1_000_000
MAX_TOKENS = 10**12
"""More tokens than this in one answer are a mistake of whoever counted."""

MAX_RESOLVED_MODELS = 1_000
"""How many model names a table remembers; callers choose the names, so there must be an end."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that one call used.

    Raises:
        InvalidAmount: a count that is not a whole number from 0 to MAX_TOKENS (SEC-59).

    """

    input_tokens: int
    output_tokens: int

    def __post_init__(self) -> None:
        for tokens in (self.input_tokens, self.output_tokens):
            check_amount(tokens)
            if tokens > MAX_TOKENS:
                raise InvalidAmount


@dataclass(frozen=True, slots=True)
class Price:
    """What one model costs; `max_output_tokens` bounds an answer whose request names no bound."""

    input_nano_per_million_tokens: int
    output_nano_per_million_tokens: int
    max_output_tokens: int

    def __post_init__(self) -> None:
        check_amount(self.input_nano_per_million_tokens)
        check_amount(self.output_nano_per_million_tokens)
        check_amount(self.max_output_tokens)

    def estimate_nano(self, body_bytes: int, max_output_tokens: int | None, choices: int) -> int:
        """Return what a call can cost at most, in nano-dollars, capped at MAX_NANO_USD.

        A token is at least one byte of the body. `max_output_tokens` is what the request asks for;
        None and 0 ask for nothing, and the price's own bound counts. `choices` multiplies it.

        Raises:
            InvalidAmount: a number that is negative, not whole or above MAX_NANO_USD, or 0 choices.

        """
        bound = 0 if max_output_tokens is None else max_output_tokens
        if not (
            type(body_bytes) is type(choices) is type(bound) is int
            and 0 <= body_bytes <= MAX_NANO_USD
            and 0 < choices <= MAX_NANO_USD
            and 0 <= bound <= MAX_NANO_USD
        ):
            raise InvalidAmount
        output_tokens = (bound or self.max_output_tokens) * choices
        return _nano(
            body_bytes * self.input_nano_per_million_tokens
            + output_tokens * self.output_nano_per_million_tokens
        )

    def cost_nano(self, usage: Usage) -> int:
        """Return what a call did cost, in nano-dollars, capped at MAX_NANO_USD."""
        return _nano(
            usage.input_tokens * self.input_nano_per_million_tokens
            + usage.output_tokens * self.output_nano_per_million_tokens
        )


def _nano(millionths: int) -> int:
    return min(-(-millionths // TOKENS_PER_PRICE), MAX_NANO_USD)


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One line of the price table: a model pattern and what its models cost."""

    pattern: str
    input_nano_per_million_tokens: int
    output_nano_per_million_tokens: int
    max_output_tokens: int

    @property
    def price(self) -> Price:
        """Return the entry's price.

        Raises:
            InvalidAmount: a number that is negative, not whole or too large.

        """
        return Price(
            self.input_nano_per_million_tokens,
            self.output_nano_per_million_tokens,
            self.max_output_tokens,
        )


class PriceTable:
    """The price of every model that has one.

    Raises:
        ConfigurationError: a pattern that cannot be one, stands twice, or has an impossible price.

    """

    def __init__(self, entries: Sequence[PriceEntry] = ()) -> None:
        self._exact: dict[str, Price] = {}
        patterns: list[tuple[int, ModelRule, Price]] = []
        problems, seen = [], set()
        for index, entry in enumerate(entries):
            try:
                rule, price = compile_models((entry.pattern,)), entry.price
            except (ValueError, InvalidAmount) as error:
                problems.append(f"prices[{index}]: {error}")
                continue
            if entry.pattern in seen:
                problems.append(f"prices[{index}]: the same model stands in an earlier entry")
            seen.add(entry.pattern)
            if "*" in entry.pattern:
                patterns.append((len(entry.pattern.replace("*", "")), rule, price))
            else:
                self._exact[entry.pattern] = price
        if problems:
            raise ConfigurationError(problems)
        patterns.sort(key=lambda item: -item[0])
        self._patterns = tuple((rule, price) for _, rule, price in patterns)
        self._resolved: dict[str, Price | None] = {}

    def price_of(self, model: str) -> Price | None:
        """Return the model's price, or None when the table has none."""
        try:
            return self._resolved[model]
        except KeyError:
            return self._resolve(model)

    def _resolve(self, model: str) -> Price | None:
        price = self._exact.get(model)
        if price is None:
            price = next((price for rule, price in self._patterns if rule.allows(model)), None)
        if len(model) <= MAX_MODEL_CHARS:
            if len(self._resolved) >= MAX_RESOLVED_MODELS:
                self._resolved.clear()
            self._resolved[model] = price
        return price
