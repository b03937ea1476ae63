"""The last step: does it suffice? One reservation on every limit that applies, or on none.

A request that spends nothing (management, lists of models) is not counted at all. A caller without
limits costs nothing to admit, unless every call is written down. Where a profile lets an unseen
model through (`unsafe_unseen_model_routes`), nothing can be estimated: the limits are still
checked, and a limit that is used up still refuses. Where nothing is counted, every limit refuses,
whatever the request would cost: nobody knows what is left of it.

A proof of possession is used up only when the reservation stands, so that a caller who is refused
may ask again with it; where it was used before, the reservation is withdrawn.
"""

from collections.abc import Callable

import msgspec

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.budgets.engine import BudgetEngine, Call
from gatepass.plugin.budgets.engines import UncountedBudgets
from gatepass.plugin.budgets.estimates import PriceRules, estimate
from gatepass.plugin.decision import Allow, BodyWanted
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.known_caller import KnownCaller
from gatepass.plugin.naming import NAMES_NOTHING, Naming
from gatepass.plugin.reasons import Reason
from gatepass.rbac.grace import Grace


class Admissible(msgspec.Struct, frozen=True):
    """A request that may pass if it suffices; `use_proof` is None where there is no proof."""

    allow: Allow
    call: Call | None
    use_proof: Callable[[], None] | None


def call_to_admit(  # noqa: PLR0913, PLR0917 - who counts, what it costs, and the request
    budgets: BudgetEngine,
    prices: PriceRules,
    request_id: str,
    known: KnownCaller,
    naming: Naming,
    now: float,
    grace: Grace | None = None,
) -> Call | None:
    """Return what is to be reserved for a request, or None; `now` is in seconds since the epoch.

    `grace` is what it may pass by while nobody can count.

    Raises:
        RequestRefused: PRICE_UNKNOWN, BUDGET_NOT_COUNTED.

    """
    if naming is NAMES_NOTHING:
        return None
    limits = known.limits.to_models(naming.models) if known.limits else ()
    if not limits and not (budgets.rules.records_all and naming.models):
        return None
    if isinstance(budgets, UncountedBudgets):  # before prices: naming one would help nobody
        raise RequestRefused(Reason.BUDGET_NOT_COUNTED)
    found = estimate(naming, limits, prices, now)
    return Call(request_id, limits, found.amounts, known.payer, found.model, found.price, grace)


def admit_now(budgets: BudgetEngine, found: Admissible | BodyWanted) -> Allow | BodyWanted | None:
    """Return the decision, or None where counting has to wait for somebody else.

    Raises:
        BudgetExceeded: naming the first limit that does not suffice.
        TokenRefused, TooManyProofs: the proof does not count; nothing is reserved.

    """
    if isinstance(found, BodyWanted):
        return found
    call = found.call
    if call is not None:
        if budgets.waits:
            return None
        budgets.reserve_now(call)
    if found.use_proof is not None:
        try:
            found.use_proof()
        except GatepassError:
            if call is not None:
                budgets.withdraw_now(call.request_id)
            raise
    return found.allow


async def admit(budgets: BudgetEngine, found: Admissible | BodyWanted) -> Allow | BodyWanted:
    """Return the decision, waiting where it must.

    Raises:
        BudgetExceeded, TokenRefused, TooManyProofs: as in `admit_now`.
        StoreUnavailable: nobody knows what is left.

    """
    if isinstance(found, BodyWanted):
        return found
    call = found.call
    if call is not None:
        await budgets.reserve(call)
    if found.use_proof is not None:
        try:
            found.use_proof()
        except GatepassError:
            if call is not None:
                await budgets.withdraw(call.request_id)
            raise
    return found.allow
