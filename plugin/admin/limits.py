"""What a request says of a budget, merged into the budget that is there: silence keeps.

A budget limits money, tokens and requests per window, of all models or of those of a pattern; soft
amounts refuse nothing. Null takes a limit away, and a budget without any limit is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.money import BudgetSetting, RaisedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.rbac.budgets import Limit, Raise, Unit
from gatepass.rbac.windows import FOREVER, Window

AMOUNTS: Mapping[str, tuple[Unit, bool]] = {
    "max_budget": (Unit.MONEY, True),
    "soft_budget": (Unit.MONEY, False),
    "max_tokens": (Unit.TOKENS, True),
    "soft_tokens": (Unit.TOKENS, False),
    "max_requests": (Unit.REQUESTS, True),
    "soft_requests": (Unit.REQUESTS, False),
}
"""The members that are amounts: what each counts, and whether it refuses."""


@dataclass(frozen=True, slots=True)
class SaidLimits:
    """What a request says, and nothing else.

    `amounts` are by the names above, None takes one away. `window` and `raised` count only where
    `says_window` and `says_raise`; `of_models` None leaves the limits of single models as they are.
    """

    amounts: Mapping[str, int | None] = field(default_factory=dict)
    says_window: bool = False
    window: Window | None = None
    of_models: tuple[Limit, ...] | None = None
    says_raise: bool = False
    raised: Raise | None = None


def merged(current: BudgetRecord | None, said: SaidLimits) -> BudgetSetting:
    """Return the budget of the row's own that comes of what is there and what is said.

    Raises:
        ChangeRefused: BAD_VALUE for a window or a raise without a limit, or a soft amount above the
            one that refuses.

    """
    own = None if current is None or current.named else current.to_budget()
    before = () if own is None else own.limits
    window = FOREVER if own is None else own.window
    if said.says_window:
        window = said.window or FOREVER
    of_models = said.of_models
    if of_models is None:
        of_models = tuple(limit for limit in before if limit.model is not None)
    limits = (*whole_limits(before, said.amounts), *of_models)
    if not limits:
        if said.window is not None or said.raised is not None:
            name = "budget_duration" if said.window is not None else "temp_budget_increase"
            raise ChangeRefused(ChangeFault.BAD_VALUE, name)
        return None
    template = BudgetTemplate(limits, window)
    return RaisedBudget(template, said.raised) if said.says_raise else template


def whole_limits(before: Iterable[Limit], amounts: Mapping[str, int | None]) -> tuple[Limit, ...]:
    """Return the limits of all models together.

    Raises:
        ChangeRefused: BAD_VALUE for a soft amount above the one that refuses.

    """
    known: dict[tuple[Unit, bool], int | None] = {}
    for limit in before:
        if limit.model is None:
            known |= {(limit.unit, True): limit.hard, (limit.unit, False): limit.soft}
    known |= {AMOUNTS[name]: amount for name, amount in amounts.items()}
    limits = []
    for unit in Unit:
        hard, soft = known.get((unit, True)), known.get((unit, False))
        if hard is None and soft is None:
            continue
        if hard is not None and soft is not None and soft > hard:
            raise ChangeRefused(ChangeFault.BAD_VALUE, _soft_name(unit))
        limits.append(Limit(unit, hard, soft))
    return tuple(limits)


def _soft_name(unit: Unit) -> str:
    return next(name for name, what in AMOUNTS.items() if what == (unit, False))
