import math
from functools import partial
from typing import Literal

import pytest

from gatepass.plugin.budgets.limits import AppliedLimit, InvalidAmount
from gatepass.plugin.budgets.memory import MemoryBudgets, Settlement
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.metering.prices import Price
from gatepass.rbac.principals import Budget
from support.clock import ManualClock
from support.limits import START, TIMEOUT, WINDOW, room, team, user

CHEAP, DEAR = Price(1, 1, 1), Price(100, 100, 1)


def test_what_is_spent_and_reserved_is_gone(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 30)
    assert room(budgets, limit) == 70
    budgets.reserve("b", [limit], 70)
    assert room(budgets, limit) == -1
    assert budgets.settle("a", 10) is Settlement.SETTLED
    assert room(budgets, limit) == 20
    assert budgets.release("b") is Settlement.SETTLED
    assert room(budgets, limit) == 90


def test_a_cost_above_the_estimate_is_charged_in_full(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 10)
    budgets.settle("a", 1_000)
    with pytest.raises(BudgetExceeded):
        budgets.reserve("b", [limit], 0)


@pytest.mark.parametrize("estimate", [0, 1])
def test_sec_59_a_limit_of_nothing_lets_nothing_through(
    budgets: MemoryBudgets, estimate: int
) -> None:
    with pytest.raises(BudgetExceeded):
        budgets.reserve("a", [user(0)], estimate)


def test_all_limits_or_none(budgets: MemoryBudgets) -> None:
    broke, rich = user(5), team(100)
    for order in ([rich, broke], [broke, rich]):
        with pytest.raises(BudgetExceeded):
            budgets.reserve("a", order, 10)
    assert room(budgets, rich) == 100
    assert room(budgets, broke) == 5
    assert budgets.settle("a", 1) is Settlement.UNKNOWN


def test_one_request_counts_on_every_limit(budgets: MemoryBudgets) -> None:
    budgets.reserve("a", [team(100), user(50)], 20)
    budgets.settle("a", 15)
    assert room(budgets, team(100)) == 85
    assert room(budgets, user(50)) == 35


def test_the_team_is_named_before_the_user(budgets: MemoryBudgets) -> None:
    for order in ([user(0), team(0)], [team(0), user(0)]):
        with pytest.raises(BudgetExceeded) as caught:
            budgets.reserve("a", order, 1)
        assert (caught.value.scope, caught.value.resets_in_seconds) == ("team", None)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve("a", [team(9), user(0)], 1)
    assert (caught.value.scope, caught.value.resets_in_seconds) == ("user", WINDOW)


def test_subjects_do_not_share_a_budget_of_the_same_row(budgets: MemoryBudgets) -> None:
    budgets.reserve("a", [user(100, subject="ann")], 100)
    budgets.reserve("b", [user(100, subject="bob")], 100)
    shared = Budget("one", 100, None, START)
    budgets.reserve("c", [AppliedLimit("team", "x", shared), AppliedLimit("user", "x", shared)], 99)


def test_the_limit_that_counts_is_the_newest(budgets: MemoryBudgets) -> None:
    budgets.reserve("a", [user(100)], 60)
    assert room(budgets, user(70)) == 10
    assert room(budgets, user(60)) == -1


def test_a_settled_request_is_settled_once(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 30)
    assert budgets.settle("a", 20) is Settlement.SETTLED
    assert budgets.settle("a", 90) is Settlement.ALREADY_SETTLED
    assert budgets.release("a") is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == 80


def test_a_request_nobody_made_is_unknown(budgets: MemoryBudgets) -> None:
    assert budgets.settle("never", 5) is Settlement.UNKNOWN
    assert budgets.release("never") is Settlement.UNKNOWN
    budgets.reserve("free", [], 5)
    assert budgets.settle("free", 5) is Settlement.UNKNOWN


def test_a_repeated_reserve_reserves_once(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 40)
    budgets.reserve("a", [limit], 40)
    assert room(budgets, limit) == 60


def test_a_finished_id_is_a_new_request(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 40)
    budgets.settle("a", 40)
    budgets.reserve("a", [limit], 40)
    assert room(budgets, limit) == 20
    assert budgets.settle("a", 10) is Settlement.SETTLED
    assert budgets.settle("a", 10) is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == 50


def test_the_price_is_remembered_for_the_usage(budgets: MemoryBudgets, clock: ManualClock) -> None:
    budgets.reserve("a", [user(100)], 1, CHEAP)
    assert budgets.price_of("a") is CHEAP
    budgets.settle("a", 1)
    assert budgets.price_of("a") is CHEAP
    budgets.reserve("b", [user(100)], 1, DEAR)
    clock.advance(TIMEOUT)
    budgets.expire()
    assert budgets.price_of("b") is DEAR
    budgets.settle("b", 1)
    assert budgets.price_of("b") is DEAR
    assert budgets.price_of("never") is None


@pytest.mark.parametrize("call", ["reserve", "settle"])
@pytest.mark.parametrize("amount", [-1, 1.5, math.nan, math.inf, True, None], ids=repr)
def test_sec_59_amounts_that_are_no_money_change_nothing(
    budgets: MemoryBudgets, call: Literal["reserve", "settle"], amount: int
) -> None:
    limit = user(100)
    budgets.reserve("held", [limit], 30)
    action = (
        partial(budgets.reserve, "new", [limit])
        if call == "reserve"
        else partial(budgets.settle, "held")
    )
    with pytest.raises(InvalidAmount):
        action(amount)
    assert room(budgets, limit) == 70
    assert budgets.settle("held", 30) is Settlement.SETTLED
