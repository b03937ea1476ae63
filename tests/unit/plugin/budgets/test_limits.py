import pytest

from gatepass.plugin.budgets.limits import (
    AppliedLimit,
    LimitStanding,
    Scope,
    applied,
    counter_name,
    member_subject,
)
from gatepass.rbac.budgets import MAX_AMOUNT, Budget, Limit, Raise, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling


def limit(hard: int | None = 100, *, soft: int | None = None, by: int = 0) -> AppliedLimit:
    return AppliedLimit(
        Scope.USER, "ann", "b", Unit.MONEY, FOREVER, hard, soft, raised_by=by, raised_until=50
    )


@pytest.mark.parametrize(
    ("hard", "by", "now", "counts"),
    [
        (100, 0, 0, 100),
        (100, 30, 49.9, 130),
        (100, 30, 50, 100),
        (0, 30, 0, 30),
        (None, 30, 0, MAX_AMOUNT),
        (MAX_AMOUNT, 30, 0, MAX_AMOUNT),
    ],
)
def test_a_raise_counts_until_its_end(hard: int | None, by: int, now: float, counts: int) -> None:
    assert limit(hard, by=by).hard_at(now) == counts


def test_a_soft_limit_is_raised_too() -> None:
    assert limit(soft=80, by=30).soft_at(49) == 110
    assert limit(soft=80, by=30).soft_at(50) == 80
    assert limit(by=30).soft_at(0) is None


@pytest.mark.parametrize(
    ("hard", "left"), [(None, None), (100, 60), (40, 0), (30, 0), (41, 1), (0, 0)]
)
def test_what_is_left_is_never_less_than_nothing(hard: int | None, left: int | None) -> None:
    assert LimitStanding(limit(hard), 30, 10, hard, None).left == left


def test_sec_49_no_two_counters_share_a_name() -> None:
    def one(scope: Scope, subject: str, budget: str, model: str | None) -> AppliedLimit:
        return AppliedLimit(scope, subject, budget, Unit.MONEY, FOREVER, 1, model=model)

    limits = [
        one(Scope.USER, "a", "b", None),
        one(Scope.TEAM, "a", "b", None),
        one(Scope.USER, "a:b", "", None),
        one(Scope.USER, "a", "b", "*"),
        one(Scope.USER, 'a","b', "", None),
        one(Scope.USER, "", "a", "b"),
        one(Scope.USER, member_subject("a", "b"), "b", None),
        one(Scope.USER, member_subject('a","b', ""), "b", None),
    ]
    assert len({one.key for one in limits}) == len(limits)
    assert len({counter_name(one.key) for one in limits}) == len(limits)


def test_neither_number_nor_window_changes_the_counter() -> None:
    one = AppliedLimit(Scope.USER, "a", "b", Unit.TOKENS, FOREVER, 1)
    other = AppliedLimit(Scope.USER, "a", "b", Unit.TOKENS, Rolling(60, 0), 5, 3, raised_by=1)
    assert one.key == other.key
    assert one.definition != other.definition


def test_a_budget_applies_limit_by_limit() -> None:
    month, day = Calendar(Period.MONTH, "Europe/Berlin"), Calendar(Period.DAY)
    budget = Budget(
        "b",
        (
            Limit(Unit.MONEY, 100, 80),
            Limit(Unit.REQUESTS, 5),
            Limit(Unit.MONEY, 9, model="gpt-*", window=day),
        ),
        month,
        Raise(70, nano=20),
    )
    money, requests, of_models = applied(Scope.TEAM, "red", budget)
    assert (money.hard_at(0), money.soft, money.window) == (120, 80, month)
    assert (requests.unit, requests.hard_at(0), requests.window) == (Unit.REQUESTS, 5, month)
    assert (of_models.model, of_models.hard_at(0), of_models.window) == ("gpt-*", 9, day)
    assert [one.part for one in (money, requests)] == [0, 2]
