"""The budget of one row, for those who look at it."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Column, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.limits import Scope
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, to_budget
from gatepass.plugin.directory.tables import budgets, end_users, organizations, teams, users
from gatepass.rbac.budgets import Budget

_ROWS: Mapping[Scope, tuple[Table, Column[str]]] = {
    Scope.TEAM: (teams, teams.c.team_id),
    Scope.USER: (users, users.c.user_id),
    Scope.END_USER: (end_users, end_users.c.end_user_id),
    Scope.ORGANIZATION: (organizations, organizations.c.organization_id),
}
SCOPES = tuple(_ROWS)
"""Whose budgets stand in rows of their own."""


class StoredBudget(NamedTuple):
    """Whether there is a row, and its budget."""

    exists: bool
    budget: Budget | None


async def stored_budget(connection: AsyncConnection, scope: Scope, subject_id: str) -> StoredBudget:
    """Return the budget of a row; `scope` is one of SCOPES.

    Raises:
        ValueError: the store holds what is no budget.

    """
    table, identifier = _ROWS[scope]
    columns = [budgets.c.budget_id, *(budgets.c[name] for name in BUDGET_COLUMNS)]
    joined = table.outerjoin(budgets, table.c.budget_id == budgets.c.budget_id)
    query = select(*columns).select_from(joined).where(identifier == subject_id)
    row = (await connection.execute(query)).one_or_none()
    if row is None or row[0] is None:
        return StoredBudget(row is not None, None)
    return StoredBudget(exists=True, budget=to_budget(row[0], row[1:]))
