import math
from functools import partial
from typing import Literal

import pytest

from gatepass.plugin.budgets.limits import AppliedLimit, InvalidAmount
from gatepass.plugin.budgets.memory import MAX_FINISHED, MemoryBudgets, Settlement
from gatepass.plugin.errors import BudgetExceeded
from gatepass.rbac.principals import Budget
from support.clock import ManualClock

START = 1_000_000
TIMEOUT = 600.0
WINDOW = 86_400


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=float(START))


@pytest.fixture
def budgets(clock: ManualClock) -> MemoryBudgets:
    return MemoryBudgets(clock, TIMEOUT)


def user(
    limit: int, window: int | None = WINDOW, subject: str = "ann", anchor: int = START
) -> AppliedLimit:
    return AppliedLimit("user", subject, Budget("user-budget", limit, window, anchor))


def team(limit: int, window: int | None = None, subject: str = "red") -> AppliedLimit:
    return AppliedLimit("team", subject, Budget("team-budget", limit, window, START))


def room(budgets: MemoryBudgets, limit: AppliedLimit) -> int:
    """Return the largest estimate that still passes, found by trying; -1 when none does."""
    low, high = -1, limit.budget.limit_nano_usd + 1
    while high - low > 1:
        middle = (low + high) // 2
        try:
            budgets.reserve("probe", [limit], middle)
        except BudgetExceeded:
            high = middle
        else:
            budgets.release("probe")
            low = middle
    return low


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


def test_the_model_is_remembered_to_price_the_usage(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    budgets.reserve("a", [user(100)], 1, "gpt-4o")
    assert budgets.model_of("a") == "gpt-4o"
    budgets.settle("a", 1)
    assert budgets.model_of("a") == "gpt-4o"
    budgets.reserve("b", [user(100)], 1, "o3")
    clock.advance(TIMEOUT)
    budgets.expire()
    assert budgets.model_of("b") == "o3"
    budgets.settle("b", 1)
    assert budgets.model_of("b") == "o3"
    assert budgets.model_of("never") is None


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


def test_an_overdue_reservation_becomes_a_charge(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 30)
    clock.advance(TIMEOUT - 1)
    budgets.reserve("b", [limit], 10)
    assert budgets.expire() == 0
    clock.advance(1)
    assert budgets.expire() == 1
    assert room(budgets, limit) == 60
    clock.advance(TIMEOUT)
    assert room(budgets, limit) == 60, "reserving expires lazily"
    assert budgets.expire() == 0


@pytest.mark.parametrize(("cost", "left"), [(5, 95), (30, 70), (60, 40), (0, 100)])
def test_a_late_settle_corrects_the_charge_once(
    budgets: MemoryBudgets, clock: ManualClock, cost: int, left: int
) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 30)
    clock.advance(TIMEOUT)
    budgets.expire()
    assert room(budgets, limit) == 70
    assert budgets.settle("a", cost) is Settlement.SETTLED
    assert budgets.settle("a", 99) is Settlement.ALREADY_SETTLED
    assert room(budgets, limit) == left


def test_a_settle_that_comes_between_deadline_and_expiry_counts(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    budgets.reserve("a", [user(100)], 30)
    clock.advance(TIMEOUT + 1)
    assert budgets.settle("a", 5) is Settlement.SETTLED
    assert budgets.expire() == 0
    assert room(budgets, user(100)) == 95


def test_a_new_window_starts_at_nothing(budgets: MemoryBudgets, clock: ManualClock) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 100)
    budgets.settle("a", 100)
    clock.advance(WINDOW - 0.5)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve("b", [limit], 1)
    assert caught.value.resets_in_seconds == 1
    clock.advance(0.5)
    assert room(budgets, limit) == 100


def test_a_budget_without_window_never_resets(budgets: MemoryBudgets, clock: ManualClock) -> None:
    budgets.reserve("a", [team(10)], 10)
    budgets.settle("a", 10)
    clock.advance(10_000 * WINDOW)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve("b", [team(10)], 1)
    assert caught.value.resets_in_seconds is None


@pytest.mark.parametrize("end", ["settle", "release", "expire", "late settle"])
def test_what_was_reserved_in_an_old_window_leaves_the_new_one_alone(
    clock: ManualClock, end: str
) -> None:
    budgets = MemoryBudgets(clock, reservation_timeout_seconds=5)
    limit = user(100, window=60)
    clock.advance(59)
    budgets.reserve("a", [limit], 80)
    clock.advance(1)
    budgets.reserve("b", [limit], 10)
    assert room(budgets, limit) == 90
    if end == "settle":
        assert budgets.settle("a", 100) is Settlement.SETTLED
    elif end == "release":
        assert budgets.release("a") is Settlement.SETTLED
    else:
        clock.advance(4)
        assert budgets.expire() == 1
        if end == "late settle":
            assert budgets.settle("a", 100) is Settlement.SETTLED
    assert room(budgets, limit) == 90


def test_sec_66_a_wall_clock_that_jumps_back_opens_no_window(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    limit = user(100)
    budgets.reserve("a", [limit], 100)
    budgets.settle("a", 100)
    clock.jump_wall(-3 * WINDOW)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.reserve("b", [limit], 1)
    assert caught.value.resets_in_seconds == 4 * WINDOW
    clock.jump_wall(4 * WINDOW)
    assert room(budgets, limit) == 100


def test_sec_66_deadlines_go_by_the_monotonic_clock(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    budgets.reserve("a", [user(100, window=None)], 30)
    clock.jump_wall(10 * TIMEOUT)
    assert budgets.expire() == 0


@pytest.mark.parametrize(
    "redefined", [user(100, window=None), user(100, window=60), user(100, anchor=START - 7)]
)
def test_a_redefined_window_keeps_what_was_spent(
    budgets: MemoryBudgets, redefined: AppliedLimit
) -> None:
    budgets.reserve("a", [user(100)], 50)
    budgets.settle("a", 40)
    budgets.reserve("b", [user(100)], 10)
    assert room(budgets, redefined) == 50
    budgets.settle("b", 20)
    assert room(budgets, redefined) == 40


def test_a_redefined_window_ends_by_its_new_definition(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    budgets.reserve("a", [user(100)], 50)
    assert room(budgets, user(100, window=60)) == 50
    clock.advance(60)
    assert room(budgets, user(100, window=60)) == 100


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


def test_counters_of_past_windows_are_dropped(budgets: MemoryBudgets, clock: ManualClock) -> None:
    for day in range(50):
        for number in range(20):
            limit = user(100, subject=f"{day}-{number}")
            budgets.reserve(limit.subject_id, [team(10**9), limit], 1)
            budgets.settle(limit.subject_id, 1)
        clock.advance(WINDOW)
    assert len(budgets._counters) < 100
    assert room(budgets, team(10**9)) == 10**9 - 1_000, "a budget for ever is kept"


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
