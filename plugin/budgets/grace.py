"""The loan of an engine whose store is away: what it lets through is counted when it is back.

Where a profile allows it (`allow_uncounted`), a call that nobody can count passes all the same, as
long as what was lent and not counted yet stays below so much money, and for so long after the first
such call; on none of its limits is more lent than the limit itself (loans.py). Every process lends
for itself. A call without a price is never lent. What a lent call really cost is charged, whatever
its limits say by then, as soon as the store answers; a call that nobody settles in time is charged
or not as any other. Whoever settles before that is told that the store is away, and may do it
again. A process that ends meanwhile loses what it lent, and says so.

Calls without any limit pass always: only their record waits for the store, and not many do.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, check_amounts
from gatepass.plugin.budgets.engine import (
    Admitted,
    BudgetEngine,
    Call,
    Cost,
    EngineRules,
    Pending,
    Settlement,
    Unsettled,
)
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.loans import Lent, Loans
from gatepass.plugin.errors import StoreUnavailable

REPAY_EVERY_SECONDS = 0.5
_FREE = Admitted(())
_RELEASED = Cost(NOTHING, None, Outcome.RELEASED)

_log = logging.getLogger("gatepass.budgets")


class SharedEngine(BudgetEngine, Protocol):
    """An engine whose store may be away, and that charges afterwards."""

    async def book(self, call: Call, cost: Cost) -> Settlement:
        """Charge a call that was let through without a reservation, whatever its limits say.

        Raises:
            StoreUnavailable: it may or may not have been charged; book again.

        """
        ...


class GraceBudgets:
    """An engine, and what it lends while its store is away."""

    waits: bool = True

    def __init__(
        self,
        engine: SharedEngine,
        clock: Clock,
        *,
        repay_every_seconds: float = REPAY_EVERY_SECONDS,
    ) -> None:
        self._engine = engine
        self._repay_every_seconds = repay_every_seconds
        self._monotonic = clock.monotonic
        self._loans = Loans(clock)
        self._lent = self._loans.lent
        self._repaying: asyncio.Task[None] | None = None

    @property
    def rules(self) -> EngineRules:
        """Return how the engine counts."""
        return self._engine.rules

    @rules.setter
    def rules(self, rules: EngineRules) -> None:
        self._engine.rules = rules

    async def open(self) -> None:
        """Open the engine."""
        await self._engine.open()

    async def close(self) -> None:
        """Count what can be counted, and close the engine."""
        if self._repaying is not None:
            self._repaying.cancel()
            await asyncio.wait([self._repaying])
        for lent in self._lent.values():
            lent.deadline = self._monotonic()
        with suppress(StoreUnavailable):
            await self.repay()
        if self._lent:
            _log.error("what passed uncounted is lost", extra={"calls": len(self._lent)})
        await self._engine.close()

    async def ping(self) -> None:
        """Raise StoreUnavailable when the engine cannot count right now."""
        await self._engine.ping()

    def reserve_now(self, call: Call) -> Admitted:
        """Refuse as the engine does."""
        return self._engine.reserve_now(call)

    def withdraw_now(self, request_id: str) -> None:
        """Refuse as the engine does."""
        self._engine.withdraw_now(request_id)

    async def reserve(self, call: Call) -> Admitted:
        """Reserve; or lend, where the call may be lent and the engine's store is away."""
        if call.request_id in self._lent:
            return _FREE
        try:
            return await self._engine.reserve(call)
        except StoreUnavailable:
            self._lend(call)
            return _FREE

    async def withdraw(self, request_id: str) -> None:
        """Take a reservation or a loan back."""
        lent = self._lent.get(request_id)
        if lent is None:
            await self._engine.withdraw(request_id)
        else:
            self._loans.forget(lent)

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Settle; what was lent is charged as soon as that can be done, also if this fails."""
        lent = self._lent.get(request_id)
        if lent is None:
            return await self._engine.settle(request_id, cost)
        check_amounts(cost.amounts)
        self._loans.end(lent, cost)
        return await self._book(lent)

    async def release(self, request_id: str) -> Settlement:
        """Settle at nothing."""
        return await self.settle(request_id, _RELEASED)

    async def pending(self, request_id: str) -> Pending | None:
        """Return what is remembered of a reservation or a loan."""
        lent = self._lent.get(request_id)
        if lent is None:
            return await self._engine.pending(request_id)
        call = lent.call
        return Pending(call.model, call.price, call.estimate, is_settled=False)

    def may_remember(self, request_id: str) -> bool:
        """Answer whether there may be a reservation or a loan."""
        return request_id in self._lent or self._engine.may_remember(request_id)

    async def expire(self) -> None:
        """End overdue reservations."""
        await self._engine.expire()

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Return how limits stand; what is lent is not counted yet."""
        return await self._engine.standings(limits)

    async def repay(self) -> None:
        """Charge what was lent and has ended, or is overdue.

        Raises:
            StoreUnavailable: the store is still away.

        """
        moment = self._monotonic()
        for lent in list(self._lent.values()):
            if lent.cost is None and moment >= lent.deadline:
                charge = self.rules.unsettled is Unsettled.CHARGE
                self._loans.end(lent, Cost(lent.call.estimate) if charge else _RELEASED)
            if lent.cost is not None:
                await self._book(lent)

    def _lend(self, call: Call) -> None:
        """Let a call through uncounted.

        Raises:
            StoreUnavailable: it may not be.

        """
        is_remembered = self._loans.lend(call, self.rules.reservation_timeout_seconds)
        if is_remembered and (self._repaying is None or self._repaying.done()):
            self._repaying = asyncio.get_running_loop().create_task(self._keep_repaying())

    async def _book(self, lent: Lent) -> Settlement:
        settlement = await self._engine.book(lent.call, lent.cost or _RELEASED)
        self._loans.forget(lent)
        self._loans.close_if_counted(lent.grace)  # the store is back
        return settlement

    async def _keep_repaying(self) -> None:
        while self._lent:
            await asyncio.sleep(self._repay_every_seconds)
            with suppress(StoreUnavailable):
                await self.repay()
