"""The one query for everything that is stored about a caller.

It gives a row for each team that the caller could act for, and one row without a team when there is
none. Its cells are JSON arrays: the person, the team, the person's membership in it, the
organization, the end user. What is not stored, or bound to NULL (which equals nothing), is NULL.

Every row is found by a whole unique key, or by an index, in a subquery of its own. Joins would be
as right and slower, and a server that keeps the plan it made for a nearly empty table might go on
reading that table from end to end when it has grown: a subquery leaves it nothing to choose.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    FromClause,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS
from gatepass.plugin.directory.json_sql import AsArray, AsObject, IsAmong, Names, Within
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

_Cell = ColumnElement[Any]
Parameters = Mapping[str, str | bool | Sequence[str] | None]


def _named(name: str) -> ColumnElement[str | None]:
    return bindparam(name, type_=Text)


_is_the_person = and_(users.c.issuer == _named("issuer"), users.c.subject == _named("subject"))
_user_id = select(users.c.user_id).where(_is_the_person).scalar_subquery()


def _candidates() -> CTE:
    """Return the ids of the stored teams that the choice speaks of, some of them twice.

    To leave out the second would be to sort, for which an index is read from end to end.
    """
    team_ids, aliases = bindparam("team_ids", type_=Names), bindparam("team_aliases", type_=Names)
    by_id = select(teams.c.team_id).where(IsAmong(teams.c.team_id, team_ids))
    by_alias = select(teams.c.team_id).where(IsAmong(teams.c.alias, aliases))
    by_membership = select(memberships.c.team_id).where(
        memberships.c.user_id == _user_id, bindparam("memberships", type_=Boolean)
    )
    return union_all(by_id, by_alias, by_membership).cte("candidates")


_candidate = _candidates()
_anyone = select(literal_column("1").label("one")).subquery("anyone")


def _money(table: FromClause, column: str = "budget_id") -> list[_Cell]:
    """Return the id of a row's budget, and what it is, as two cells."""
    reference: _Cell = table.c[column]
    cells = AsArray(*_columns(budgets, *BUDGET_COLUMNS))
    budget = select(cells).where(budgets.c.budget_id == reference).correlate(table)
    return [reference, Within(budget.scalar_subquery())]


def _row(
    table: FromClause, is_meant: ColumnElement[bool], cells: Sequence[_Cell]
) -> ScalarSelect[str]:
    row = select(cast(AsArray(*cells), Text)).select_from(table).where(is_meant)
    return row.correlate(_candidate).scalar_subquery()


def _columns(table: FromClause, *names: str) -> list[_Cell]:
    return [table.c[name] for name in names]


def _user() -> ScalarSelect[str]:
    organizations_of_user = (
        select(
            AsObject(organization_memberships.c.organization_id, organization_memberships.c.role)
        )
        .where(organization_memberships.c.user_id == users.c.user_id)
        .correlate(users)
        .scalar_subquery()
    )
    cells = _columns(users, "user_id", "role", "role_synced", "blocked", "models")
    return _row(users, _is_the_person, [*cells, Within(organizations_of_user), *_money(users)])


def _team() -> ScalarSelect[str]:
    cells = [
        *_columns(teams, "team_id", "alias", "organization_id", "blocked", "models"),
        *_columns(teams, "model_aliases", "may_modify_guardrails"),
        *_money(teams),
        *_money(teams, "member_budget_id"),
    ]
    return _row(teams, teams.c.team_id == _candidate.c.team_id, cells)


def _member() -> ScalarSelect[str]:
    is_meant = and_(
        memberships.c.user_id == _user_id, memberships.c.team_id == _candidate.c.team_id
    )
    return _row(memberships, is_meant, [memberships.c.models, *_money(memberships)])


def _organization() -> ScalarSelect[str]:
    """Return the organization that the token names, else the team's."""
    named = organizations.alias("named")
    only_alias = (
        select(func.min(named.c.organization_id))
        .where(named.c.alias == _named("organization_alias"))
        .having(func.count() == literal_column("1"))
        .scalar_subquery()
    )
    of_team = (
        select(teams.c.organization_id)
        .where(teams.c.team_id == _candidate.c.team_id)
        .correlate(_candidate)
        .scalar_subquery()
    )
    wanted = func.coalesce(_named("organization_id"), only_alias, of_team)
    cells = _columns(organizations, "organization_id", "alias", "blocked", "models")
    is_meant = organizations.c.organization_id == wanted
    return _row(organizations, is_meant, [*cells, *_money(organizations)])


def _end_user() -> ScalarSelect[str]:
    is_meant = end_users.c.end_user_id == _named("end_user_id")
    cells = _columns(end_users, "end_user_id", "blocked", "models")
    return _row(end_users, is_meant, [*cells, *_money(end_users)])


CALLER = select(
    _user().label("person"),
    _team().label("team"),
    _member().label("member"),
    _organization().label("organization"),
    _end_user().label("end_user"),
).select_from(_anyone.outerjoin(_candidate, true()))


def parameters(identity: Identity, choice: TeamChoice, *, all_teams: bool = False) -> Parameters:
    """Return what the query is to be asked with; an organization's id goes before its alias.

    With `all_teams` the rows are those of all teams that the token lists and of all memberships,
    whatever the choice needs.
    """
    alias = identity.organization_alias if identity.organization is None else None
    team_ids = choice.ids_to_load
    if all_teams:
        team_ids += (*identity.teams, *([] if identity.team is None else [identity.team]))
    return {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "team_ids": team_ids,
        "team_aliases": choice.aliases,
        "memberships": choice.memberships or all_teams,
        "organization_id": identity.organization,
        "organization_alias": alias,
        "end_user_id": identity.end_user,
    }
