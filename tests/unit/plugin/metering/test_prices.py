import math

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.limits import MAX_NANO_USD, InvalidAmount
from gatepass.plugin.metering.prices import (
    MAX_RESOLVED_MODELS,
    MAX_TOKENS,
    Price,
    PriceEntry,
    PriceTable,
    Usage,
)

USD = 1_000_000_000


def entry(pattern: str, price: int = 1) -> PriceEntry:
    return PriceEntry(pattern, price, 10 * price, 100)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4o", 1),
        ("gpt-4o-mini", 2),
        ("gpt-4o-audio", 3),
        ("gpt-5", 4),
        ("azure/gpt-4o", 5),
        ("azure/o3-eu", 6),
        ("GPT-4o", None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_the_exact_name_then_the_longest_text_counts(model: str, price: int | None) -> None:
    table = PriceTable(
        [
            entry("gpt-*", 4),
            entry("gpt-4o*", 3),
            entry("gpt-4o-mini", 2),
            entry("gpt-4o", 1),
            entry("azure/*", 5),
            entry("azure/*-eu", 6),
        ]
    )
    for _ in range(2):
        found = table.price_of(model)
        assert (None if found is None else found.input_nano_per_million_tokens) == price


def test_among_equals_the_first_written_counts() -> None:
    table = PriceTable([entry("a*", 1), entry("*a", 2)])
    found = table.price_of("aa")
    assert found is not None
    assert found.input_nano_per_million_tokens == 1


def test_an_empty_table_prices_nothing() -> None:
    assert PriceTable().price_of("gpt-4o") is None


def test_names_that_callers_make_up_do_not_fill_the_memory() -> None:
    table = PriceTable([entry("gpt-*")])
    for number in range(3 * MAX_RESOLVED_MODELS):
        assert table.price_of(f"gpt-{number}") is not None
        assert table.price_of(f"none-{number}") is None
    table.price_of("gpt-" + "x" * 100_000)
    assert len(table._resolved) <= MAX_RESOLVED_MODELS
    assert max(map(len, table._resolved)) < 100


def test_everything_wrong_is_named_at_once() -> None:
    entries = [
        entry("ok"),
        entry(""),
        entry("x" * 300),
        entry("ok"),
        PriceEntry("a", -1, 0, 1),
        PriceEntry("b", 0, 2**70, 1),
    ]
    with pytest.raises(ConfigurationError) as caught:
        PriceTable(entries)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "prices[1]",
        "prices[2]",
        "prices[3]",
        "prices[4]",
        "prices[5]",
    ]


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
    assert GPT_4O.estimate_nano(body_bytes, max_output, choices) == nano


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
        GPT_4O.estimate_nano(body_bytes, max_output, choices)


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
