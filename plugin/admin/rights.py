"""Who asks, from a decision of the gate and from the rows as they are at this moment.

The rows are read in the transaction of the change, so that whoever has lost a right a moment ago
does not use it once more. What is blocked is administered by nobody who is in it.
"""

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.decision import Caller
from gatepass.plugin.directory.changes.kinds import USERS
from gatepass.plugin.directory.tables import (
    memberships,
    organization_memberships,
    organizations,
    teams,
)
from gatepass.rbac.administrators import Administrator, Person, TeamRole
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.roles import Role


async def administrator(connection: AsyncConnection, caller: Caller) -> Administrator:
    """Return who asks.

    Raises:
        AccessDenied: USER_BLOCKED, or ADMINISTRATION_DENIED when the row that let the caller pass
            the gate says something else by now.
        StoreUnavailable: the row holds what it cannot hold.

    """
    team = caller.principals.team
    acting_team = None if team is None else team.team_id
    passed_as = caller.principals.user
    if passed_as is None:
        return Administrator(caller.role, acting_team=acting_team)
    user_id = passed_as.user_id
    row = await USERS.find(connection, (user_id,))
    identity = caller.identity
    if row is None or (row.issuer, row.subject) != (identity.issuer, identity.subject):
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
    if row.blocked:
        raise AccessDenied(AccessFault.USER_BLOCKED)
    if identity.role is None:
        stored = None if row.role_synced else row.role
        if stored != passed_as.role:
            raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
    in_organizations = await connection.execute(_organizations_of(user_id))
    in_teams = await connection.execute(_teams_of(user_id))
    return Administrator(
        caller.role,
        user_id,
        {one.organization_id: Role(one.role) for one in in_organizations if not one.blocked},
        {one.team_id: _team_role(one) for one in in_teams},
        acting_team,
    )


async def find_person(connection: AsyncConnection, user_id: str) -> Person | None:
    """Return what says who may make a user a member, or None for one that is not stored.

    Raises:
        StoreUnavailable: the row holds what it cannot hold.

    """
    row = await USERS.find(connection, (user_id,))
    if row is None:
        return None
    in_organizations = await connection.execute(_organizations_of(user_id))
    in_teams = await connection.execute(_teams_of(user_id))
    return Person(
        row.role,
        {one.organization_id: Role(one.role) for one in in_organizations},
        frozenset(one.organization_id for one in in_teams),
    )


def _organizations_of(user_id: str) -> Select[tuple[str, str, bool]]:
    found = organization_memberships.c
    return (
        select(found.organization_id, found.role, organizations.c.blocked)
        .join(organizations, organizations.c.organization_id == found.organization_id)
        .where(found.user_id == user_id)
    )


def _teams_of(user_id: str) -> Select[tuple[str, str, str, bool, bool]]:
    found = memberships.c
    return (
        select(
            *(found.team_id, found.role, teams.c.organization_id, teams.c.blocked),
            organizations.c.blocked.label("organization_blocked"),
        )
        .join(teams, teams.c.team_id == found.team_id)
        .outerjoin(organizations, organizations.c.organization_id == teams.c.organization_id)
        .where(found.user_id == user_id)
    )


def _team_role(one: Row[tuple[str, str, str, bool, bool]]) -> TeamRole:
    """Return what somebody is to a team; nobody administers one that is blocked."""
    works = not one.blocked and not one.organization_blocked
    return "admin" if one.role == "admin" and works else "user"
