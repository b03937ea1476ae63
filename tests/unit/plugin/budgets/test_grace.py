"""What an engine lends while its store is away: bounded, never twice, and counted in the end."""

import logging

import pytest

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import (
    Admitted,
    Call,
    Cost,
    EngineRules,
    Settlement,
    Unsettled,
)
from gatepass.plugin.budgets.grace import GraceBudgets
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.loans import MAX_LENT, MAX_UNLIMITED
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from gatepass.plugin.metering.prices import Price
from gatepass.rbac.budgets import Unit
from gatepass.rbac.grace import Grace, grace_on
from gatepass.rbac.routes import ALL_ROUTES, NO_ROUTES
from gatepass.rbac.windows import FOREVER
from support.clock import ManualClock

LIMIT = AppliedLimit(Scope.TEAM, "red", "b", Unit.MONEY, FOREVER, 1_000)
PRICE = Price(1, 1, 1)
GRACE = Grace("default", ALL_ROUTES, 100, 60)
TIMEOUT = 30


class Away(MemoryBudgets):
    """An engine whose store is away when told so, and that can charge afterwards."""

    waits = True
    away = False

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable

    async def ping(self) -> None:
        self._answer()

    async def reserve(self, call: Call) -> Admitted:
        self._answer()
        return self.reserve_now(call)

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        self._answer()
        return await super().settle(request_id, cost)

    async def withdraw(self, request_id: str) -> None:
        self._answer()
        self.withdraw_now(request_id)

    async def book(self, call: Call, cost: Cost) -> Settlement:
        self._answer()
        admission = self.rules
        self.rules = EngineRules(records_all=True)
        unlimited = [
            AppliedLimit(one.scope, one.subject_id, one.budget_id, one.unit, one.window, None, 1)
            for one in call.limits
        ]
        self.reserve_now(Call(call.request_id, unlimited, Amounts()))
        self.rules = admission
        return await self.settle(call.request_id, cost)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> Away:
    return Away(clock, EngineRules(reservation_timeout_seconds=TIMEOUT))


@pytest.fixture
def lender(engine: Away, clock: ManualClock) -> GraceBudgets:
    return GraceBudgets(engine, clock, repay_every_seconds=0.01)


def call(request_id: str, estimate: int = 40, grace: Grace | None = GRACE) -> Call:
    return Call(request_id, (LIMIT,), Amounts(estimate), model="m", price=PRICE, grace=grace)


async def spent(lender: GraceBudgets) -> int:
    (standing,) = await lender.standings([LIMIT])
    return standing.spent


def test_a_grace_holds_on_its_routes_alone() -> None:
    assert grace_on(GRACE, "POST", "/v1/x") is GRACE
    assert grace_on(Grace("default", NO_ROUTES, 1, 1), "POST", "/v1/x") is None
    assert grace_on(None, "POST", "/v1/x") is None


async def test_while_the_store_is_there_nothing_is_lent(lender: GraceBudgets) -> None:
    await lender.open()
    await lender.ping()
    await lender.reserve(call("r-1", 990))
    with pytest.raises(BudgetExceeded):
        await lender.reserve(call("r-2", 11))
    assert lender.may_remember("r-1")
    assert (await lender.settle("r-1", Cost(Amounts(5)))) is Settlement.SETTLED
    await lender.reserve(call("r-3"))
    await lender.withdraw("r-3")
    await lender.expire()
    assert await lender.release("r-3") is Settlement.UNKNOWN
    assert await lender.pending("r-3") is None
    assert await spent(lender) == 5
    await lender.close()


async def test_sec_59_without_a_grace_or_a_price_nothing_passes(
    lender: GraceBudgets, engine: Away
) -> None:
    engine.away = True
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-1", grace=None))
    with pytest.raises(StoreUnavailable):
        await lender.reserve(Call("r-1", (LIMIT,), Amounts(1), grace=GRACE))
    with pytest.raises(StoreUnavailable):
        await lender.ping()


async def test_sec_59_no_more_is_lent_than_told_and_all_of_it_is_counted(
    lender: GraceBudgets, engine: Away
) -> None:
    engine.away = True
    await lender.reserve(call("r-1"))
    await lender.reserve(call("r-1"))  # a repeat
    await lender.reserve(call("r-2"))
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-3", 21))
    await lender.reserve(call("r-3", 20))
    await lender.withdraw("r-3")
    await lender.reserve(call("r-4", 20))
    pending = await lender.pending("r-1")
    assert pending is not None
    assert (pending.price, pending.estimate, pending.is_settled) == (PRICE, Amounts(40), False)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await lender.settle("r-1", Cost(Amounts(70)))
    with pytest.raises(StoreUnavailable):
        await lender.release("r-2")
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-5", 11))
    await lender.reserve(call("r-5", 10))
    engine.away = False
    assert await lender.settle("r-1", Cost(Amounts(99))) is Settlement.SETTLED, "the first counts"
    await lender.repay()
    assert await spent(lender) == 70
    assert await lender.settle("r-4", Cost(Amounts(1))) is Settlement.SETTLED
    assert await lender.settle("r-5", Cost(Amounts(2))) is Settlement.SETTLED
    assert await lender.settle("r-1", Cost(Amounts(70))) is Settlement.ALREADY_SETTLED
    assert await spent(lender) == 73
    await lender.close()


def anns(unit: Unit, hard: int | None) -> AppliedLimit:
    return AppliedLimit(Scope.USER, "ann", "b", unit, FOREVER, hard, None if hard else 1)


@pytest.mark.parametrize(
    ("limit", "each", "passing"),
    [
        (anns(Unit.MONEY, 0), Amounts(0, 9, 1), 0),
        (anns(Unit.REQUESTS, 0), Amounts(0, 9, 1), 0),
        (anns(Unit.REQUESTS, 3), Amounts(0, 9, 1), 3),
        (anns(Unit.TOKENS, 30), Amounts(0, 9, 1), 3),
        (anns(Unit.MONEY, 25), Amounts(9, 9, 1), 2),
        (anns(Unit.MONEY, None), Amounts(9, 9, 1), 11),
    ],
)
async def test_sec_59_no_more_is_lent_than_each_limit_itself(
    lender: GraceBudgets, engine: Away, limit: AppliedLimit, each: Amounts, passing: int
) -> None:
    plenty = AppliedLimit(Scope.TEAM, "red", "b", Unit.REQUESTS, FOREVER, 1_000)
    engine.away = True

    async def lend(request_id: str) -> None:
        await lender.reserve(Call(request_id, (plenty, limit), each, price=PRICE, grace=GRACE))

    for number in range(passing):
        await lend(f"r-{number}")
    for number in range(100, 103):
        with pytest.raises(StoreUnavailable):
            await lend(f"r-{number}")
    if passing:
        await lender.withdraw("r-0")
        await lend("r-200")  # there is room again
        with pytest.raises(StoreUnavailable):
            await lend("r-201")
    engine.away = False
    for request_id in [f"r-{number}" for number in range(1, passing)] + ["r-200"] * bool(passing):
        await lender.settle(request_id, Cost(each))
    assert not lender._loans._held
    await lender.close()


async def test_a_raise_counts_for_loans_too(
    lender: GraceBudgets, engine: Away, clock: ManualClock
) -> None:
    until = int(clock.wall()) + 10
    raised = AppliedLimit(
        Scope.USER, "ann", "b", Unit.REQUESTS, FOREVER, 0, raised_by=1, raised_until=until
    )
    engine.away = True
    await lender.reserve(Call("r-1", (raised,), Amounts(1, 1, 1), price=PRICE, grace=GRACE))
    await lender.withdraw("r-1")
    clock.advance(10)
    with pytest.raises(StoreUnavailable):
        await lender.reserve(Call("r-2", (raised,), Amounts(1, 1, 1), price=PRICE, grace=GRACE))


async def test_sec_59_calls_that_cost_nothing_are_not_lent_without_end(
    lender: GraceBudgets, engine: Away
) -> None:
    engine.away = True
    for number in range(MAX_LENT):
        await lender.reserve(call(f"r-{number}", 0))
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-more", 0))
    await lender.withdraw("r-0")
    await lender.reserve(call("r-more", 0))
    engine.away = False
    await lender.close()


async def test_nothing_is_lent_after_its_time_until_all_is_counted(
    lender: GraceBudgets, engine: Away, clock: ManualClock
) -> None:
    engine.away = True
    await lender.reserve(call("r-1"))
    clock.advance(59)
    await lender.reserve(call("r-2"))
    clock.advance(1)
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-3", 1))
    engine.away = False
    await lender.repay()  # r-1 is overdue: its estimate is charged
    assert await spent(lender) == 40
    engine.away = True
    with pytest.raises(StoreUnavailable):
        await lender.reserve(call("r-3", 1))
    engine.away = False
    await lender.settle("r-2", Cost(Amounts(3)))
    engine.away = True
    await lender.reserve(call("r-3"))
    engine.away = False
    await lender.close()  # what nobody has settled by then is charged as if it were overdue
    assert await spent(lender) == 83


async def test_an_overdue_loan_is_released_where_that_is_the_rule(
    lender: GraceBudgets, engine: Away, clock: ManualClock
) -> None:
    lender.rules = EngineRules(unsettled=Unsettled.RELEASE, reservation_timeout_seconds=TIMEOUT)
    assert engine.rules is lender.rules
    engine.away = True
    await lender.reserve(call("r-1"))
    engine.away = False
    clock.advance(TIMEOUT)
    await lender.repay()
    assert await spent(lender) == 0
    assert await lender.settle("r-1", Cost(Amounts(7))) is Settlement.ALREADY_SETTLED
    await lender.close()


async def test_what_a_lent_call_did_cost_takes_the_place_of_its_estimate(
    lender: GraceBudgets, engine: Away
) -> None:
    engine.away = True
    await lender.reserve(call("r-1"))
    for cost in (
        Cost(Amounts(40), outcome=Outcome.EXPIRED),
        Cost(Amounts(70)),
        Cost(Amounts(5)),  # once it is known it stays
    ):
        with pytest.raises(StoreUnavailable):
            await lender.settle("r-1", cost)
    engine.away = False
    await lender.repay()
    assert await spent(lender) == 70


async def test_calls_without_limits_always_pass(lender: GraceBudgets, engine: Away) -> None:
    lender.rules = EngineRules(records_all=True)
    engine.away = True
    for number in range(MAX_UNLIMITED + 1):
        await lender.reserve(Call(f"r-{number}", (), Amounts(10**15)))
    assert lender.may_remember("r-0")
    assert not lender.may_remember(f"r-{MAX_UNLIMITED}"), "memory is bounded"
    engine.away = False
    assert await lender.settle("r-0", Cost(Amounts(1))) is Settlement.SETTLED
    await lender.close()


async def test_it_is_counted_again_without_anybody_asking(
    lender: GraceBudgets, engine: Away
) -> None:
    engine.away = True
    await lender.reserve(call("r-1"))
    with pytest.raises(StoreUnavailable):
        await lender.settle("r-1", Cost(Amounts(7)))
    engine.away = False
    repaying = lender._repaying
    assert repaying is not None
    await repaying
    assert await spent(lender) == 7


async def test_what_is_lost_is_said(
    lender: GraceBudgets, engine: Away, caplog: pytest.LogCaptureFixture
) -> None:
    engine.away = True
    await lender.reserve(call("r-1"))
    with caplog.at_level(logging.ERROR):
        await lender.close()
    record = caplog.records[-1]
    assert record.getMessage() == "what passed uncounted is lost"
    assert vars(record)["calls"] == 1


def test_what_does_not_wait_is_the_engines_own(engine: Away, clock: ManualClock) -> None:
    lender = GraceBudgets(engine, clock)
    lender.reserve_now(call("r-1"))
    lender.withdraw_now("r-1")
    assert engine.may_remember("r-1") is False
