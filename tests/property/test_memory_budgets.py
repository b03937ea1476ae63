"""The budget engine against a slow model of its rules that keeps everything for ever."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets, Settlement
from gatepass.plugin.errors import BudgetExceeded
from gatepass.rbac.principals import Budget
from support.clock import ManualClock
from support.soak import examples

START = 1_000_000
TIMEOUT = 50
AMOUNTS = st.integers(0, 60)
LIMITS = [
    AppliedLimit("team", "red", Budget("t", 100, 120, START)),
    AppliedLimit("user", "ann", Budget("u", 80, 70, START - 13)),
    AppliedLimit("user", "bob", Budget("u", 50, None, START)),
    AppliedLimit("user", "eve", Budget("e", 0, 30, START)),
]


@dataclass
class Entry:
    """One reservation of the model: what it counts for now, and where."""

    limits: list[AppliedLimit]
    made_at: float
    amount: int
    overdue_at: float
    told: bool = False


@dataclass
class Model:
    """Every request ever made; what is committed is added up anew each time."""

    entries: dict[str, Entry] = field(default_factory=dict)
    past: list[Entry] = field(default_factory=list)

    def committed(self, limit: AppliedLimit, now: float) -> int:
        return sum(
            entry.amount
            for entry in [*self.entries.values(), *self.past]
            if limit in entry.limits and window_of(limit, entry.made_at) == window_of(limit, now)
        )


def window_of(limit: AppliedLimit, now: float) -> int:
    window = limit.budget.window_seconds
    return 0 if window is None else int((now - limit.budget.anchor) // window)


class BudgetMachine(RuleBasedStateMachine):
    """Random reservations, settlements and waits; the engine must agree with the model."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(wall=float(START))
        self.budgets = MemoryBudgets(self.clock, TIMEOUT)
        self.model = Model()

    @rule(
        target=requests,
        name=st.sampled_from([f"r{number}" for number in range(8)]),
        limits=st.lists(st.sampled_from(LIMITS), min_size=1, max_size=3, unique=True),
        estimate=AMOUNTS,
    )
    def reserve(self, name: str, limits: list[AppliedLimit], estimate: int) -> str:
        now, moment = self.clock.wall(), self.clock.monotonic()
        known = self.model.entries.get(name)
        if known is not None and not known.told and moment < known.overdue_at:
            self.budgets.reserve(name, limits, estimate)
            return name
        refused = [
            limit
            for limit in limits
            if self.model.committed(limit, now) >= limit.budget.limit_nano_usd
            or self.model.committed(limit, now) + estimate > limit.budget.limit_nano_usd
        ]
        if refused:
            with pytest.raises(BudgetExceeded) as caught:
                self.budgets.reserve(name, limits, estimate)
            assert caught.value.scope == min(limit.scope for limit in refused)
            return name
        self.budgets.reserve(name, limits, estimate)
        if known is not None:
            self.model.past.append(known)
        self.model.entries[name] = Entry(limits, now, estimate, moment + TIMEOUT)
        return name

    @rule(name=requests, cost=AMOUNTS)
    def settle(self, name: str, cost: int) -> None:
        self._end(name, self.budgets.settle(name, cost), cost)

    @rule(name=consumes(requests))
    def release(self, name: str) -> None:
        self._end(name, self.budgets.release(name), 0)

    def _end(self, name: str, settlement: Settlement, cost: int) -> None:
        entry = self.model.entries.get(name)
        if entry is None:
            assert settlement is Settlement.UNKNOWN
        elif entry.told:
            assert settlement in {Settlement.ALREADY_SETTLED, Settlement.UNKNOWN}
        elif settlement is Settlement.UNKNOWN:
            # forgotten: only long after it became a charge
            assert self.clock.monotonic() >= entry.overdue_at + TIMEOUT
        else:
            assert settlement is Settlement.SETTLED
            entry.amount, entry.told = cost, True

    @rule(seconds=st.sampled_from([0.5, 3, 20, 49, 50, 51, 130]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def expire(self) -> None:
        self.budgets.expire()

    @invariant()
    def what_is_left_is_what_the_model_says(self) -> None:
        now = self.clock.wall()
        for limit in LIMITS:
            left = limit.budget.limit_nano_usd - self.model.committed(limit, now)
            assert self._passes(limit, left) is (left > 0)
            assert not self._passes(limit, left + 1)

    def _passes(self, limit: AppliedLimit, estimate: int) -> bool:
        try:
            self.budgets.reserve("probe", [limit], max(0, estimate))
        except BudgetExceeded:
            return False
        self.budgets.release("probe")
        return True


TestMemoryBudgets = BudgetMachine.TestCase
TestMemoryBudgets.settings = settings(
    max_examples=examples(60), stateful_step_count=40, deadline=None
)
