import pytest

from gatepass.plugin.budgets.arithmetic import Count
from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.budgets.ledger_rows import LedgerRow, Outcome
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.budgets.reservations import MAX_FINISHED
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from support.clock import ManualClock
from support.limits import RULES, START, TIMEOUT, WINDOW, reserve, room, settle, team, user


def test_finished_requests_are_forgotten_after_a_time(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    reserve(budgets, "old", [user(100)], 1)
    settle(budgets, "old", 1)
    for name in ("a", "b"):
        clock.advance(TIMEOUT)
        assert settle(budgets, "old", 1) is Settlement.ALREADY_SETTLED
        reserve(budgets, name, [user(100)], 1)
        settle(budgets, name, 1)
    assert settle(budgets, "old", 1) is Settlement.UNKNOWN
    assert room(budgets, user(100)) == 97


def test_finished_requests_are_forgotten_above_a_number(budgets: MemoryBudgets) -> None:
    limit = user(10**9)
    for number in range(2 * MAX_FINISHED + 1):
        reserve(budgets, str(number), [limit], 1)
        settle(budgets, str(number), 1)
    assert settle(budgets, "0", 1) is Settlement.UNKNOWN
    assert settle(budgets, str(2 * MAX_FINISHED), 1) is Settlement.ALREADY_SETTLED
    assert (
        len(budgets._reservations._finished) + len(budgets._reservations._finished_before)
        <= 2 * MAX_FINISHED
    )


def test_counters_of_refused_callers_are_dropped(budgets: MemoryBudgets) -> None:
    for number in range(1_000):
        with pytest.raises(BudgetExceeded):
            reserve(budgets, "a", [user(0, subject=str(number))], 1)
    assert len(budgets._counters) < 10


@pytest.mark.parametrize("late", [False, True])
def test_sec_59_a_reservation_of_nothing_is_still_charged_what_it_cost(
    budgets: MemoryBudgets, clock: ManualClock, *, late: bool
) -> None:
    limit = user(100)
    reserve(budgets, "unseen model", [limit], 0)
    if late:
        clock.advance(TIMEOUT)
        assert budgets.expire_now() == 1
    for number in range(10):
        reserve(budgets, str(number), [user(10, subject=str(number))], 1)
    settle(budgets, "unseen model", 40)
    assert room(budgets, limit) == 60


def test_sweeping_never_takes_a_counter_that_a_reservation_is_about_to_use(
    budgets: MemoryBudgets,
) -> None:
    for number in range(100):
        reserve(budgets, str(number), [team(10**6), user(10, subject=str(number))], 10)
    assert room(budgets, team(10**6)) == 10**6 - 1_000
    for number in range(100):
        with pytest.raises(BudgetExceeded):
            reserve(budgets, "again", [user(10, subject=str(number))], 1)


def test_reservations_that_nobody_settles_cost_the_same_however_many(
    budgets: MemoryBudgets, clock: ManualClock
) -> None:
    for number in range(30_000):
        reserve(budgets, str(number), [user(10**9)], 1)
        clock.advance(0.1)
    assert len(budgets._reservations.open) <= TIMEOUT / 0.1 + 1


class FullLedger:
    """A ledger that takes nothing for a while."""

    def __init__(self) -> None:
        self.full = True
        self.rows: list[LedgerRow] = []

    def put(self, row: LedgerRow) -> None:
        if self.full:
            raise StoreUnavailable
        self.rows.append(row)

    async def durable(self, request_id: str) -> None:
        del request_id


async def test_while_the_ledger_takes_nothing_nothing_ends(clock: ManualClock) -> None:
    ledger = FullLedger()
    budgets = MemoryBudgets(clock, RULES, ledger)
    reserve(budgets, "a", [user(100)], 30)
    with pytest.raises(StoreUnavailable):
        await budgets.release("a")
    clock.advance(TIMEOUT)
    await budgets.expire()
    (standing,) = await budgets.standings([user(100)])
    assert (standing.spent, standing.reserved) == (0, 30)
    reserve(budgets, "b", [user(100)], 30)
    ledger.full = False
    await budgets.expire()
    (standing,) = await budgets.standings([user(100)])
    assert (standing.spent, standing.reserved) == (30, 30)
    assert [(row.request_id, row.outcome) for row in ledger.rows] == [("a", Outcome.EXPIRED)]


async def test_what_was_counted_before_goes_on(budgets: MemoryBudgets) -> None:
    limit = user(100)
    budgets.restore([(limit.counter, Count(60, 0, START - 5, START + WINDOW, ""))])
    assert room(budgets, limit) == 40
    admitted = reserve(budgets, "a", [limit, team(9)], 5)
    assert [standing.left for standing in admitted.standings] == [35, 4]
    assert [standing.left for standing in admitted.standings[:1]] == [35]
    repeated = reserve(budgets, "a", [limit, team(9)], 5)
    assert list(repeated.standings) == list(admitted.standings)
