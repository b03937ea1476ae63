"""Quantities: writing and reading are inverse, and no text that is not one is read as one."""

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation

from hypothesis import example, given
from hypothesis import strategies as st

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.units import (
    MAX_USD,
    format_duration,
    format_size,
    parse_duration,
    parse_money,
    parse_size,
)
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.windows import FOREVER, Rolling

AMOUNTS = st.integers(0, MAX_USD * NANO_PER_USD)
SECONDS = st.integers(0, 3650 * 86_400)


def written(nano_usd: int) -> str:
    """Return the shortest text for an amount."""
    dollars, rest = divmod(nano_usd, NANO_PER_USD)
    return f"${dollars}.{rest:09}".rstrip("0") if rest else f"${dollars}"


@given(AMOUNTS)
def test_money_comes_back(nano: int) -> None:
    assert parse_money(written(nano)) == nano


@given(SECONDS)
def test_durations_come_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 1024 * 1024).map(lambda kib: kib * 1024))
def test_sizes_come_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(AMOUNTS, st.none() | st.integers(1, 3650 * 86_400))
def test_budgets_come_back(amount: int, seconds: int | None) -> None:
    text, window = written(amount), FOREVER if seconds is None else Rolling(seconds, 0)
    if seconds is not None:
        text += f" per {format_duration(seconds)}"
    assert parse_budget(text) == BudgetTemplate((Limit(Unit.MONEY, amount),), window)


@given(st.text() | st.floats().map(str) | st.decimals().map(str) | st.from_regex(r"[$0-9.eE+-]+"))
@example("nan")
@example("sNaN")
@example("-0")
@example("1e400")
def test_sec_59_what_is_read_as_money_is_a_plain_decimal(text: str) -> None:
    try:
        nano = parse_money(text)
    except BadValue:
        return
    plain = text.removeprefix("$").removesuffix(" USD")
    assert re.fullmatch(r"[0-9]+(\.[0-9]{1,9})?", plain)
    try:
        assert Decimal(nano) == Decimal(plain).scaleb(9)
    except InvalidOperation as error:
        raise AssertionError(text) from error


@given(st.text())
def test_no_text_leaves_a_parser_in_another_way(text: str) -> None:
    for parse in (parse_duration, parse_size, parse_money, parse_budget):
        with suppress(BadValue):
            parse(text)
