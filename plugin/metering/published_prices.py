"""Prices that providers publish, as the library genai-prices brings them; nothing is downloaded.

A model is looked for where its name says: in front of a slash the provider as gateways write it,
Bedrock's names by their dots, else the provider whose names look like it, and OpenAI last. Of hosts
that all serve the same open model nobody is chosen: which one it is must be said.

A price holds for tokens. Where images or video cost more than text, all tokens of that side are
priced like them, because nobody reports them apart; what is not priced by tokens has no price here.
An answer whose request names no bound is bounded by the model's context window, or by the setting
if that is smaller.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import genai_prices
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

from gatepass.plugin.budgets.amounts import NANO_PER_USD, InvalidAmount
from gatepass.plugin.metering.price_table import dearest_of, digest_of
from gatepass.plugin.metering.prices import PartRates, Price

HOLD_SECONDS = 900
"""Published prices begin and end at a quarter of an hour, at UTC."""

DEFAULT_MAX_OUTPUT_TOKENS = 131_072

_ALIASES = {
    "azure_ai": "azure",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "together_ai": "together",
    "vertex_ai": "google",
    "xai": "x-ai",
}
"""What gateways call providers in front of a slash, where it is not the provider's own name."""

_BEDROCK = re.compile(r"(?:[a-z-]+\.)?[a-z0-9]+\.[a-z]")
_REQUESTS_PER_PRICE = 1_000
_REST = "openai"

Rates = Mapping[str, Decimal | TieredPrices]


class GenaiPrices:
    """The prices of the installed release of genai-prices."""

    def __init__(self, max_output_tokens: int = DEFAULT_MAX_OUTPUT_TOKENS) -> None:
        self._providers = get_snapshot().providers
        self._by_id = {provider.id: provider for provider in self._providers}
        self._max_output_tokens = max_output_tokens
        self._dearest: tuple[float, Price | None] = (0.0, None)

    def price_of(self, model: str, now: float) -> Price | None:
        """Return the price that a model has at a moment, or None; slow, to be remembered."""
        name = model.lower()
        for provider, wanted in self._places(name):
            found = provider.find_model(wanted, all_providers=self._providers)
            if found is not None:
                return self._price(provider, found, now)
        return None

    def dearest(self, now: float) -> Price | None:
        """Return a price that is no less than any that is published."""
        good_until, price = self._dearest
        if now >= good_until:
            prices = (
                self._price(provider, model, now)
                for provider in self._providers
                for model in provider.models
            )
            price = dearest_of([price for price in prices if price is not None])
            self._dearest = (self.good_until(now), price)
        return price

    def good_until(self, now: float) -> float:
        """Return up to when the prices of `now` hold."""
        return now - now % HOLD_SECONDS + HOLD_SECONDS

    def _places(self, name: str) -> Sequence[tuple[Provider, str]]:
        """Return where a name may be looked up, and as what."""
        prefix, slash, rest = name.partition("/")
        if slash:
            named = self._by_id.get(_ALIASES.get(prefix, prefix))
            if named is not None:
                return ((named, rest),)
        places = [
            (provider, name)
            for provider in self._providers
            if provider.model_match is not None and provider.model_match.is_match(name)
        ]
        if _BEDROCK.match(name):
            places.insert(0, (self._by_id["aws"], name))
        return (*places, (self._by_id[_REST], name))

    def _price(self, provider: Provider, model: ModelInfo, now: float) -> Price | None:
        rates = _rates(model.get_prices(datetime.fromtimestamp(now, UTC)))
        most = min(model.context_window or self._max_output_tokens, self._max_output_tokens)
        try:
            price = _to_price(rates, most)
        except InvalidAmount:
            return None
        if price is None:
            return None
        source = f"genai-prices {genai_prices.__version__}:{provider.id}/{model.id}"
        return replace(price, version=f"{source}:{digest_of(price)}")


def _rates(prices: ModelPrice) -> Rates:
    return {
        name: rate
        for name, rate in vars(prices).items()
        if isinstance(rate, Decimal | TieredPrices)
    }


def _to_price(rates: Rates, max_output_tokens: int) -> Price | None:
    if "input_mtok" not in rates and "output_mtok" not in rates:
        return None
    starts = {
        tier.start
        for rate in rates.values()
        if isinstance(rate, TieredPrices)
        for tier in rate.tiers
    }
    tiers = [(start, _at(rates, start, max_output_tokens)) for start in sorted(starts)]
    return replace(_at(rates, None, max_output_tokens), tiers=tiers)


def _at(rates: Rates, start: int | None, max_output_tokens: int) -> Price:
    """Return the price of a call that has more than `start` input tokens."""

    def nano(*names: str) -> int | None:
        known = [_amount(rates[name], start) for name in names if name in rates]
        return max(known) if known else None

    return Price(
        nano("input_mtok", "input_text_mtok", "input_image_mtok", "input_video_mtok") or 0,
        nano("output_mtok", "output_text_mtok", "output_image_mtok", "output_video_mtok") or 0,
        max_output_tokens,
        PartRates(
            cached=nano("cache_read_mtok", "cache_image_read_mtok", "cache_video_read_mtok"),
            cache_write=nano("cache_write_mtok", "cache_write_5m_mtok"),
            cache_write_1h=nano("cache_write_1h_mtok"),
            reasoning=nano("output_reasoning_mtok"),
            input_audio=nano("input_audio_mtok"),
            cached_audio=nano("cache_audio_read_mtok"),
            output_audio=nano("output_audio_mtok"),
        ),
        request_nano=-(-(nano("requests_kcount") or 0) // _REQUESTS_PER_PRICE),
    )


def _amount(rate: Decimal | TieredPrices, start: int | None) -> int:
    """Return nano-dollars, rounded up."""
    dollars = rate.base if isinstance(rate, TieredPrices) else rate
    if isinstance(rate, TieredPrices) and start is not None:
        for tier in rate.tiers:
            if tier.start <= start:
                dollars = tier.price
    return int((dollars * NANO_PER_USD).to_integral_value(ROUND_CEILING))
