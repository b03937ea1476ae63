"""When a limit will be used up."""

import pytest

from gatepass.plugin.budgets.forecast import used_up_at
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER, Rolling, Window

DAY = Rolling(1000, 10_000)


def forecast(
    spent: int, now: float, hard: int | None = 100, window: Window = DAY, reserved: int = 0
) -> int | None:
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.MONEY, window, hard)
    _, end = window.bounds(now)
    return used_up_at(LimitStanding(limit, spent, reserved, hard, end), now)


@pytest.mark.parametrize(
    ("spent", "now", "expected"),
    [
        (50, 10_100, 10_200),
        (30, 10_100, 10_334),  # rounded up
        (99, 10_990, None),  # only after the window
        (50, 10_500, None),
        (51, 10_500, 10_981),
        (0, 10_500, None),
        (100, 10_500, 10_500),
        (101, 10_001, 10_001),
        (50, 10_009, None),  # too early to say
        (50, 10_010, 10_020),
    ],
)
def test_what_goes_on_as_it_has(spent: int, now: float, expected: int | None) -> None:
    assert forecast(spent, now) == expected


def test_what_cannot_be_foreseen() -> None:
    assert forecast(50, 10_100, hard=None) is None
    assert forecast(50, 10_100, window=FOREVER) is None
    assert forecast(0, 10_100, hard=0) == 10_100


def test_what_is_reserved_is_not_spent() -> None:
    assert forecast(50, 10_100, reserved=50) == 10_200
