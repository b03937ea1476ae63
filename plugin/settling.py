"""What a call really cost, put in the place of what was reserved for it.

A usage is priced with what the reservation remembers: the price of the moment at which the call was
let through. Where that model had no price, the estimate counts. It counts as well for a call that
has ended without anybody saying what it used; whoever says so later corrects that.
"""

from typing import TYPE_CHECKING

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import BudgetEngine, Cost, Settlement
from gatepass.plugin.budgets.ledger_rows import Outcome

if TYPE_CHECKING:
    from gatepass.plugin.metering.prices import Usage


class Books:
    """The Gate's part that settles; whatever it is asked may raise StoreUnavailable."""

    _budgets: BudgetEngine

    def may_be_settled(self, request_id: str) -> bool:
        """Tell whether a reservation of this request is remembered, settled or not."""
        return self._budgets.may_remember(request_id)

    async def settle(self, request_id: str, usage: "Usage") -> Settlement:
        """Replace the reservation of an allowed request by what it really cost; idempotent.

        A request that reserved nothing (no limit applied) is UNKNOWN here, which is no error.
        """
        return await settle_usage(self._budgets, request_id, usage)

    async def settle_cost(
        self, request_id: str, cost_nano: int, usage: "Usage | None" = None
    ) -> Settlement:
        """Replace the reservation by a cost in nano-dollars that the upstream named; idempotent."""
        return await settle_cost(self._budgets, request_id, cost_nano, usage)

    async def settle_estimate(self, request_id: str) -> Settlement:
        """Charge what was estimated: the call has ended, and nobody says what it used."""
        return await settle_estimate(self._budgets, request_id)

    async def release(self, request_id: str) -> Settlement:
        """Give back the reservation of an allowed request that was never made; idempotent."""
        return await self._budgets.release(request_id)


async def settle_usage(budgets: BudgetEngine, request_id: str, usage: "Usage") -> Settlement:
    """Settle a call by the tokens that it used.

    Raises:
        StoreUnavailable: it may or may not have been settled.

    """
    pending = await budgets.pending(request_id)
    if pending is None:
        return Settlement.UNKNOWN
    nano = pending.estimate.nano if pending.price is None else pending.price.cost_nano(usage)
    tokens = usage.input_tokens + usage.output_tokens
    return await budgets.settle(request_id, Cost(Amounts(nano, tokens, 1), usage))


async def settle_cost(
    budgets: BudgetEngine, request_id: str, cost_nano: int, usage: "Usage | None"
) -> Settlement:
    """Settle a call by its cost in nano-dollars; where its tokens are unknown, the estimate counts.

    Raises:
        InvalidAmount: the cost is not a whole number from 0 to MAX_AMOUNT; nothing changed.
        StoreUnavailable: it may or may not have been settled.

    """
    pending = await budgets.pending(request_id)
    if pending is None:
        return Settlement.UNKNOWN
    tokens = pending.estimate.tokens if usage is None else usage.input_tokens + usage.output_tokens
    return await budgets.settle(request_id, Cost(Amounts(cost_nano, tokens, 1), usage))


async def settle_estimate(budgets: BudgetEngine, request_id: str) -> Settlement:
    """Settle a call by its estimate until somebody says more of it; what is settled stays.

    Raises:
        StoreUnavailable: it may or may not have been settled.

    """
    pending = await budgets.pending(request_id)
    if pending is None:
        return Settlement.UNKNOWN
    if pending.is_settled:
        return Settlement.ALREADY_SETTLED
    return await budgets.settle(request_id, Cost(pending.estimate, None, Outcome.EXPIRED))
