import math

import pytest

from gatepass.plugin.budgets.limits import (
    MAX_NANO_USD,
    BudgetTemplate,
    InvalidAmount,
    check_amount,
    exceeds,
)

NOT_MONEY = [-1, 1.0, math.nan, math.inf, True, False, "1", None, MAX_NANO_USD + 1]


@pytest.mark.parametrize("amount", NOT_MONEY, ids=repr)
def test_sec_59_what_is_not_money_is_refused(amount: object) -> None:
    with pytest.raises(InvalidAmount) as caught:
        check_amount(amount)
    assert caught.value.code == "internal_error"


@pytest.mark.parametrize("amount", [0, 1, MAX_NANO_USD])
def test_sec_59_whole_numbers_in_range_are_money(amount: int) -> None:
    check_amount(amount)


@pytest.mark.parametrize(
    ("spent", "reserved", "estimate", "limit", "refused"),
    [
        (0, 0, 0, 0, True),
        (0, 0, 1, 0, True),
        (0, 0, 0, 1, False),
        (0, 0, 1, 1, False),
        (0, 0, 2, 1, True),
        (99, 0, 1, 100, False),
        (99, 0, 2, 100, True),
        (100, 0, 0, 100, True),
        (101, 0, 0, 100, True),
        (0, 100, 0, 100, True),
        (50, 49, 1, 100, False),
        (50, 49, 2, 100, True),
        (50, 50, 0, 100, True),
    ],
)
def test_sec_59_a_limit_that_is_reached_is_exceeded(
    spent: int, reserved: int, estimate: int, limit: int, *, refused: bool
) -> None:
    assert exceeds(spent, reserved, estimate, limit) is refused


@pytest.mark.parametrize(("limit", "window"), [(0, None), (1, 1), (MAX_NANO_USD, 2_592_000)])
def test_a_template_holds_what_a_budget_may_be(limit: int, window: int | None) -> None:
    template = BudgetTemplate(limit, window)
    assert (template.limit_nano_usd, template.window_seconds) == (limit, window)


@pytest.mark.parametrize(("limit", "window"), [(-1, None), (True, None), (1, 0), (1, -5)])
def test_sec_59_a_template_that_cannot_be_is_refused(limit: int, window: int | None) -> None:
    with pytest.raises(InvalidAmount):
        BudgetTemplate(limit, window)
