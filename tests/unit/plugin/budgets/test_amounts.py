import math

import pytest

from gatepass.plugin.budgets.amounts import Amounts, InvalidAmount, check_amount, check_amounts
from gatepass.rbac.budgets import MAX_AMOUNT

NO_AMOUNTS = [-1, 1.0, math.nan, math.inf, True, False, "1", None, MAX_AMOUNT + 1]


@pytest.mark.parametrize("amount", NO_AMOUNTS, ids=repr)
def test_sec_59_what_is_no_amount_is_refused(amount: int) -> None:
    with pytest.raises(InvalidAmount) as caught:
        check_amount(amount)
    assert caught.value.code == "internal_error"
    for amounts in (Amounts(amount, 0, 0), Amounts(0, amount, 0), Amounts(0, 0, amount)):
        with pytest.raises(InvalidAmount):
            check_amounts(amounts)


@pytest.mark.parametrize("amount", [0, 1, MAX_AMOUNT])
def test_sec_59_whole_numbers_in_range_are_amounts(amount: int) -> None:
    check_amount(amount)
    check_amounts(Amounts(amount, amount, amount))
