"""An engine whose calls are noted for alerts; all else it leaves to the engine inside."""

from collections.abc import Sequence

from gatepass.plugin.alerts.watch import AlertWatch
from gatepass.plugin.budgets.engine import (
    Admitted,
    BudgetEngine,
    Call,
    Cost,
    EngineRules,
    Pending,
    Settlement,
)
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding


class WatchedBudgets:
    """Notes the limits of every call, also of one that is refused."""

    def __init__(self, engine: BudgetEngine, watch: AlertWatch) -> None:
        self.waits = engine.waits
        self._engine = engine
        self._note = watch.note
        self._reserve_now = engine.reserve_now
        self.withdraw_now = engine.withdraw_now
        self.may_remember = engine.may_remember

    @property
    def rules(self) -> EngineRules:
        """Return the rules of the engine inside."""
        return self._engine.rules

    @rules.setter
    def rules(self, rules: EngineRules) -> None:
        self._engine.rules = rules

    async def open(self) -> None:
        """Open the engine inside."""
        await self._engine.open()

    async def close(self) -> None:
        """Close the engine inside."""
        await self._engine.close()

    async def ping(self) -> None:
        """Ask the engine inside."""
        await self._engine.ping()

    def reserve_now(self, call: Call) -> Admitted:
        """Note the limits and reserve."""
        self._note(call.limits)
        return self._reserve_now(call)

    async def reserve(self, call: Call) -> Admitted:
        """Note the limits and reserve."""
        self._note(call.limits)
        return await self._engine.reserve(call)

    async def withdraw(self, request_id: str) -> None:
        """Withdraw."""
        await self._engine.withdraw(request_id)

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Settle."""
        return await self._engine.settle(request_id, cost)

    async def release(self, request_id: str) -> Settlement:
        """Release."""
        return await self._engine.release(request_id)

    async def pending(self, request_id: str) -> Pending | None:
        """Ask the engine inside."""
        return await self._engine.pending(request_id)

    async def expire(self) -> None:
        """Expire."""
        await self._engine.expire()

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Ask the engine inside."""
        return await self._engine.standings(limits)
