"""The table of what is let through, reserved and charged (SEC-59, SEC-66)."""

import pytest

from gatepass.plugin.budgets.arithmetic import (
    REFUSED,
    Admission,
    Count,
    Held,
    amount_to_hold,
    corrected,
    rolled,
    settled,
)
from gatepass.rbac.budgets import MAX_AMOUNT
from gatepass.rbac.windows import FOREVER, Rolling

STRICT, FIT, AFTER = Admission.STRICT, Admission.FIT, Admission.AFTER
WINDOW = Rolling(100, 0)
COUNT = Count(spent=30, reserved=20, since=10, ends_at=100, definition=WINDOW.name)


@pytest.mark.parametrize(
    ("spent", "reserved", "estimate", "limit", "strict", "fit", "after"),
    [
        (0, 0, 0, 0, REFUSED, REFUSED, REFUSED),
        (0, 0, 1, 0, REFUSED, REFUSED, REFUSED),
        (0, 0, 0, 1, 0, 0, 0),
        (0, 0, 1, 1, 1, 1, 0),
        (0, 0, 2, 1, REFUSED, 1, 0),
        (99, 0, 1, 100, 1, 1, 0),
        (99, 0, 2, 100, REFUSED, 1, 0),
        (100, 0, 0, 100, REFUSED, REFUSED, REFUSED),
        (101, 0, 0, 100, REFUSED, REFUSED, REFUSED),
        (0, 100, 0, 100, REFUSED, REFUSED, 0),
        (50, 49, 1, 100, 1, 1, 0),
        (50, 49, 2, 100, REFUSED, 1, 0),
        (50, 50, 0, 100, REFUSED, REFUSED, 0),
        (50, 10, 90, 100, REFUSED, 40, 0),
        (0, 0, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, 0),
        (1, 0, MAX_AMOUNT, MAX_AMOUNT, REFUSED, MAX_AMOUNT - 1, 0),
    ],
)
def test_sec_59_a_limit_that_is_reached_is_exceeded_in_every_mode(  # noqa: PLR0913, PLR0917 - a table
    spent: int, reserved: int, estimate: int, limit: int, strict: int, fit: int, after: int
) -> None:
    held = [amount_to_hold(mode, spent, reserved, estimate, limit) for mode in (STRICT, FIT, AFTER)]
    assert held == [strict, fit, after]


def test_a_new_counter_and_one_whose_window_is_over_start_at_nothing() -> None:
    assert rolled(None, WINDOW, 50.7) == Count(0, 0, 50, 100, WINDOW.name)
    assert rolled(COUNT, WINDOW, 99.9) == COUNT
    assert rolled(COUNT, WINDOW, 100) == Count(0, 0, 100, 200, WINDOW.name)
    assert rolled(COUNT, FOREVER, 250) == Count(0, 0, 250, None, FOREVER.name)


def test_sec_66_a_clock_that_jumps_back_opens_no_window() -> None:
    assert rolled(COUNT, WINDOW, -500) == COUNT


def test_an_edited_window_keeps_what_was_used_and_is_still_the_same() -> None:
    edited = rolled(COUNT, Rolling(7, 0), 50)
    assert edited == Count(30, 20, 10, 56, Rolling(7, 0).name)
    assert settled(edited, Held(20, since=10), 5).spent == 35
    assert rolled(COUNT, FOREVER, 50).ends_at is None


@pytest.mark.parametrize(("cost", "spent"), [(0, 30), (5, 35), (MAX_AMOUNT, MAX_AMOUNT)])
def test_a_cost_takes_the_place_of_what_is_held(cost: int, spent: int) -> None:
    after = settled(COUNT, Held(15, since=10), cost)
    assert (after.spent, after.reserved) == (spent, 5)


@pytest.mark.parametrize(
    ("charged", "cost", "spent"),
    [(20, 5, 15), (20, 0, 10), (30, 30, 30), (40, 7, 7), (0, MAX_AMOUNT, MAX_AMOUNT)],
)
def test_a_late_cost_takes_the_place_of_the_charge(charged: int, cost: int, spent: int) -> None:
    after = corrected(COUNT, 10, charged, cost)
    assert (after.spent, after.reserved) == (spent, 20)


def test_the_counter_of_another_window_is_left_alone() -> None:
    assert settled(COUNT, Held(15, since=9), 5) == COUNT
    assert corrected(COUNT, 9, 15, 5) == COUNT
