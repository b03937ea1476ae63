"""The last step: does the money suffice? One reservation on every limit that applies, or on none.

A request of a caller without limits costs nothing to admit. With limits, every model that the
request names must have a price, and the dearest reading of the request is reserved. Where a profile
lets an unseen model through (`unsafe_unseen_model_routes`), nothing can be estimated: the limits
are still checked, and a limit that is used up still refuses. Where nothing is counted, every limit
refuses, whatever the request would cost: nobody knows what is left of it.
"""

from collections.abc import Sequence

from gatepass.plugin.budgets.engines import UncountedBudgets
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.metering.prices import PriceTable
from gatepass.plugin.naming import NAMES_NOTHING, Naming
from gatepass.plugin.reasons import Reason


def admit(
    budgets: MemoryBudgets,
    prices: PriceTable,
    request_id: str,
    limits: Sequence[AppliedLimit],
    naming: Naming,
) -> None:
    """Reserve what the request may cost at most.

    Raises:
        RequestRefused: PRICE_UNKNOWN, BUDGET_NOT_COUNTED.
        BudgetExceeded: naming the first limit that does not suffice.

    """
    if not limits or naming is NAMES_NOTHING:
        return
    if isinstance(budgets, UncountedBudgets):  # before prices: naming one would help nobody
        raise RequestRefused(Reason.BUDGET_NOT_COUNTED)
    if naming.facts is None and not naming.models:
        budgets.reserve(request_id, limits, 0)
        return
    if not naming.models:
        raise RequestRefused(Reason.PRICE_UNKNOWN)
    bound = None if naming.facts is None else naming.facts.max_output_tokens
    choices = 1 if naming.facts is None else naming.facts.choices
    estimate, dearest = 0, None
    for model in naming.models:
        price = prices.price_of(model)
        if price is None:
            raise RequestRefused(Reason.PRICE_UNKNOWN)
        cost = price.estimate_nano(naming.body_bytes, bound, choices)
        if cost >= estimate:
            estimate, dearest = cost, price
    budgets.reserve(request_id, limits, estimate, dearest)
