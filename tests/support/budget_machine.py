"""Any budget engine against the slow model: random calls, ends, waits, edits of limits, rules."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import (
    BudgetEngine,
    Call,
    Cost,
    EngineRules,
    Payer,
    Settlement,
    Unsettled,
)
from gatepass.plugin.budgets.ledger_rows import LedgerRow, Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.errors import BudgetExceeded
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window
from support.budget_model import MOST, BudgetModel, Entry
from support.clock import ManualClock

START = 1_767_225_570  # half a minute before a new year in UTC
TIMEOUT = 50

WINDOWS: list[Window] = [
    FOREVER,
    Rolling(70, START - 13),
    Rolling(120, START),
    Calendar(Period.DAY, "UTC"),
]
SLOTS = [
    (Scope.TEAM, "red", "t", Unit.MONEY, None),
    (Scope.MEMBER, '["red","ann"]', "m", Unit.TOKENS, None),
    (Scope.USER, "ann", "u", Unit.MONEY, "gpt-*"),
    (Scope.USER, "ann", "u", Unit.REQUESTS, None),
    (Scope.PROXY, "", "proxy", Unit.MONEY, None),
]
AMOUNTS = st.one_of(st.integers(0, 60), st.sampled_from([MOST, MOST - 1]))
HARDS = st.sampled_from([0, 1, 5, 60, 100, 100, 1_000, MOST, None])


@dataclass
class Opened:
    """An engine, and the rows that it has made durable so far, None where there is no ledger."""

    engine: BudgetEngine
    rows: Callable[[], "Sequence[LedgerRow]"] | None = None


Opener = Callable[[Clock, EngineRules], AbstractAsyncContextManager[Opened]]


@st.composite
def limit_lists(draw: st.DrawFn) -> tuple[AppliedLimit, ...]:
    """Return limits in their order; a slot has another number or window each time."""
    chosen = draw(st.sets(st.sampled_from(range(len(SLOTS))), min_size=1, max_size=4))
    limits = []
    for scope, subject, budget, unit, model in (SLOTS[index] for index in sorted(chosen)):
        hard = draw(HARDS)
        limits.append(
            AppliedLimit(
                scope,
                subject,
                budget,
                unit,
                draw(st.sampled_from(WINDOWS[:2])) if draw(st.booleans()) else WINDOWS[2],
                hard,
                soft=7 if hard is None else None,
                model=model,
                raised_by=draw(st.sampled_from([0, 0, 30])),
                raised_until=START + 40,
            )
        )
    return tuple(limits)


class EngineMachine(RuleBasedStateMachine):
    """Every answer of the engine, and where every limit stands after it, is the model's."""

    requests = Bundle("requests")

    def __init__(self, opener: Opener) -> None:
        super().__init__()
        self.clock = ManualClock(wall=float(START))
        self.model = BudgetModel(EngineRules(reservation_timeout_seconds=TIMEOUT))
        self.runner = asyncio.Runner()
        self.opening = opener(self.clock, self.model.rules)
        self.opened = self.runner.run(self.opening.__aenter__())
        self.engine = self.opened.engine
        self.seen: dict[object, AppliedLimit] = {}

    def teardown(self) -> None:
        try:
            self.runner.run(self.opening.__aexit__(None, None, None))
        finally:
            self.runner.close()

    @rule(
        target=requests,
        name=st.sampled_from([f"r{number}" for number in range(6)]),
        limits=limit_lists(),
        estimate=st.builds(Amounts, AMOUNTS, AMOUNTS, st.just(1)),
        now=st.booleans(),
    )
    def reserve(
        self, name: str, limits: tuple[AppliedLimit, ...], estimate: Amounts, *, now: bool
    ) -> str:
        call = Call(name, limits, estimate, Payer("https://idp.example", "ann"), "gpt-4o")
        wall = self.clock.wall()
        self.seen |= {limit.key: limit for limit in limits}
        if self.model.is_open(name):
            self._reserve(call, now=now)
            return name
        refusing = self.model.refusing(call, wall)
        if refusing is not None:
            with pytest.raises(BudgetExceeded) as caught:
                self._reserve(call, now=now)
            assert caught.value.standing == self.model.standing(refusing, wall)
            return name
        self._reserve(call, now=now)
        self.model.reserve(call, wall, self.clock.monotonic() + TIMEOUT)
        return name

    def _reserve(self, call: Call, *, now: bool) -> None:
        if now and not self.engine.waits:
            self.engine.reserve_now(call)
        else:
            self.runner.run(self.engine.reserve(call))

    @rule(name=requests, nano=AMOUNTS, tokens=AMOUNTS)
    def settle(self, name: str, nano: int, tokens: int) -> None:
        amounts = Amounts(nano, tokens, 1)
        self._check_end(name, amounts, Outcome.SETTLED, self.engine.settle(name, Cost(amounts)))

    @rule(name=requests)
    def release(self, name: str) -> None:
        self._check_end(name, NOTHING, Outcome.RELEASED, self.engine.release(name))

    def _check_end(
        self,
        name: str,
        amounts: Amounts,
        outcome: Outcome,
        ending: Coroutine[None, None, Settlement],
    ) -> None:
        entry, moment = self.model.entries.get(name), self.clock.monotonic()
        pending = self.runner.run(self.engine.pending(name))
        found = self.runner.run(ending)
        if entry is None:
            assert pending is None
            assert found is Settlement.UNKNOWN
        elif entry.outcome is not None and found is Settlement.UNKNOWN:
            assert moment >= entry.ended_at + TIMEOUT, "it is remembered as long as it could wait"
        else:
            assert pending is not None
            assert (pending.model, pending.estimate) == ("gpt-4o", entry.call.estimate)
            final = entry.outcome not in {None, Outcome.EXPIRED}
            assert pending.is_settled is final
            assert found is self.model.settle(name, amounts, outcome, moment)

    @rule(name=requests)
    def settle_estimate(self, name: str) -> None:
        entry = self.model.entries.get(name)
        amounts = Amounts(0, 0, 1) if entry is None else entry.call.estimate
        cost = Cost(amounts, None, Outcome.EXPIRED)
        self._check_end(name, amounts, Outcome.EXPIRED, self.engine.settle(name, cost))

    @rule(name=requests)
    def withdraw(self, name: str) -> None:
        if self.model.is_open(name):
            self.model.withdraw(name)
        self.runner.run(self.engine.withdraw(name))

    @rule(seconds=st.sampled_from([0.5, 3, 20, 49, 50, 51, 130]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.runner.run(self.engine.expire())
        self.model.expire(self.clock.monotonic())

    @rule(admission=st.sampled_from(Admission), unsettled=st.sampled_from(Unsettled))
    def reload(self, admission: Admission, unsettled: Unsettled) -> None:
        self.model.rules = replace(self.model.rules, admission=admission, unsettled=unsettled)
        self.engine.rules = self.model.rules

    @invariant()
    def every_limit_stands_where_the_model_says(self) -> None:
        now, limits = self.clock.wall(), list(self.seen.values())
        found = self.runner.run(self.engine.standings(limits))
        assert list(found) == [self.model.standing(limit, now) for limit in limits]

    @invariant()
    def every_end_is_one_row_of_the_ledger(self) -> None:
        if self.opened.rows is None:
            return
        latest: dict[tuple[str, int], LedgerRow] = {}
        for row in self.opened.rows():
            latest[row.request_id, row.at] = row
        assert sorted(map(_row, latest.values())) == sorted(
            _entry(entry)
            for entry in (*self.model.past, *self.model.entries.values())
            if entry.outcome is not None
        )


def _row(row: LedgerRow) -> tuple[object, ...]:
    charges = [(charge.key, charge.since, charge.amount) for charge in row.charges]
    return row.request_id, row.outcome, row.nano, sorted(charges)


def _entry(entry: Entry) -> tuple[object, ...]:
    """Return what the ledger has to say of a reservation that ended."""
    charges = [
        (limit.counter, window.since, entry.charged[limit.part])
        for limit, window in zip(entry.call.limits, entry.windows, strict=True)
    ]
    return entry.call.request_id, entry.outcome, entry.charged.nano, sorted(charges)
