import pytest

from gatepass.plugin.budgets.memory import MemoryBudgets
from support.clock import ManualClock
from support.limits import RULES, START


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=float(START))


@pytest.fixture
def budgets(clock: ManualClock) -> MemoryBudgets:
    return MemoryBudgets(clock, RULES)
