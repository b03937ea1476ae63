"""Prices in the settings: what is read of them, and what can never count."""

from datetime import UTC, datetime

import pytest

from gatepass.plugin.metering.price_table import PriceTable
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.settings import compile_settings
from gatepass.plugin.settings.prices import to_moment
from gatepass.plugin.settings.problems import BadValue
from support.settings import sentences_of, settings_with

LEAST_PRICE = {"model": "own*", "input": "$3", "output": "$15", "max_output_tokens": 100}
NOW = datetime(2026, 11, 23, tzinfo=UTC).timestamp()


def table_of(*prices: object, **more: object) -> PriceTable:
    return compile_settings(settings_with(budgets={"prices": prices, **more})).prices.table


def cost(table: PriceTable, usage: Usage, now: float = NOW, model: str = "own-1") -> int | None:
    price = table.price_of(model, now)
    return None if price is None else price.cost_nano(usage)


def test_every_part_has_a_price_of_its_own() -> None:
    table = table_of(
        {
            **LEAST_PRICE,
            "cached_input": "$0.30",
            "cache_write": "$3.75",
            "cache_write_1h": 6,
            "reasoning": "$20",
            "input_audio": "$40",
            "cached_audio": "$10",
            "output_audio": "$80",
            "per_request": "$0.01",
            "long_context": [
                {"above": 1000, "input": "$6", "output": "$30", "cached_input": "$0.60"}
            ],
        }
    )
    dear = 10_000_000
    for usage, nano in (
        (Usage(100, 10), 300_000 + 150_000),
        (Usage(100, 0, cached_tokens=100), 30_000),
        (Usage(100, 0, cache_write_tokens=100, cache_write_1h_tokens=50), 187_500 + 300_000),
        (Usage(0, 10, reasoning_tokens=10), 200_000),
        (Usage(100, 0, input_audio_tokens=100), 4_000_000),
        (
            Usage(100, 0, cached_tokens=100, input_audio_tokens=100, cached_audio_tokens=100),
            1_000_000,
        ),
        (Usage(0, 10, output_audio_tokens=10), 800_000),
        (Usage(1000, 0), 3_000_000),
        (Usage(1001, 0, cached_tokens=1001), 600_600),
    ):
        assert cost(table, usage) == nano + dear


def test_prices_begin_and_end() -> None:
    table = table_of(
        {**LEAST_PRICE, "until": "2026-11-01"},
        {**LEAST_PRICE, "input": "$4", "since": "2026-11-01T00:00:00Z"},
        {**LEAST_PRICE, "input": "$5", "since": "2026-12-01T01:00:00+01:00", "until": "2027-01-01"},
    )
    million = Usage(1_000_000, 0)
    for moment, dollars in (
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), 3),
        (datetime(2026, 11, 1, tzinfo=UTC), 4),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), 4),
        (datetime(2026, 12, 1, tzinfo=UTC), 5),
        (datetime(2027, 1, 1, tzinfo=UTC), 4),
    ):
        assert cost(table, million, moment.timestamp()) == dollars * 10**9


def test_published_prices_are_known_unless_said() -> None:
    million = Usage(1_000_000, 0)
    assert cost(table_of(), million, model="gpt-4o") == 2_500_000_000
    assert cost(table_of({**LEAST_PRICE, "model": "gpt-*"}), million, model="gpt-4o") == 3 * 10**9
    assert cost(table_of(published_prices=False), million, model="gpt-4o") is None
    assert cost(table_of(engine="none"), million, model="gpt-4o") is None
    price = table_of(max_output_tokens="4096").price_of("gpt-4o", NOW)
    assert price is not None
    assert price.max_output_tokens == 4096


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"since": "2026-11-02", "until": "2026-11-02"}, "until: the price ends before it begins"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "until: the price ends before it begins"),
        (
            {"long_context": [{"above": 5, "input": 1, "output": 1}] * 2},
            "long_context[1].above: the same number stands in an entry above",
        ),
        ({"cached_input": "NaN"}, "cached_input: not an amount of money"),
        ({"reasoning": "-1"}, "reasoning: not an amount of money"),
        ({"cached": 1}, "cached: unknown setting"),
        ({"since": "yesterday"}, "since: not a moment"),
    ],
)
def test_what_can_never_count_is_refused(more: dict[str, object], told: str) -> None:
    (sentence,) = sentences_of(budgets={"prices": [{**LEAST_PRICE, **more}]})
    assert sentence.startswith(f"budgets.prices[0].{told}")


def test_one_model_has_one_price_at_a_time() -> None:
    assert sentences_of(budgets={"prices": [LEAST_PRICE, LEAST_PRICE]}) == [
        "budgets.prices[1]: the same model stands in an entry above"
    ]
    table_of(LEAST_PRICE, {**LEAST_PRICE, "since": "2026-11-01"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-11",
        "20261101",
        "2026-13-01",
        "2026-04-31",
        "2026-11-01T08:00:00",
        "2026-11-01 08:00:00Z",
        "2026-11-01T25:00:00Z",
        "2026-W45-1",
        1_763_900_000,
        None,
    ],
)
def test_what_is_no_moment(text: object) -> None:
    with pytest.raises(BadValue):
        to_moment(text)
