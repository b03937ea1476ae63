"""LiteLLM's tables: what a file or a list holds, by its name, else by its columns.

Names are those of the tables (`LiteLLM_UserTable`), of its list endpoints (`/user/list`, and the
`users` in their answers), and what people make of either (`users-2.json`).
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Table(StrEnum):
    """The tables that are taken over, by their names in the database."""

    BUDGETS = "LiteLLM_BudgetTable"
    ORGANIZATIONS = "LiteLLM_OrganizationTable"
    MODEL_ALIASES = "LiteLLM_ModelTable"
    TEAMS = "LiteLLM_TeamTable"
    USERS = "LiteLLM_UserTable"
    TEAM_MEMBERS = "LiteLLM_TeamMembership"
    ORGANIZATION_MEMBERS = "LiteLLM_OrganizationMembership"
    END_USERS = "LiteLLM_EndUserTable"


_NAME = re.compile(
    r"(?:public)?(?:litellm)?"
    r"(budget|organization|org|model|team|user|teammembership|organizationmembership|enduser"
    r"|customer)s?(?:table|list|page)*"
)
_BY_NAME = {
    "budget": Table.BUDGETS,
    "organization": Table.ORGANIZATIONS,
    "org": Table.ORGANIZATIONS,
    "model": Table.MODEL_ALIASES,
    "team": Table.TEAMS,
    "user": Table.USERS,
    "teammembership": Table.TEAM_MEMBERS,
    "organizationmembership": Table.ORGANIZATION_MEMBERS,
    "enduser": Table.END_USERS,
    "customer": Table.END_USERS,
}
_BY_COLUMNS: tuple[tuple[Table, frozenset[str]], ...] = (
    (Table.TEAMS, frozenset({"team_id", "team_alias"})),
    (Table.ORGANIZATIONS, frozenset({"organization_id", "organization_alias"})),
    (Table.USERS, frozenset({"user_id", "user_email"})),
    (Table.ORGANIZATION_MEMBERS, frozenset({"user_id", "organization_id", "user_role"})),
    (Table.TEAM_MEMBERS, frozenset({"user_id", "team_id", "budget_id"})),
    (Table.END_USERS, frozenset({"user_id", "blocked"})),
    (Table.BUDGETS, frozenset({"budget_id", "max_budget"})),
    (Table.MODEL_ALIASES, frozenset({"id", "aliases"})),
)
"""By columns that every row of the table has; the first that fits counts."""


def table_by_name(name: str) -> Table | None:
    """Return the table that a name stands for, or None for a name that says nothing."""
    match = _NAME.fullmatch(re.sub(r"[^a-z]", "", name.lower()))
    return None if match is None else _BY_NAME[match[1]]


def table_by_columns(rows: Sequence[Mapping[str, object]]) -> Table | None:
    """Return the table that all rows can be of, or None when there is none."""
    for table, columns in _BY_COLUMNS:
        if all(columns <= row.keys() for row in rows):
            return table
    return None
