"""Prices: what a call can cost at most, and what it did cost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, InvalidAmount
from gatepass.plugin.metering.prices import MAX_TOKENS, PartRates, Price, Usage

USD = 1_000_000_000

GPT_4O = Price(2_500_000_000, 10 * USD, 16_384)


@pytest.mark.parametrize(
    ("body_bytes", "max_output", "choices", "nano"),
    [
        (0, 1, 1, 10_000),
        (1_000_000, 1, 1, 2_500_000_000 + 10_000),
        (400, 100, 1, 1_000_000 + 1_000_000),
        (400, 100, 4, 1_000_000 + 4_000_000),
        (400, None, 1, 1_000_000 + 163_840_000),
        (400, 0, 1, 1_000_000 + 163_840_000),
        (400, None, 2, 1_000_000 + 327_680_000),
        (10**18, 10**18, 10**18, MAX_NANO_USD),
    ],
)
def test_an_estimate_is_an_upper_bound(
    body_bytes: int, max_output: int | None, choices: int, nano: int
) -> None:
    assert GPT_4O.estimate(body_bytes, max_output, choices)[0] == nano


@pytest.mark.parametrize(
    ("body_bytes", "max_output", "choices"),
    [
        (-1, 1, 1),
        (1, -1, 1),
        (1, 1.5, 1),
        (1, True, 1),
        (1, "5", 1),
        (1, math.nan, 1),
        (1, 10**30, 1),
        (1, 1, 0),
        (1, 1, -2),
        (1, 1, False),
    ],
    ids=repr,
)
def test_sec_59_a_number_that_would_lower_an_estimate_is_refused(
    body_bytes: int, max_output: int, choices: int
) -> None:
    with pytest.raises(InvalidAmount):
        GPT_4O.estimate(body_bytes, max_output, choices)


@pytest.mark.parametrize(
    ("price", "usage", "nano"),
    [
        (GPT_4O, Usage(0, 0), 0),
        (GPT_4O, Usage(1_000, 500), 2_500_000 + 5_000_000),
        (Price(1, 1, 1), Usage(1, 0), 1),
        (Price(1, 1, 1), Usage(1, 1), 1),
        (Price(1, 1, 1), Usage(1_000_000, 1), 2),
        (Price(0, 0, 0), Usage(5, 5), 0),
        (Price(MAX_NANO_USD, 0, 1), Usage(MAX_TOKENS, 0), MAX_NANO_USD),
    ],
)
def test_a_cost_is_rounded_up_once(price: Price, usage: Usage, nano: int) -> None:
    assert price.cost_nano(usage) == nano


@pytest.mark.parametrize("tokens", [-1, 1.0, True, None, "1", math.nan, MAX_TOKENS + 1], ids=repr)
def test_sec_59_usage_that_cannot_be_is_refused(tokens: int) -> None:
    with pytest.raises(InvalidAmount):
        Usage(tokens, 0)
    with pytest.raises(InvalidAmount):
        Usage(0, tokens)


CLAUDE = Price(
    3 * USD,
    15 * USD,
    1000,
    PartRates(cached=300_000_000, cache_write=3_750_000_000, cache_write_1h=6 * USD),
    tiers=(
        (
            200_000,
            Price(
                6 * USD,
                22_500_000_000,
                1000,
                PartRates(cached=600_000_000, cache_write=7_500_000_000, cache_write_1h=12 * USD),
            ),
        ),
    ),
)
SPOKEN = Price(
    2 * USD,
    8 * USD,
    1000,
    PartRates(
        cached=1 * USD,
        reasoning=9 * USD,
        input_audio=40 * USD,
        cached_audio=20 * USD,
        output_audio=80 * USD,
    ),
    request_nano=5_000_000,
)


@pytest.mark.parametrize(
    ("price", "usage", "nano"),
    [
        (CLAUDE, Usage(1000, 100), 3_000_000 + 1_500_000),
        (CLAUDE, Usage(1000, 100, cached_tokens=1000), 300_000 + 1_500_000),
        (
            CLAUDE,
            Usage(1000, 0, cached_tokens=500, cache_write_tokens=300, cache_write_1h_tokens=100),
            200 * 3000 + 500 * 300 + 200 * 3750 + 100 * 6000,
        ),
        (CLAUDE, Usage(200_000, 0), 600_000_000),
        (CLAUDE, Usage(200_001, 1), 200_001 * 6000 + 22_500),
        (CLAUDE, Usage(200_001, 1, cached_tokens=200_000), 200_000 * 600 + 6000 + 22_500),
        (SPOKEN, Usage(0, 0), 5_000_000),
        (SPOKEN, Usage(10, 10, reasoning_tokens=4), 5_000_000 + 20_000 + 48_000 + 36_000),
        (
            SPOKEN,
            Usage(100, 50, cached_tokens=30, input_audio_tokens=40, cached_audio_tokens=10),
            5_000_000 + 40 * 2000 + 20 * 1000 + 30 * 40_000 + 10 * 20_000 + 50 * 8000,
        ),
        (SPOKEN, Usage(0, 10, output_audio_tokens=6), 5_000_000 + 4 * 8000 + 6 * 80_000),
        # parts that overlap are paid twice, and never take anything off
        (SPOKEN, Usage(10, 10, cached_tokens=10, input_audio_tokens=10), 5_000_000 + 490_000),
        (
            SPOKEN,
            Usage(0, 10, reasoning_tokens=10, output_audio_tokens=10),
            5_000_000 + 90_000 + 800_000,
        ),
    ],
)
def test_parts_cost_what_they_cost(price: Price, usage: Usage, nano: int) -> None:
    assert price.cost_nano(usage) == nano


def test_parts_without_a_rate_cost_what_the_rest_does() -> None:
    usage = Usage(
        100,
        100,
        cached_tokens=50,
        cache_write_tokens=20,
        cache_write_1h_tokens=10,
        reasoning_tokens=60,
        input_audio_tokens=30,
    )
    assert Price(2_000_000, 3_000_000, 1).cost_nano(usage) == 500
    assert Price(0, 0, 1, PartRates(cache_write=7_000_000)).cost_nano(usage) == 140
    assert Price(0, 0, 1, PartRates(input_audio=7_000_000)).cost_nano(usage) == 210


@pytest.mark.parametrize(
    "parts",
    [
        {"cached_tokens": 11},
        {"cached_tokens": 6, "cache_write_tokens": 5},
        {"cache_write_1h_tokens": 1},
        {"input_audio_tokens": 11},
        {"cached_audio_tokens": 1},
        {"cached_tokens": 5, "cached_audio_tokens": 1},
        {"reasoning_tokens": 11},
        {"output_audio_tokens": 11},
        {"cached_tokens": -1},
        {"cached_tokens": True},
        {"cached_tokens": 1.0},
        {"reasoning_tokens": 0.0},
        {"reasoning_tokens": False},
    ],
    ids=repr,
)
def test_sec_59_a_part_that_cannot_be_is_refused(parts: dict[str, int]) -> None:
    with pytest.raises(InvalidAmount):
        Usage(10, 10, **parts)


@pytest.mark.parametrize(
    "price",
    [
        lambda: Price(-1, 0, 1),
        lambda: Price(0, 0, -1),
        lambda: Price(0, 0, 1, PartRates(cached=-1)),
        lambda: Price(0, 0, 1, PartRates(output_audio=2**63)),
        lambda: Price(0, 0, 1, request_nano=-1),
        lambda: Price(0, 0, 1, tiers=((-1, Price(0, 0, 1)),)),
    ],
)
def test_sec_59_an_impossible_price_is_refused(price: object) -> None:
    assert callable(price)
    with pytest.raises(InvalidAmount):
        price()


def test_of_several_tiers_the_highest_counts() -> None:
    million = 1_000_000
    tiers = [(start, Price(start * million, 0, 1)) for start in (10, 1000, 100)]
    price = Price(million, 0, 1, tiers=tiers)
    for tokens, rate in ((10, 1), (11, 10), (100, 10), (101, 100), (1000, 100), (1001, 1000)):
        assert price.cost_nano(Usage(tokens, 0)) == tokens * rate


RATES = st.integers(0, 10**11)
MAYBE = st.none() | RATES
PARTS = st.builds(
    PartRates,
    cached=MAYBE,
    cache_write=MAYBE,
    cache_write_1h=MAYBE,
    reasoning=MAYBE,
    input_audio=st.none(),
    output_audio=MAYBE,
)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    tiers = [
        (start, Price(draw(RATES), draw(RATES), 50, draw(PARTS)))
        for start in draw(st.lists(st.integers(0, 300), max_size=3, unique=True))
    ]
    return Price(draw(RATES), draw(RATES), 50, draw(PARTS), draw(st.integers(0, 10**9)), tiers)


@given(prices(), st.data())
def test_sec_59_no_call_costs_more_than_was_estimated(price: Price, data: st.DataObject) -> None:
    body_bytes = data.draw(st.integers(0, 400))
    bound = data.draw(st.none() | st.integers(1, 100))
    choices = data.draw(st.integers(1, 4))
    asked = data.draw(st.integers(0, body_bytes))
    answered = data.draw(st.integers(0, (bound or 50) * choices))
    cached = data.draw(st.integers(0, asked))
    written = data.draw(st.integers(0, asked - cached))
    thought = data.draw(st.integers(0, answered))
    usage = Usage(
        asked,
        answered,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=data.draw(st.integers(0, written)),
        reasoning_tokens=thought,
        output_audio_tokens=data.draw(st.integers(0, answered - thought)),
    )
    nano, most = price.estimate(body_bytes, bound, choices)
    assert price.cost_nano(usage) <= nano
    assert usage.input_tokens + usage.output_tokens <= most
