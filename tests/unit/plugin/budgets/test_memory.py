import math
from functools import partial
from typing import Literal

import pytest

from gatepass.plugin.budgets.amounts import Amounts, InvalidAmount
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import EngineRules, Pending, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.metering.prices import Price
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER
from support.clock import ManualClock
from support.limits import TIMEOUT, WINDOW, reserve, room, settle, team, user

CHEAP, DEAR = Price(1, 1, 1), Price(100, 100, 1)


def test_what_is_spent_and_reserved_is_gone(budgets: MemoryBudgets) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 30)
    assert room(budgets, limit) == 70
    reserve(budgets, "b", [limit], 70)
    assert room(budgets, limit) == -1
    assert settle(budgets, "a", 10) is Settlement.SETTLED
    assert room(budgets, limit) == 20
    assert settle(budgets, "b", 0) is Settlement.SETTLED
    assert room(budgets, limit) == 90


def test_a_cost_above_the_estimate_is_charged_in_full(budgets: MemoryBudgets) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 10)
    settle(budgets, "a", 1_000)
    with pytest.raises(BudgetExceeded):
        reserve(budgets, "b", [limit], 0)


@pytest.mark.parametrize("estimate", [0, 1])
def test_sec_59_a_limit_of_nothing_lets_nothing_through(
    budgets: MemoryBudgets, estimate: int
) -> None:
    with pytest.raises(BudgetExceeded):
        reserve(budgets, "a", [user(0)], estimate)


def test_all_limits_or_none(budgets: MemoryBudgets) -> None:
    broke, rich = user(5), team(100)
    for order in ([rich, broke], [broke, rich]):
        with pytest.raises(BudgetExceeded):
            reserve(budgets, "a", order, 10)
    assert room(budgets, rich) == 100
    assert room(budgets, broke) == 5
    assert settle(budgets, "a", 1) is Settlement.UNKNOWN


def test_one_request_counts_on_every_limit(budgets: MemoryBudgets) -> None:
    reserve(budgets, "a", [team(100), user(50)], 20)
    settle(budgets, "a", 15)
    assert room(budgets, team(100)) == 85
    assert room(budgets, user(50)) == 35


def test_the_first_that_does_not_suffice_is_named(budgets: MemoryBudgets) -> None:
    with pytest.raises(BudgetExceeded) as caught:
        reserve(budgets, "a", [team(0), user(0)], 1)
    assert (caught.value.standing.limit.scope, caught.value.resets_in_seconds) == ("team", None)
    with pytest.raises(BudgetExceeded) as caught:
        reserve(budgets, "a", [team(9), user(0)], 1)
    assert (caught.value.standing.limit.scope, caught.value.resets_in_seconds) == ("user", WINDOW)


def test_subjects_do_not_share_a_budget_of_the_same_row(budgets: MemoryBudgets) -> None:
    reserve(budgets, "a", [user(100, subject="ann")], 100)
    reserve(budgets, "b", [user(100, subject="bob")], 100)
    for scope in (Scope.TEAM, Scope.USER):
        shared = AppliedLimit(scope, "x", "one", Unit.MONEY, FOREVER, 100)
        reserve(budgets, f"of {scope}", [shared], 100)


def test_the_limit_that_counts_is_the_newest(budgets: MemoryBudgets) -> None:
    reserve(budgets, "a", [user(100)], 60)
    assert room(budgets, user(70)) == 10
    assert room(budgets, user(60)) == -1


def test_a_settled_request_is_settled_once(budgets: MemoryBudgets) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 30)
    assert settle(budgets, "a", 20) is Settlement.SETTLED
    assert settle(budgets, "a", 90) is Settlement.ALREADY_SETTLED
    assert settle(budgets, "a", 0) is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == 80


def test_a_request_nobody_made_is_unknown(budgets: MemoryBudgets) -> None:
    assert settle(budgets, "never", 5) is Settlement.UNKNOWN
    assert settle(budgets, "never", 0) is Settlement.UNKNOWN
    reserve(budgets, "free", [], 5)
    assert settle(budgets, "free", 5) is Settlement.UNKNOWN


def test_a_repeated_reserve_reserves_once(budgets: MemoryBudgets) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 40)
    reserve(budgets, "a", [limit], 40)
    assert room(budgets, limit) == 60


def test_a_finished_id_is_a_new_request(budgets: MemoryBudgets) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 40)
    settle(budgets, "a", 40)
    reserve(budgets, "a", [limit], 40)
    assert room(budgets, limit) == 20
    assert settle(budgets, "a", 10) is Settlement.SETTLED
    assert settle(budgets, "a", 10) is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == 50


async def test_the_price_is_remembered_for_the_usage(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    reserve(budgets, "a", [user(100)], 1, CHEAP)
    assert await budgets.pending("a") == Pending("", CHEAP, Amounts(1), is_settled=False)
    settle(budgets, "a", 1)
    assert await budgets.pending("a") == Pending("", CHEAP, Amounts(1), is_settled=True)
    reserve(budgets, "b", [user(100)], 1, DEAR)
    clock.advance(TIMEOUT)
    await budgets.expire()
    assert await budgets.pending("b") == Pending("", DEAR, Amounts(1), is_settled=False)
    assert await budgets.pending("never") is None
    assert budgets.may_remember("b")
    assert not budgets.may_remember("never")


@pytest.mark.parametrize("call", ["reserve", "settle"])
@pytest.mark.parametrize("amount", [-1, 1.5, math.nan, math.inf, True, None], ids=repr)
def test_sec_59_amounts_that_are_no_money_change_nothing(
    budgets: MemoryBudgets, call: Literal["reserve", "settle"], amount: int
) -> None:
    limit = user(100)
    reserve(budgets, "held", [limit], 30)
    action = (
        partial(reserve, budgets, "new", [limit])
        if call == "reserve"
        else partial(settle, budgets, "held")
    )
    with pytest.raises(InvalidAmount):
        action(amount)
    assert room(budgets, limit) == 70
    assert settle(budgets, "held", 30) is Settlement.SETTLED


async def test_sec_59_fit_goes_over_a_limit_by_what_calls_that_run_cost_beyond_what_they_hold(
    clock: ManualClock,
) -> None:
    limit = user(100)
    exact = MemoryBudgets(clock, EngineRules(Admission.FIT))
    for name in "abcd":
        reserve(exact, name, [limit], 30)  # the last one holds 10
    for name in "abcd":
        settle(exact, name, 30)
        with pytest.raises(BudgetExceeded):
            reserve(exact, "more", [limit], 30)
    assert (await exact.standings([limit]))[0].spent == 120, "one call, 20 beyond what it held"
    less = MemoryBudgets(clock, EngineRules(Admission.FIT))
    reserve(less, "a", [limit], 60)
    reserve(less, "b", [limit], 60)
    settle(less, "a", 59)
    reserve(less, "c", [limit], 60)  # the 1 that "a" did not use lets it begin
    for name in "bc":
        settle(less, name, 59)
    assert (await less.standings([limit]))[0].spent == 177, "each that ran when it was reached"
