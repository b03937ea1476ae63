import pytest

from gatepass.plugin.budgets.memory import MAX_FINISHED, MemoryBudgets, Settlement
from gatepass.plugin.errors import BudgetExceeded
from support.clock import ManualClock
from support.limits import TIMEOUT, room, team, user


def test_finished_requests_are_forgotten_after_a_time(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    budgets.reserve("old", [user(100)], 1)
    budgets.settle("old", 1)
    for name in ("a", "b"):
        clock.advance(TIMEOUT)
        assert budgets.settle("old", 1) is Settlement.ALREADY_SETTLED
        budgets.reserve(name, [user(100)], 1)
        budgets.settle(name, 1)
    assert budgets.settle("old", 1) is Settlement.UNKNOWN
    assert room(budgets, user(100)) == 97


def test_finished_requests_are_forgotten_above_a_number(budgets: MemoryBudgets) -> None:
    limit = user(10**9)
    for number in range(2 * MAX_FINISHED + 1):
        budgets.reserve(str(number), [limit], 1)
        budgets.settle(str(number), 1)
    assert budgets.settle("0", 1) is Settlement.UNKNOWN
    assert budgets.settle(str(2 * MAX_FINISHED), 1) is Settlement.ALREADY_SETTLED
    assert len(budgets._finished) + len(budgets._finished_before) <= 2 * MAX_FINISHED


def test_counters_of_refused_callers_are_dropped(budgets: MemoryBudgets) -> None:
    for number in range(1_000):
        with pytest.raises(BudgetExceeded):
            budgets.reserve("a", [user(0, subject=str(number))], 1)
    assert len(budgets._counters) < 10


@pytest.mark.parametrize("late", [False, True])
def test_sec_59_a_reservation_of_nothing_is_still_charged_what_it_cost(
    budgets: MemoryBudgets, clock: ManualClock, *, late: bool
) -> None:
    limit = user(100)
    budgets.reserve("unseen model", [limit], 0)
    if late:
        clock.advance(TIMEOUT)
        assert budgets.expire() == 1
    for number in range(10):
        budgets.reserve(str(number), [user(10, subject=str(number))], 1)
    budgets.settle("unseen model", 40)
    assert room(budgets, limit) == 60


def test_sweeping_never_takes_a_counter_that_a_reservation_is_about_to_use(
    budgets: MemoryBudgets,
) -> None:
    for number in range(100):
        budgets.reserve(str(number), [team(10**6), user(10, subject=str(number))], 10)
    assert room(budgets, team(10**6)) == 10**6 - 1_000
    for number in range(100):
        with pytest.raises(BudgetExceeded):
            budgets.reserve("again", [user(10, subject=str(number))], 1)


def test_reservations_that_nobody_settles_cost_the_same_however_many(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    for number in range(30_000):
        budgets.reserve(str(number), [user(10**9)], 1)
        clock.advance(0.1)
    assert len(budgets._open) <= TIMEOUT / 0.1 + 1
