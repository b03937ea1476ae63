"""Prices that providers publish: found by the names that gateways use, exact, at their times."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from gatepass.plugin.metering.prices import Price, Usage
from gatepass.plugin.metering.published_prices import _ALIASES, HOLD_SECONDS, GenaiPrices
from gatepass.rbac.providers import PREFIXES

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()
PRICES = GenaiPrices()


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("gpt-4o", "openai/gpt-4o"),
        ("GPT-4o", "openai/gpt-4o"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("text-embedding-3-small", "openai/text-embedding-3-small"),
        ("ft:gpt-4o-mini-2024-07-18:acme::x", "openai/ft:gpt-4o-mini"),
        ("azure/gpt-4o", "azure/gpt-4o"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("vertex_ai/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("groq/llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile"),
        ("xai/grok-4", "x-ai/grok-4-0709"),
        ("amazon.nova-pro-v1:0", "aws/amazon.nova-pro-v1:0"),
        (
            "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "aws/regional.anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        (
            "bedrock/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "aws/regional.anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
    ],
)
def test_models_are_found_by_the_names_that_gateways_use(model: str, source: str) -> None:
    price = PRICES.price_of(model, NOW)
    assert price is not None
    name, _, digest = price.version.rpartition(":")
    assert name == f"genai-prices {genai_prices.__version__}:{source}"
    assert len(digest) == 12


def test_sec_59_every_prefix_that_finds_a_price_is_known_to_limits_for_models() -> None:
    found = {*_ALIASES, *(provider.id for provider in get_snapshot().providers)}
    assert found <= PREFIXES


@pytest.mark.parametrize(
    "model",
    [
        "",
        "/",
        "none",
        "my-gpt-4o-clone",
        "llama-3.3-70b-versatile",  # of several hosts
        "nobody/gpt-4o",
        "openai/none",
        "whisper-1",  # by the hour
        "x" * 10_000,
    ],
)
def test_of_other_names_nothing_is_known(model: str) -> None:
    assert PRICES.price_of(model, NOW) is None


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("gpt-4o", {"input_tokens": 1234, "output_tokens": 567, "cache_read_tokens": 1024}),
        ("gpt-5", {"input_tokens": 1234, "output_tokens": 567, "output_reasoning_tokens": 500}),
        ("claude-sonnet-4-5", {"input_tokens": 200_000, "output_tokens": 9}),
        (
            "claude-sonnet-4-5",
            {"input_tokens": 250_001, "output_tokens": 9, "cache_read_tokens": 240_000},
        ),
        (
            "claude-sonnet-4-5",
            {"input_tokens": 5000, "cache_write_tokens": 3000, "cache_write_1h_tokens": 1000},
        ),
        ("gemini-2.5-pro", {"input_tokens": 200_001, "output_tokens": 77}),
        (
            "gemini-2.5-flash",
            {
                "input_tokens": 900,
                "output_tokens": 7,
                "input_audio_tokens": 400,
                "cache_read_tokens": 300,
                "cache_audio_read_tokens": 200,
            },
        ),
        ("text-embedding-3-small", {"input_tokens": 8}),
    ],
)
def test_a_cost_is_that_of_the_library_to_the_nano_dollar(
    model: str, usage: dict[str, int]
) -> None:
    theirs = genai_prices.calc_price(
        genai_prices.Usage(**{"output_tokens": 0, **usage}),
        model,
        provider_id=None if model != "text-embedding-3-small" else "openai",
        genai_request_timestamp=datetime.fromtimestamp(NOW, UTC),
    ).total_price
    price = PRICES.price_of(model, NOW)
    assert price is not None
    ours = price.cost_nano(
        Usage(
            usage["input_tokens"],
            usage.get("output_tokens", 0),
            cached_tokens=usage.get("cache_read_tokens", 0),
            cache_write_tokens=usage.get("cache_write_tokens", 0),
            cache_write_1h_tokens=usage.get("cache_write_1h_tokens", 0),
            reasoning_tokens=usage.get("output_reasoning_tokens", 0),
            input_audio_tokens=usage.get("input_audio_tokens", 0),
            cached_audio_tokens=usage.get("cache_audio_read_tokens", 0),
        )
    )
    assert Decimal(0) <= ours - theirs * 10**9 < 1


def test_an_answer_is_bounded_by_the_context_or_by_the_setting() -> None:
    for most, bound in ((1000, 1000), (10**9, 128_000)):
        price = GenaiPrices(most).price_of("gpt-4o", NOW)
        assert price is not None
        assert price.max_output_tokens == bound


def test_no_published_price_is_above_the_dearest() -> None:
    dearest = PRICES.dearest(NOW)
    assert dearest is not None
    assert PRICES.dearest(NOW + 1) is dearest
    assert PRICES.dearest(NOW + HOLD_SECONDS) is not dearest
    found = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            price = PRICES.price_of(f"{provider.id}/{model.id}", NOW)
            if price is None:
                continue
            found += 1
            for usage in (Usage(10**6, 0), Usage(0, 10**6), Usage(10**6, 10**6, 10**6)):
                assert price.cost_nano(usage) <= dearest.cost_nano(usage)
    assert found > 1000


def test_what_is_installed_changes_only_when_prices_are_looked_up_again() -> None:
    for provider in get_snapshot().providers:
        for model in provider.models:
            for price in model.prices if isinstance(model.prices, list) else ():
                if isinstance(price.constraint, TimeOfDateConstraint):
                    for moment in (price.constraint.start_time, price.constraint.end_time):
                        assert (moment.minute * 60 + moment.second) % HOLD_SECONDS == 0
    assert PRICES.good_until(NOW) == NOW + HOLD_SECONDS
    assert PRICES.good_until(NOW + 1) == NOW + HOLD_SECONDS


def price_of(rates: Any, now: float = NOW) -> Price | None:  # noqa: ANN401 - the library's shapes
    """Return the price of a model that has these rates."""
    prices = GenaiPrices()
    model = ModelInfo("m", ClauseEquals("m"), prices=rates)
    provider = Provider("p", "P", "", models=[model])
    prices._providers = [provider]
    prices._by_id = {"p": provider}
    return prices.price_of("p/m", now)


def test_a_price_begins_on_its_day_and_at_its_hour() -> None:
    first, second, third = (ModelPrice(input_mtok=Decimal(number)) for number in (1, 2, 3))
    rates = [
        ConditionalPrice(prices=first),
        ConditionalPrice(StartDateConstraint(date(2026, 11, 23)), prices=second),
        ConditionalPrice(
            TimeOfDateConstraint(time(16, 30, tzinfo=UTC), time(0, 30, tzinfo=UTC)), prices=third
        ),
    ]
    for moment, dollars in (
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), 1),
        (datetime(2026, 11, 23, 0, 29, tzinfo=UTC), 3),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), 2),
        (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), 3),
    ):
        price = price_of(rates, moment.timestamp())
        assert price is not None
        assert price.input_nano_per_million_tokens == dollars * 10**9


def test_where_pictures_cost_more_all_tokens_do() -> None:
    price = price_of(
        ModelPrice(
            input_mtok=Decimal(5),
            input_image_mtok=Decimal(10),
            output_mtok=Decimal(1),
            output_video_mtok=Decimal("40.0000000001"),
            requests_kcount=Decimal(5),
            web_searches_kcount=Decimal(10),
        )
    )
    assert price is not None
    assert price.input_nano_per_million_tokens == 10 * 10**9
    assert price.output_nano_per_million_tokens == 40 * 10**9 + 1
    assert price.request_nano == 5_000_000


def test_rates_with_different_tiers_are_read_together() -> None:
    price = price_of(
        ModelPrice(
            input_mtok=TieredPrices(Decimal(1), [Tier(100, Decimal(2)), Tier(300, Decimal(4))]),
            output_mtok=TieredPrices(Decimal(10), [Tier(200, Decimal(20))]),
        )
    )
    assert price is not None
    costs = [price.cost_nano(Usage(asked, 1)) for asked in (100, 101, 200, 201, 300, 301)]
    assert costs == [
        110_000,
        101 * 2000 + 10_000,
        410_000,
        201 * 2000 + 20_000,
        620_000,
        301 * 4000 + 20_000,
    ]


@pytest.mark.parametrize(
    "rates",
    [
        ModelPrice(),
        ModelPrice(audio_hours=Decimal(1)),
        ModelPrice(input_mtok=Decimal(-1)),
        ModelPrice(input_mtok=Decimal(10**11)),
    ],
)
def test_sec_59_what_is_no_price_is_none(rates: ModelPrice) -> None:
    assert price_of(rates) is None
