"""Money: one reservation on every limit or on none, and no way around it."""

from collections.abc import Sequence

import pytest

from gatepass.plugin.admission import admit
from gatepass.plugin.body import BodyFacts
from gatepass.plugin.budgets.engines import UncountedBudgets
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import BudgetExceeded, RequestRefused
from gatepass.plugin.metering.prices import PriceEntry, PriceTable
from gatepass.plugin.naming import NAMES_NOTHING, Naming
from gatepass.rbac.principals import Budget
from support.clock import ManualClock

LIMITS = [
    AppliedLimit("team", "t1", Budget("b-1", 1_000, None, 0)),
    AppliedLimit("user", "ann", Budget("b-2", 600, None, 0)),
]
TABLE = PriceTable(
    [
        PriceEntry("cheap", 1_000_000, 1_000_000, 100),
        PriceEntry("dear", 1_000_000, 5_000_000, 100),
        PriceEntry("free", 0, 0, 100),
    ]
)


def spent(budgets: MemoryBudgets) -> int:
    """Return how much of the user's limit is gone, by what can still be reserved."""
    for estimate in range(600, -1, -1):
        try:
            budgets.reserve(f"probe-{estimate}", LIMITS[1:], estimate)
        except BudgetExceeded:
            continue
        budgets.release(f"probe-{estimate}")
        return 600 - estimate
    return 600


@pytest.mark.parametrize(
    ("naming", "reserved"),
    [
        (NAMES_NOTHING, 0),
        (Naming((), None, 50), 0),
        (Naming(("cheap",), BodyFacts(("cheap",), 10, 1), 50), 60),
        (Naming(("cheap",), BodyFacts(("cheap",), 10, 4), 50), 90),
        (Naming(("cheap",), BodyFacts(("cheap",), None, 1), 50), 150),
        (Naming(("cheap",), BodyFacts(("cheap",), 0, 1), 50), 150),
        (Naming(("cheap",), None, 0), 100),
        (Naming(("cheap", "dear"), BodyFacts(("dear",), 10, 1), 50), 100),
        (Naming(("dear", "cheap"), BodyFacts(("cheap",), 10, 1), 50), 100),
        (Naming(("free",), BodyFacts(("free",), 10, 1), 50), 0),
    ],
)
def test_sec_59_the_dearest_reading_is_reserved(naming: Naming, reserved: int) -> None:
    budgets = MemoryBudgets(ManualClock(), 600)
    admit(budgets, TABLE, "r-1", LIMITS, naming)
    assert spent(budgets) == reserved


@pytest.mark.parametrize(
    "naming",
    [
        Naming(("unknown",), BodyFacts(("unknown",), 1, 1), 5),
        Naming(("cheap", "unknown"), BodyFacts(("unknown",), 1, 1), 5),
        Naming((), BodyFacts((), 1, 1), 5),
    ],
)
def test_sec_59_no_price_no_call_where_money_is_limited(naming: Naming) -> None:
    budgets = MemoryBudgets(ManualClock(), 600)
    with pytest.raises(RequestRefused) as refused:
        admit(budgets, TABLE, "r-1", LIMITS, naming)
    assert refused.value.code == "price_unknown"
    assert spent(budgets) == 0
    admit(budgets, TABLE, "r-1", (), naming)


@pytest.mark.parametrize(
    "naming",
    [
        Naming(("cheap",), BodyFacts(("cheap",), 10, 1), 50),
        Naming(("free",), BodyFacts(("free",), 10, 1), 50),
        Naming(("unknown",), BodyFacts(("unknown",), 1, 1), 5),
        Naming((), None, 50),
    ],
)
def test_sec_59_where_nothing_is_counted_every_limit_refuses(naming: Naming) -> None:
    budgets = UncountedBudgets(ManualClock(), 600)
    with pytest.raises(RequestRefused) as refused:
        admit(budgets, TABLE, "r-1", LIMITS, naming)
    assert refused.value.code == "budget_not_counted"
    admit(budgets, TABLE, "r-1", (), naming)
    admit(budgets, TABLE, "r-1", LIMITS, NAMES_NOTHING)


@pytest.mark.parametrize(
    ("bound", "choices"), [(10**12, 1), (10**12, 128), (1, 10**6), (None, 10**9)]
)
def test_sec_59_huge_numbers_exceed_and_never_overflow(bound: int | None, choices: int) -> None:
    budgets = MemoryBudgets(ManualClock(), 600)
    naming = Naming(("dear",), BodyFacts(("dear",), bound, choices), 2**31)
    with pytest.raises(BudgetExceeded) as exceeded:
        admit(budgets, TABLE, "r-1", LIMITS, naming)
    assert exceeded.value.scope == "team"
    assert spent(budgets) == 0


@pytest.mark.parametrize("limits", [LIMITS, LIMITS[::-1]])
def test_one_limit_that_does_not_suffice_leaves_the_other_alone(
    limits: Sequence[AppliedLimit],
) -> None:
    budgets = MemoryBudgets(ManualClock(), 600)
    naming = Naming(("cheap",), BodyFacts(("cheap",), 650, 1), 50)
    with pytest.raises(BudgetExceeded) as exceeded:
        admit(budgets, TABLE, "r-1", limits, naming)
    assert exceeded.value.scope == "user"
    budgets.reserve("all of it", LIMITS[:1], 1_000)
