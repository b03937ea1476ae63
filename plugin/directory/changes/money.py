"""The budgets of rows: one of the row's own, or a named one that several rows go by.

A row's own budget keeps its id when its limits change, so that what is used stays counted; a window
starts anew only when its length changes.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import delete, update

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, budget_values, make_budget
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import BUDGETS
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.tables import budgets
from gatepass.rbac.budgets import Budget, Limit, Raise
from gatepass.rbac.models import compile_models
from gatepass.rbac.windows import Rolling, Window

_AT_ONCE = 500


class NamedBudget(NamedTuple):
    """A budget that stands by itself."""

    budget_id: str


class RaisedBudget(NamedTuple):
    """A budget with a raise for a time; None takes the raise away, a template alone keeps it."""

    template: BudgetTemplate
    raised: Raise | None


OwnBudget = BudgetTemplate | RaisedBudget
BudgetSetting = OwnBudget | NamedBudget | None
"""What a row's budget is to be; None: no limit of its own."""


def is_set(current: BudgetRecord | None, wanted: BudgetSetting) -> bool:
    """Answer whether a row's budget is what it is to be."""
    if current is None or wanted is None:
        return current is None and wanted is None
    if isinstance(wanted, NamedBudget):
        return current.named and current.budget_id == wanted.budget_id
    return not current.named and allows_the_same(current, wanted)


def allows_the_same(current: BudgetRecord, wanted: OwnBudget) -> bool:
    """Answer whether a budget allows what it is to allow."""
    budget = current.to_budget()
    if isinstance(wanted, RaisedBudget) and budget.raised != wanted.raised:
        return False
    template = wanted.template if isinstance(wanted, RaisedBudget) else wanted
    return BudgetTemplate.of(budget) == template.normal()


async def budget_id_for(
    transaction: Transaction, current: BudgetRecord | None, wanted: BudgetSetting
) -> str | None:
    """Return the id of the budget that a row is to have, made or changed where it must be.

    Raises:
        ChangeRefused: REFERENCE_UNKNOWN when there is no such named budget, BAD_VALUE for limits
            that cannot be.

    """
    if wanted is None:
        return None
    if isinstance(wanted, NamedBudget):
        found = await BUDGETS.find(transaction.connection, (wanted.budget_id,))
        if found is None or not found.named:
            raise ChangeRefused(ChangeFault.REFERENCE_UNKNOWN, "budget_id")
        return found.budget_id
    if current is None or current.named:
        return await _make(transaction, wanted)
    await _change(transaction, current, wanted)
    return current.budget_id


async def _make(transaction: Transaction, wanted: OwnBudget) -> str | None:
    template = wanted.template if isinstance(wanted, RaisedBudget) else wanted
    check_template(template)
    budget_id = await make_budget(transaction.connection, template, transaction.now)
    if isinstance(wanted, RaisedBudget) and budget_id is not None:
        made = await BUDGETS.find(transaction.connection, (budget_id,))
        if made is not None:
            await _change(transaction, made, wanted)
    return budget_id


async def _change(transaction: Transaction, current: BudgetRecord, wanted: OwnBudget) -> None:
    await transaction.connection.execute(
        update(budgets)
        .where(budgets.c.budget_id == current.budget_id)
        .values(**columns_for(current, wanted, transaction.now), version=budgets.c.version + 1)
    )


def columns_for(current: BudgetRecord, wanted: OwnBudget, now: int) -> dict[str, str | int | None]:
    """Return the columns of a budget that is changed at `now`, in seconds since the epoch.

    Raises:
        ChangeRefused: BAD_VALUE for limits that cannot be.

    """
    template = wanted.template if isinstance(wanted, RaisedBudget) else wanted
    check_template(template)
    before = current.to_budget()
    raised = wanted.raised if isinstance(wanted, RaisedBudget) else before.raised
    budget = replace(_continued(before, template, now), raised=raised)
    start = current.anchor if budget.window == before.window else now
    nothing: dict[str, str | int | None] = dict.fromkeys(BUDGET_COLUMNS)
    values = nothing | budget_values(budget, start)
    del values["budget_id"]
    return values


def check_template(template: BudgetTemplate) -> None:
    """Refuse limits that cannot be: none at all, two of a kind, a model pattern that is none.

    Raises:
        ChangeRefused: BAD_VALUE.

    """
    try:
        template.begin("", 0)
        for limit in template.limits:
            compile_models(() if limit.model is None else (limit.model,))
    except ValueError as error:
        raise ChangeRefused(ChangeFault.BAD_VALUE, "budget") from error
    if not template.limits:
        raise ChangeRefused(ChangeFault.BAD_VALUE, "budget")


def _continued(before: Budget, template: BudgetTemplate, now: int) -> Budget:
    """Return the budget of a template, with those windows that go on as they are."""
    known = {(limit.unit, limit.model): limit.window for limit in before.limits}

    def going_on(limit: Limit) -> Limit:
        window = known.get((limit.unit, limit.model))
        if limit.window is None or not _is_as_long(window, limit.window):
            return limit
        return replace(limit, window=window)

    begun = template.begin(before.budget_id, now)
    window = before.window if _is_as_long(before.window, begun.window) else begun.window
    return Budget(before.budget_id, tuple(going_on(limit) for limit in begun.limits), window)


def _is_as_long(one: Window | None, other: Window) -> bool:
    if isinstance(one, Rolling) and isinstance(other, Rolling):
        return one.seconds == other.seconds
    return one == other


async def drop_own_budgets(transaction: Transaction, unused: Iterable[BudgetRecord | None]) -> None:
    """Delete those budgets that were a row's own, now that no row goes by them."""
    own = [budget.budget_id for budget in unused if budget is not None and not budget.named]
    for start in range(0, len(own), _AT_ONCE):
        ids = own[start : start + _AT_ONCE]
        await transaction.connection.execute(delete(budgets).where(budgets.c.budget_id.in_(ids)))
