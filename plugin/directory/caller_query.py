"""The one query for everything that is stored about a caller.

It gives one row for each team that the caller could act for, and one row without a team when there
is none; the person, the organization and the end user are repeated in each. What is not stored, or
bound to NULL (which equals nothing), is NULL. Rows are found by unique keys and indexes only, so
that the cost does not grow with the tables.
"""

from collections.abc import Sequence

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    FromClause,
    Label,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
    true,
    union,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from gatepass.plugin.directory.tables import (
    budgets,
    end_users,
    memberships,
    organization_memberships,
    organizations,
    teams,
    users,
)
from gatepass.rbac.identity import Identity
from gatepass.rbac.teams import TeamChoice

Parameters = dict[str, str | bool | Sequence[str] | None]


class _AsObject(FunctionElement[str]):
    """All rows of a group as one JSON object: the first column names the members."""

    type = Text()
    inherit_cache = True


@compiles(_AsObject, "sqlite")
def _in_sqlite(element: _AsObject, compiler: SQLCompiler, **more: object) -> str:
    return f"json_group_object({compiler.process(element.clauses, **more)})"


@compiles(_AsObject, "postgresql")
def _in_postgresql(element: _AsObject, compiler: SQLCompiler, **more: object) -> str:
    return f"json_object_agg({compiler.process(element.clauses, **more)})::text"


def _named(name: str) -> ColumnElement[str | None]:
    return bindparam(name, type_=Text)


def _several(name: str) -> ColumnElement[str]:
    return bindparam(name, expanding=True, type_=Text)


def _labels(prefix: str, table: FromClause, *columns: str) -> list[Label[object]]:
    return [table.c[column].label(f"{prefix}_{column}") for column in columns]


_MONEY = ("limit_nano_usd", "window_seconds", "anchor")
_user_money = budgets.alias("user_money")
_team_money = budgets.alias("team_money")
_member_money = budgets.alias("member_money")
_share_money = budgets.alias("share_money")
_organization_money = budgets.alias("organization_money")
_end_user_money = budgets.alias("end_user_money")

_is_the_person = and_(users.c.issuer == _named("issuer"), users.c.subject == _named("subject"))


def _candidates() -> CTE:
    """Return the ids of the stored teams that the choice speaks of."""
    by_id = select(teams.c.team_id).where(teams.c.team_id.in_(_several("team_ids")))
    by_alias = select(teams.c.team_id).where(teams.c.alias.in_(_several("team_aliases")))
    by_membership = (
        select(memberships.c.team_id)
        .join(users, users.c.user_id == memberships.c.user_id)
        .where(_is_the_person, bindparam("memberships", type_=Boolean))
    )
    return union(by_id, by_alias, by_membership).cte("candidates")


_candidate = _candidates()
_only_alias = (
    select(func.min(organizations.c.organization_id))
    .where(organizations.c.alias == _named("organization_alias"))
    .having(func.count() == 1)
    .scalar_subquery()
)
_organizations_of_user = (
    select(_AsObject(organization_memberships.c.organization_id, organization_memberships.c.role))
    .where(organization_memberships.c.user_id == users.c.user_id)
    .correlate(users)
    .scalar_subquery()
)
_anyone = select(literal(1).label("one")).subquery("anyone")

CALLER = select(
    *_labels("user", users, "user_id", "role", "role_synced", "blocked", "models", "budget_id"),
    *_labels("user", _user_money, *_MONEY),
    _organizations_of_user.label("user_organizations"),
    *_labels("team", teams, "team_id", "alias", "organization_id", "blocked", "models"),
    *_labels("team", teams, "model_aliases", "may_modify_guardrails", "budget_id"),
    *_labels("team", _team_money, *_MONEY),
    *_labels("member", memberships, "user_id", "models", "budget_id"),
    *_labels("member", _member_money, *_MONEY),
    teams.c.member_budget_id.label("share_budget_id"),
    *_labels("share", _share_money, *_MONEY),
    *_labels("organization", organizations, "organization_id", "alias", "blocked", "models"),
    *_labels("organization", organizations, "budget_id"),
    *_labels("organization", _organization_money, *_MONEY),
    *_labels("end_user", end_users, "end_user_id", "blocked", "models", "budget_id"),
    *_labels("end_user", _end_user_money, *_MONEY),
).select_from(
    _anyone.outerjoin(users, _is_the_person)
    .outerjoin(_user_money, _user_money.c.budget_id == users.c.budget_id)
    .outerjoin(_candidate, true())
    .outerjoin(teams, teams.c.team_id == _candidate.c.team_id)
    .outerjoin(_team_money, _team_money.c.budget_id == teams.c.budget_id)
    .outerjoin(
        memberships,
        and_(memberships.c.user_id == users.c.user_id, memberships.c.team_id == teams.c.team_id),
    )
    .outerjoin(_member_money, _member_money.c.budget_id == memberships.c.budget_id)
    .outerjoin(_share_money, _share_money.c.budget_id == teams.c.member_budget_id)
    .outerjoin(
        organizations,
        organizations.c.organization_id
        == func.coalesce(_named("organization_id"), _only_alias, teams.c.organization_id),
    )
    .outerjoin(_organization_money, _organization_money.c.budget_id == organizations.c.budget_id)
    .outerjoin(end_users, end_users.c.end_user_id == _named("end_user_id"))
    .outerjoin(_end_user_money, _end_user_money.c.budget_id == end_users.c.budget_id)
)


def parameters(identity: Identity, choice: TeamChoice) -> Parameters:
    """Return what the query is to be asked with; an organization's id goes before its alias."""
    alias = identity.organization_alias if identity.organization is None else None
    return {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "team_ids": choice.ids_to_load,
        "team_aliases": choice.aliases,
        "memberships": choice.memberships,
        "organization_id": identity.organization,
        "organization_alias": alias,
        "end_user_id": identity.end_user,
    }
