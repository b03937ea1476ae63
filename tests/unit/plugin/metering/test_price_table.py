"""Which price a model has, and when."""

from math import inf

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.metering.price_table import MAX_RESOLVED_MODELS, PriceEntry, PriceTable
from gatepass.plugin.metering.prices import PartRates, Price, Usage

NOW = 1_763_900_000.0


class Published:
    """Prices that change every ten seconds."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def price_of(self, model: str, now: float) -> Price | None:
        self.asked.append(model)
        return Price(int(now), 0, 7) if model.startswith("public") else None

    def dearest(self, now: float) -> Price | None:
        return Price(int(now), 1, 7)

    def good_until(self, now: float) -> float:
        return now - now % 10 + 10


def entry(pattern: str, price: int = 1, since: float = -inf, until: float = inf) -> PriceEntry:
    return PriceEntry(pattern, price, 10 * price, 100, since=since, until=until)


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
        found = table.price_of(model, NOW)
        assert (None if found is None else found.input_nano_per_million_tokens) == price


def test_among_equals_the_first_written_counts() -> None:
    table = PriceTable([entry("a*", 1), entry("*a", 2)])
    found = table.price_of("aa", NOW)
    assert found is not None
    assert found.input_nano_per_million_tokens == 1


def test_an_empty_table_prices_nothing() -> None:
    assert PriceTable().price_of("gpt-4o", NOW) is None


def test_names_that_callers_make_up_do_not_fill_the_memory() -> None:
    table = PriceTable([entry("gpt-*")])
    for number in range(3 * MAX_RESOLVED_MODELS):
        assert table.price_of(f"gpt-{number}", NOW) is not None
        assert table.price_of(f"none-{number}", NOW) is None
    table.price_of("gpt-" + "x" * 100_000, NOW)
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
        entry("c", since=2.0, until=2.0),
    ]
    with pytest.raises(ConfigurationError) as caught:
        PriceTable(entries)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "prices[1]",
        "prices[2]",
        "prices[3]",
        "prices[4]",
        "prices[5]",
        "prices[6]",
    ]


def input_rate(table: PriceTable, model: str, now: float) -> int | None:
    price = table.price_of(model, now)
    return None if price is None else price.input_nano_per_million_tokens


def test_a_price_counts_from_its_first_moment_to_its_last() -> None:
    table = PriceTable([entry("m", 1, 10.0, 20.0), entry("m", 2, 20.0), entry("m*", 3, until=15.0)])
    for now, price in ((0, 3), (9.9, 3), (10, 1), (19.9, 1), (20, 2), (1e12, 2), (12, 1), (0, 3)):
        assert input_rate(table, "m", now) == price
    assert input_rate(table, "mm", 14.9) == 3
    assert input_rate(table, "mm", 15) is None


def test_of_two_that_are_valid_the_later_begun_counts() -> None:
    table = PriceTable([entry("m", 1), entry("m", 2, 10.0), entry("m", 3, 5.0, 30.0)])
    assert [input_rate(table, "m", now) for now in (0, 5, 9.9, 10, 31)] == [1, 3, 3, 2, 2]


def test_what_is_published_counts_where_the_settings_are_silent() -> None:
    published = Published()
    table = PriceTable([entry("public-mine", 1, until=15.0)], published)
    assert input_rate(table, "public-mine", 14) == 1
    assert input_rate(table, "public-mine", 15) == 15
    assert input_rate(table, "public-x", 15) == 15
    assert input_rate(table, "public-x", 19.9) == 15
    assert input_rate(table, "public-x", 20) == 20
    assert input_rate(table, "other", 20) is None
    assert input_rate(table, "other", 20.1) is None
    assert published.asked == ["public-mine", "public-x", "public-x", "other"]
    assert input_rate(table, "public" + "x" * 300, 20) is None


def test_the_dearest_price_is_no_less_than_any() -> None:
    assert PriceTable().dearest(0) is None
    tiers = [(5, Price(900, 2, 1))]
    entries = [
        entry("a", 1),
        PriceEntry("b", 3, 4, 700, PartRates(cache_write=50, output_audio=60), tiers=tiers),
        PriceEntry("c", 5, 6, 8, PartRates(input_audio=1000, cached_audio=2000), 11, since=100.0),
    ]
    table = PriceTable(entries)
    dearest = table.dearest(0)
    assert dearest is not None
    usage = Usage(10**9, 10**9, cache_write_tokens=10**9, output_audio_tokens=10**9)
    assert dearest.cost_nano(usage) == 1000 * (900 + 60)
    assert (dearest.max_output_tokens, dearest.request_nano) == (700, 0)
    assert table.dearest(99.9) is dearest
    later = table.dearest(100)
    assert later is not None
    assert (later.input_nano_per_million_tokens, later.request_nano) == (2000, 11)
    published = PriceTable(entries, Published()).dearest(5000)
    assert published is not None
    assert published.input_nano_per_million_tokens == 5000


def test_the_version_tells_prices_apart_and_names_their_source() -> None:
    def version(*entries: PriceEntry) -> str:
        price = PriceTable(entries).price_of("gpt-4o", NOW)
        assert price is not None
        return price.version

    usual = version(entry("gpt-4o*"))
    assert usual.startswith("settings:gpt-4o*:")
    others = {
        version(entry("gpt-4o*", 2)),
        version(PriceEntry("gpt-4o*", 1, 10, 100, PartRates(cached=1))),
        version(PriceEntry("gpt-4o*", 1, 10, 100, request_nano=1)),
        version(PriceEntry("gpt-4o*", 1, 10, 100, tiers=[(5, Price(1, 1, 1))])),
        version(PriceEntry("gpt-4o*", 1, 10, 100, tiers=[(6, Price(1, 1, 1))])),
        usual,
    }
    assert len(others) == 6
    assert version(entry("gpt-4o*", 1, 10.0)) == usual
