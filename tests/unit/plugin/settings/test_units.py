"""Durations, sizes, money and budgets: what is read, and that nothing else is."""

import pytest

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, NANO_PER_USD
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.units import (
    MAX_USD,
    format_duration,
    format_size,
    parse_duration,
    parse_money,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("10s", 10), ("5m", 300), ("12h", 43_200), ("30d", 2_592_000)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "s",
        "1.5h",
        "-1s",
        "+1s",
        "1 s",
        " 1s",
        "1s ",
        "1S",
        "500ms",
        "1h30m",
        "1w",
        "\u0661s",
        "1e3s",
        "0x1s",
        "1_0s",
        "inf",
        "nan",
        "3651d",
        "9999999999s",
        "1s\n",
    ],
)
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(BadValue):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59, "59s"), (60, "1m"), (90, "90s"), (86_400, "1d")]
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("text", "size"), [("64KiB", 65_536), ("1MiB", 1_048_576)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
    assert format_size(size) == text


@pytest.mark.parametrize("text", ["", "1", "1MB", "1 MiB", "1.5MiB", "-1KiB", "1GiB", "4097MiB"])
def test_other_texts_are_no_sizes(text: str) -> None:
    with pytest.raises(BadValue):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("$50", 50 * NANO_PER_USD),
        ("50 USD", 50 * NANO_PER_USD),
        ("50", 50 * NANO_PER_USD),
        ("0.5", NANO_PER_USD // 2),
        ("$0.02", 20_000_000),
        ("$0.000000001", 1),
        ("$0", 0),
        ("$0.10", 100_000_000),
        ("1000000000", MAX_USD * NANO_PER_USD),
    ],
)
def test_money_is_exact(text: str, nano: int) -> None:
    assert parse_money(text) == nano


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "$-5",
        "-5",
        "-$5",
        "+5",
        "NaN",
        "nan",
        ".nan",
        "inf",
        "-.inf",
        "Infinity",
        "1e3",
        "1,000",
        "1_000",
        "$1.",
        ".5",
        "$ 5",
        "5$",
        "$5 USD",
        "5 EUR",
        "5 usd",
        "0x10",
        "five",
        "$0.0000000001",
        "1000000000.000000001",
        "1000000001",
        "9" * 41,
        "$\u0665",
        "1/2",
        "5 USD ",
    ],
)
def test_sec_59_other_texts_are_no_money(text: str) -> None:
    with pytest.raises(BadValue):
        parse_money(text)


def test_the_largest_amount_fits_the_counters() -> None:
    assert MAX_USD * NANO_PER_USD < MAX_NANO_USD


def test_what_is_wrong_with_money_is_said() -> None:
    for text, sentence in (
        ("$0.0000000001", "more than 9 decimals; a billionth of a dollar is the smallest amount"),
        ("$1000000001", "more than $1000000000"),
        ("NaN", 'not an amount of money; write it as "$50", "$0.02" or "50 USD"'),
    ):
        with pytest.raises(BadValue) as raised:
            parse_money(text)
        assert [finding.sentence for finding in raised.value.findings] == [sentence]
