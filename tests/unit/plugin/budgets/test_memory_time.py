import pytest

from gatepass.plugin.budgets.engine import EngineRules, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import BudgetExceeded
from support.clock import ManualClock
from support.limits import START, TIMEOUT, WINDOW, reserve, room, settle, team, user


def test_an_overdue_reservation_becomes_a_charge(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 30)
    clock.advance(TIMEOUT - 1)
    reserve(budgets, "b", [limit], 10)
    assert budgets.expire_now() == 0
    clock.advance(1)
    assert budgets.expire_now() == 1
    assert room(budgets, limit) == 60
    clock.advance(TIMEOUT)
    assert room(budgets, limit) == 60, "reserving expires lazily"
    assert budgets.expire_now() == 0


def test_a_reload_to_a_shorter_timeout_waits_for_nothing_that_was_reserved_before(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    limit = user(1_000)
    reserve(budgets, "long", [limit], 100)
    for timeout, name in ((60, "short"), (6, "shorter"), (60, "short again"), (6, "settled")):
        budgets.rules = EngineRules(reservation_timeout_seconds=timeout)
        reserve(budgets, name, [limit], 1)
    settle(budgets, "settled", 0)
    clock.advance(5)
    assert budgets.expire_now() == 0
    ended = []
    for seconds in (1, 54, TIMEOUT - 61, 1):
        clock.advance(seconds)
        ended.append(budgets.expire_now())
    assert ended == [1, 2, 0, 1]
    budgets.rules = EngineRules(reservation_timeout_seconds=6)
    reserve(budgets, "last", [limit], 1)
    clock.advance(6)
    assert budgets.expire_now() == 1


@pytest.mark.parametrize(("cost", "left"), [(5, 95), (30, 70), (60, 40), (0, 100)])
def test_a_late_settle_corrects_the_charge_once(
    budgets: MemoryBudgets, clock: ManualClock, cost: int, left: int
) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 30)
    clock.advance(TIMEOUT)
    budgets.expire_now()
    assert room(budgets, limit) == 70
    assert settle(budgets, "a", cost) is Settlement.SETTLED
    assert settle(budgets, "a", 99) is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == left


def test_a_settle_that_comes_between_deadline_and_expiry_counts(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    reserve(budgets, "a", [user(100)], 30)
    clock.advance(TIMEOUT + 1)
    assert settle(budgets, "a", 5) is Settlement.SETTLED
    assert budgets.expire_now() == 0
    assert room(budgets, user(100)) == 95


def test_a_new_window_starts_at_nothing(budgets: MemoryBudgets, clock: ManualClock) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 100)
    settle(budgets, "a", 100)
    clock.advance(WINDOW - 0.5)
    with pytest.raises(BudgetExceeded) as caught:
        reserve(budgets, "b", [limit], 1)
    assert caught.value.resets_in_seconds == 1
    clock.advance(0.5)
    assert room(budgets, limit) == 100


def test_a_budget_without_window_never_resets(budgets: MemoryBudgets, clock: ManualClock) -> None:
    reserve(budgets, "a", [team(10)], 10)
    settle(budgets, "a", 10)
    clock.advance(10_000 * WINDOW)
    with pytest.raises(BudgetExceeded) as caught:
        reserve(budgets, "b", [team(10)], 1)
    assert caught.value.resets_in_seconds is None


@pytest.mark.parametrize("end", ["settle", "release", "expire", "late settle"])
def test_what_was_reserved_in_an_old_window_leaves_the_new_one_alone(
    clock: ManualClock, end: str
) -> None:
    budgets = MemoryBudgets(clock, EngineRules(reservation_timeout_seconds=5))
    limit = user(100, window=60)
    clock.advance(59)
    reserve(budgets, "a", [limit], 80)
    clock.advance(1)
    reserve(budgets, "b", [limit], 10)
    assert room(budgets, limit) == 90
    if end == "settle":
        assert settle(budgets, "a", 100) is Settlement.SETTLED
    elif end == "release":
        assert settle(budgets, "a", 0) is Settlement.SETTLED
    else:
        clock.advance(4)
        assert budgets.expire_now() == 1
        if end == "late settle":
            assert settle(budgets, "a", 100) is Settlement.SETTLED
    assert room(budgets, limit) == 90


def test_sec_66_a_wall_clock_that_jumps_back_opens_no_window(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    limit = user(100)
    reserve(budgets, "a", [limit], 100)
    settle(budgets, "a", 100)
    clock.jump_wall(-3 * WINDOW)
    with pytest.raises(BudgetExceeded) as caught:
        reserve(budgets, "b", [limit], 1)
    assert caught.value.resets_in_seconds == 4 * WINDOW
    clock.jump_wall(4 * WINDOW)
    assert room(budgets, limit) == 100


def test_sec_66_deadlines_go_by_the_monotonic_clock(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    reserve(budgets, "a", [user(100, window=None)], 30)
    clock.jump_wall(10 * TIMEOUT)
    assert budgets.expire_now() == 0


@pytest.mark.parametrize(
    "redefined", [user(100, window=None), user(100, window=60), user(100, anchor=START - 7)]
)
def test_a_redefined_window_keeps_what_was_spent(
    budgets: MemoryBudgets, redefined: AppliedLimit
) -> None:
    reserve(budgets, "a", [user(100)], 50)
    settle(budgets, "a", 40)
    reserve(budgets, "b", [user(100)], 10)
    assert room(budgets, redefined) == 50
    settle(budgets, "b", 20)
    assert room(budgets, redefined) == 40


def test_a_redefined_window_ends_by_its_new_definition(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    reserve(budgets, "a", [user(100)], 50)
    assert room(budgets, user(100, window=60)) == 50
    clock.advance(60)
    assert room(budgets, user(100, window=60)) == 100


def test_counters_of_past_windows_are_dropped(budgets: MemoryBudgets, clock: ManualClock) -> None:
    for day in range(50):
        for number in range(20):
            limit = user(100, subject=f"{day}-{number}")
            reserve(budgets, limit.subject_id, [team(10**9), limit], 1)
            settle(budgets, limit.subject_id, 1)
        clock.advance(WINDOW)
    assert len(budgets._counters) < 100
    assert room(budgets, team(10**9)) == 10**9 - 1_000, "a budget for ever is kept"
