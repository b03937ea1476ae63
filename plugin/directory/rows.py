"""Reading rows as values: one query for everything that is stored about a caller.

A row that cannot be right (a limit that is not money, models that are no list) makes the store
unavailable: it is never read as "no limit" or "everything".
"""

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Label,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.limits import BudgetTemplate, InvalidAmount, check_amount
from gatepass.plugin.directory.tables import budgets, end_users, organizations, teams, users
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS, ModelRule, compile_models
from gatepass.rbac.principals import Budget, EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role
from gatepass.rbac.teams import TeamChoice

_ALL = "all"


def _named(name: str) -> ColumnElement[str | None]:
    return bindparam(name, type_=Text)


def _labels(prefix: str, table: FromClause, *columns: str) -> list[Label[object]]:
    return [table.c[column].label(f"{prefix}_{column}") for column in columns]


_user_budgets = budgets.alias("user_budgets")
_team_budgets = budgets.alias("team_budgets")
_anyone = select(literal(1).label("one")).subquery("anyone")
_CALLER = select(
    *_labels("user", users, "user_id", "role", "blocked", "models", "budget_id"),
    *_labels("user", _user_budgets, "limit_nano_usd", "window_seconds", "anchor"),
    *_labels("team", teams, "team_id", "organization_id", "blocked", "models", "budget_id"),
    *_labels("team", _team_budgets, "limit_nano_usd", "window_seconds", "anchor"),
    *_labels("organization", organizations, "organization_id", "blocked", "models"),
    *_labels("end_user", end_users, "end_user_id", "blocked", "models"),
).select_from(
    _anyone.outerjoin(
        users,
        and_(users.c.issuer == _named("issuer"), users.c.subject == _named("subject")),
    )
    .outerjoin(_user_budgets, _user_budgets.c.budget_id == users.c.budget_id)
    .outerjoin(teams, teams.c.team_id == _named("team_id"))
    .outerjoin(_team_budgets, _team_budgets.c.budget_id == teams.c.budget_id)
    .outerjoin(
        organizations,
        organizations.c.organization_id
        == func.coalesce(_named("organization_id"), teams.c.organization_id),
    )
    .outerjoin(end_users, end_users.c.end_user_id == _named("end_user_id"))
)
"""One row in any case; what is not stored, or bound to NULL (which equals nothing), is NULL."""


_STORED_TEAMS = select(teams.c.team_id).where(
    teams.c.team_id.in_(bindparam("team_ids", expanding=True))
)


async def find_principals(
    connection: AsyncConnection, identity: Identity, team: TeamChoice
) -> Principals:
    """Return what is stored about the caller.

    The person is found by issuer and subject, whether or not the token names a user: leaving a
    claim out of a token must not lead past the person's own row. The team is the first candidate
    that is stored; an organization not named is the team's.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    result = await connection.execute(
        _CALLER,
        {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "team_id": await _first_stored(connection, team.candidates),
            "organization_id": identity.organization,
            "end_user_id": identity.end_user,
        },
    )
    row = result.mappings().one()
    try:
        return Principals(
            user=_user(row),
            team=_team(row),
            organization=_organization(row),
            end_user=_end_user(row),
        )
    except (InvalidAmount, ValueError) as error:
        raise StoreUnavailable from error


async def _first_stored(connection: AsyncConnection, team_ids: Sequence[str]) -> str | None:
    """Return the only team id unseen, or the first of several that is stored."""
    if len(team_ids) <= 1:
        return team_ids[0] if team_ids else None
    result = await connection.execute(_STORED_TEAMS, {"team_ids": team_ids})
    stored = frozenset(result.scalars())
    return next((team_id for team_id in team_ids if team_id in stored), None)


def models_text(patterns: tuple[str, ...] | None) -> str:
    """Return the stored form of model patterns; None stands for all models."""
    return json.dumps(_ALL if patterns is None else patterns)


@lru_cache(maxsize=1_000)
def read_models(text: str) -> ModelRule:
    """Return the rule that the stored form says.

    Raises:
        ValueError: it is neither the word "all" nor a list of patterns.

    """
    stored = json.loads(text)
    if stored == _ALL:
        return ALL_MODELS
    if not isinstance(stored, list) or not all(isinstance(item, str) for item in stored):
        raise ValueError("stored models are neither a list of patterns nor the word for all")
    return compile_models(stored)


def _user(row: RowMapping) -> User | None:
    if row["user_user_id"] is None:
        return None
    return User(
        user_id=row["user_user_id"],
        models=read_models(row["user_models"]),
        role=None if row["user_role"] is None else Role(row["user_role"]),
        blocked=row["user_blocked"],
        budget=_budget(row, "user"),
    )


def _team(row: RowMapping) -> Team | None:
    if row["team_team_id"] is None:
        return None
    return Team(
        team_id=row["team_team_id"],
        models=read_models(row["team_models"]),
        organization_id=row["team_organization_id"],
        blocked=row["team_blocked"],
        budget=_budget(row, "team"),
    )


def _organization(row: RowMapping) -> Organization | None:
    if row["organization_organization_id"] is None:
        return None
    return Organization(
        organization_id=row["organization_organization_id"],
        models=read_models(row["organization_models"]),
        blocked=row["organization_blocked"],
    )


def _end_user(row: RowMapping) -> EndUser | None:
    if row["end_user_end_user_id"] is None:
        return None
    return EndUser(
        end_user_id=row["end_user_end_user_id"],
        models=read_models(row["end_user_models"]),
        blocked=row["end_user_blocked"],
    )


def _budget(row: RowMapping, prefix: str) -> Budget | None:
    """Return the row's budget; one that is named but not there is an InvalidAmount, not None."""
    budget_id = row[f"{prefix}_budget_id"]
    if budget_id is None:
        return None
    limit = BudgetTemplate(row[f"{prefix}_limit_nano_usd"], row[f"{prefix}_window_seconds"])
    anchor = row[f"{prefix}_anchor"]
    check_amount(anchor)
    return Budget(budget_id, limit.limit_nano_usd, limit.window_seconds, anchor)
