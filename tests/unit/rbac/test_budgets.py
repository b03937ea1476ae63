import math

import pytest

from gatepass.rbac.budgets import MAX_AMOUNT, MAX_MODELS_PER_BUDGET, Budget, Limit, Raise, Unit

NO_AMOUNTS = [-1, 1.0, math.nan, math.inf, True, "1", MAX_AMOUNT + 1]


@pytest.mark.parametrize("number", NO_AMOUNTS, ids=repr)
def test_sec_59_a_limit_is_a_whole_number(number: int) -> None:
    for hard, soft in ((number, None), (None, number), (5, number)):
        with pytest.raises(ValueError, match="whole number"):
            Limit(Unit.MONEY, hard, soft)
    with pytest.raises(ValueError, match="whole numbers"):
        Raise(10, nano=number)


def test_a_limit_limits_something() -> None:
    with pytest.raises(ValueError, match="whole number"):
        Limit(Unit.MONEY, None, None)


def test_a_raise_is_by_unit() -> None:
    raised = Raise(10, nano=1, tokens=2, requests=3)
    assert [raised.plus(unit) for unit in Unit] == [1, 2, 3]


def test_no_unit_has_two_limits_for_the_same_models() -> None:
    money = Limit(Unit.MONEY, 5)
    Budget("b", (money, Limit(Unit.TOKENS, 5), Limit(Unit.MONEY, 5, model="gpt-*")))
    with pytest.raises(ValueError, match="two limits"):
        Budget("b", (money, Limit(Unit.MONEY, 6)))


def test_a_budget_names_so_many_models_and_no_more() -> None:
    limits = [
        Limit(unit, 5, model=f"model-{number}")
        for number in range(MAX_MODELS_PER_BUDGET)
        for unit in Unit
    ]
    whole = Budget("b", (Limit(Unit.MONEY, 5), *limits))
    with pytest.raises(ValueError, match="more than 100 models"):
        Budget("b", (*whole.limits, Limit(Unit.MONEY, 5, model="one-more")))
