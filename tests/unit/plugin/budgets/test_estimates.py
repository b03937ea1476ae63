"""What is reserved for a request, and what is refused because nobody knows its price."""

from collections.abc import Sequence

import pytest

from gatepass.plugin.body import BodyFacts
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.estimates import PriceRules, UnknownModels, estimate
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.metering.price_table import PriceEntry, PriceTable
from gatepass.plugin.naming import Naming
from gatepass.rbac.budgets import MAX_AMOUNT, Unit
from gatepass.rbac.windows import FOREVER

TABLE = PriceTable(
    [
        PriceEntry("cheap", 1_000_000, 1_000_000, 100),
        PriceEntry("dear", 1_000_000, 5_000_000, 100),
        PriceEntry("free", 0, 0, 100),
    ]
)
PRICES = PriceRules(TABLE)


def limits(*units: Unit) -> Sequence[AppliedLimit]:
    return [AppliedLimit(Scope.USER, "ann", "b", unit, FOREVER, 5) for unit in units]


@pytest.mark.parametrize(
    ("naming", "nano", "tokens", "model"),
    [
        (Naming((), None, 50), 0, 0, ""),
        (Naming(("cheap",), BodyFacts(("cheap",), 10, 1), 50), 60, 60, "cheap"),
        (Naming(("cheap",), BodyFacts(("cheap",), 10, 4), 50), 90, 90, "cheap"),
        (Naming(("cheap",), BodyFacts(("cheap",), None, 1), 50), 150, 150, "cheap"),
        (Naming(("cheap",), BodyFacts(("cheap",), 0, 1), 50), 150, 150, "cheap"),
        (Naming(("cheap",), None, 0), 100, 100, "cheap"),
        (Naming(("cheap", "dear"), BodyFacts(("dear",), 10, 1), 50), 100, 60, "dear"),
        (Naming(("dear", "cheap"), BodyFacts(("cheap",), 10, 1), 50), 100, 60, "dear"),
        (Naming(("free",), BodyFacts(("free",), 10, 1), 50), 0, 60, "free"),
    ],
)
def test_sec_59_the_dearest_reading_is_reserved(
    naming: Naming, nano: int, tokens: int, model: str
) -> None:
    found = estimate(naming, limits(*Unit), PRICES, 0.0)
    assert found.amounts == Amounts(nano, tokens, 1)
    assert found.model == model
    assert found.price == (TABLE.price_of(model, 0.0) if model else None)


@pytest.mark.parametrize("unit", [Unit.MONEY, Unit.TOKENS])
@pytest.mark.parametrize(
    "naming",
    [
        Naming(("unknown",), BodyFacts(("unknown",), 1, 1), 5),
        Naming(("cheap", "unknown"), BodyFacts(("unknown",), 1, 1), 5),
        Naming((), BodyFacts((), 1, 1), 5),
    ],
)
def test_sec_59_no_price_no_call_where_money_or_tokens_are_limited(
    naming: Naming, unit: Unit
) -> None:
    with pytest.raises(RequestRefused) as refused:
        estimate(naming, limits(Unit.REQUESTS, unit), PRICES, 0.0)
    assert refused.value.code == "price_unknown"


@pytest.mark.parametrize("units", [(), (Unit.REQUESTS,)])
def test_who_only_counts_requests_needs_no_price(units: Sequence[Unit]) -> None:
    naming = Naming(("unknown", "cheap"), BodyFacts(("unknown",), 1, 1), 5)
    found = estimate(naming, limits(*units), PRICES, 0.0)
    assert found.amounts == Amounts(6, 6, 1)
    assert found.model == "cheap"
    alone = estimate(Naming(("unknown",), None, 5), limits(*units), PRICES, 0.0)
    assert (alone.amounts, alone.model, alone.price) == (Amounts(0, 0, 1), "unknown", None)


def test_an_unknown_model_may_cost_what_the_dearest_does() -> None:
    rules = PriceRules(TABLE, UnknownModels.DEAREST)
    naming = Naming(("unknown",), BodyFacts(("unknown",), 10, 1), 50)
    assert estimate(naming, limits(Unit.MONEY), rules, 0.0).amounts == Amounts(100, 60, 1)
    nothing_known = PriceRules(PriceTable([]), UnknownModels.DEAREST)
    with pytest.raises(RequestRefused):
        estimate(naming, limits(Unit.MONEY), nothing_known, 0.0)


def test_a_model_that_is_named_free_costs_nothing_unless_it_has_a_price() -> None:
    rules = PriceRules(TABLE, free_models=frozenset({"ours", "cheap"}), free_output_tokens=7)
    naming = Naming(("ours",), BodyFacts(("ours",), None, 1), 50)
    found = estimate(naming, limits(Unit.MONEY), rules, 0.0)
    assert found.amounts == Amounts(0, 57, 1)
    assert found.price is not None
    assert found.price.version == "free"
    cheap = estimate(Naming(("cheap",), None, 0), limits(Unit.MONEY), rules, 0.0)
    assert cheap.amounts == Amounts(100, 100, 1)


@pytest.mark.parametrize(
    ("bound", "choices"), [(10**12, 1), (10**12, 128), (1, 10**6), (None, 10**9)]
)
def test_sec_59_huge_numbers_never_overflow(bound: int | None, choices: int) -> None:
    naming = Naming(("dear",), BodyFacts(("dear",), bound, choices), 2**31)
    found = estimate(naming, limits(Unit.MONEY), PRICES, 0.0).amounts
    assert 2**31 < found.tokens <= found.nano <= MAX_AMOUNT
