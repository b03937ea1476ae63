"""Changing named budgets, which several rows go by; each row's spending is counted by itself."""

from sqlalchemy import literal, select, union_all

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.budget_rows import budget_values
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import BUDGETS
from gatepass.plugin.directory.changes.money import (
    OwnBudget,
    allows_the_same,
    check_template,
    columns_for,
)
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    create_row,
    delete_rows,
    find_row,
    update_row,
)
from gatepass.plugin.directory.tables import (
    end_users,
    memberships,
    organizations,
    teams,
    users,
)

_REFERENCES = (
    users.c.budget_id,
    teams.c.budget_id,
    teams.c.member_budget_id,
    memberships.c.budget_id,
    organizations.c.budget_id,
    end_users.c.budget_id,
)


async def create_budget(
    transaction: Transaction, budget_id: str, template: BudgetTemplate
) -> BudgetRecord:
    """Make a budget that rows can go by; its first window starts now.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE.

    """
    check_template(template)
    budget = template.begin(budget_id, transaction.now)
    values: dict[str, object] = {**budget_values(budget, transaction.now), "named": True}
    del values["budget_id"]
    return await create_row(transaction, BUDGETS, (budget_id,), values)


async def update_budget(
    transaction: Transaction, budget_id: str, wanted: OwnBudget, version: int | None = None
) -> BudgetRecord:
    """Change a named budget for all rows that go by it.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, BAD_VALUE.

    """
    current = await _find(transaction, budget_id, version)
    if allows_the_same(current, wanted):
        return current
    values = columns_for(current, wanted, transaction.now)
    return await update_row(transaction, BUDGETS, current, values)


async def delete_budget(
    transaction: Transaction, budget_id: str, version: int | None = None
) -> BudgetRecord:
    """Delete a named budget that no row goes by.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, IN_USE: whoever goes by it would lose the limit.

    """
    current = await _find(transaction, budget_id, version)
    uses = union_all(
        *(select(literal(1)).where(column == budget_id) for column in _REFERENCES)
    ).limit(1)
    if (await transaction.connection.execute(uses)).first() is not None:
        raise ChangeRefused(ChangeFault.IN_USE, "budget_id")
    await delete_rows(transaction, BUDGETS, BUDGETS.is_row((budget_id,)))
    return current


async def _find(transaction: Transaction, budget_id: str, version: int | None) -> BudgetRecord:
    current = await find_row(transaction, BUDGETS, (budget_id,), version)
    if not current.named:  # it is a row's own, and changes with that row
        raise ChangeRefused(ChangeFault.NOT_FOUND, "budget_id")
    return current
