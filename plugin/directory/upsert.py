"""Making the rows that a token names and that are not stored: who may be made, and how.

In this order: a user whose id or verified e-mail belongs to another row is refused, whatever the
rules say (an account is never taken over, and never made twice); a user that is not stored is
refused unless upsert is on; a required team that is not stored is refused unless upsert is on and
the choice may be made; an organization that is not stored is refused always, and so is one that is
not the team's. End users without a row are not restricted. All is judged before anything is made.
"""

from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.limits import BudgetTemplate
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import budgets, teams, users
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice


class Missing(NamedTuple):
    """Ids of the rows that are to be made; None where nothing is."""

    user_id: str | None = None
    team_id: str | None = None


NOTHING_MISSING = Missing()

_RIVALS = (
    select(users.c.user_id)
    .where(or_(users.c.user_id == bindparam("user_id"), users.c.email == bindparam("email")))
    .limit(1)
)


def stored_email(identity: Identity) -> str | None:
    """Return the address that may stand in a row: an unverified one reserves nothing."""
    return identity.email if identity.email_verified else None


async def find_missing(
    connection: AsyncConnection,
    rules: DirectoryRules,
    identity: Identity,
    team: TeamChoice,
    found: Principals,
) -> Missing:
    """Return what is to be made, now that `found` is what is stored.

    Raises:
        AccessDenied: something that is not stored may not be made.

    """
    user_id = identity.user_id if found.user is None else None
    if user_id is not None:
        await _check_rivals(connection, user_id, stored_email(identity))
        if not rules.user_upsert:
            raise AccessDenied(AccessFault.USER_UNKNOWN)
    team_id = None
    if team.required and found.team is None:
        if not (team.creatable and rules.team_upsert):
            raise AccessDenied(AccessFault.TEAM_UNKNOWN)
        team_id = team.candidates[0]
    _check_organization(identity, found)
    return Missing(user_id, team_id)


async def _check_rivals(connection: AsyncConnection, user_id: str, email: str | None) -> None:
    result = await connection.execute(_RIVALS, {"user_id": user_id, "email": email})
    if result.first() is not None:
        raise AccessDenied(AccessFault.IDENTITY_DENIED)


def _check_organization(identity: Identity, found: Principals) -> None:
    of_team = None if found.team is None else found.team.organization_id
    named = identity.organization if identity.organization is not None else of_team
    if named is None:
        return
    if found.organization is None:
        raise AccessDenied(AccessFault.ORGANIZATION_UNKNOWN)
    if of_team is not None and of_team != named:
        # only one organization is judged: the team's would escape, blocked or not
        raise AccessDenied(AccessFault.IDENTITY_DENIED)


async def make_user(
    connection: AsyncConnection, rules: DirectoryRules, identity: Identity, now: int
) -> None:
    """Insert the caller's row with the defaults for users; `now` in seconds since the epoch."""
    defaults = rules.user_defaults
    await connection.execute(
        insert(users).values(
            user_id=identity.user_id,
            issuer=identity.issuer,
            subject=identity.subject,
            email=stored_email(identity),
            models=models_text(defaults.models),
            budget_id=await make_budget(connection, defaults.budget, now),
            created_at=now,
        )
    )


async def make_team(
    connection: AsyncConnection, rules: DirectoryRules, team_id: str, now: int
) -> None:
    """Insert the team's row with the defaults for teams; `now` in seconds since the epoch."""
    defaults = rules.team_defaults
    await connection.execute(
        insert(teams).values(
            team_id=team_id,
            models=models_text(defaults.models),
            budget_id=await make_budget(connection, defaults.budget, now),
            created_at=now,
        )
    )


async def make_budget(
    connection: AsyncConnection, template: BudgetTemplate | None, now: int
) -> str | None:
    """Insert a budget whose first window starts now, and return its id; None stays None."""
    if template is None:
        return None
    budget_id = uuid4().hex
    await connection.execute(
        insert(budgets).values(
            budget_id=budget_id,
            limit_nano_usd=template.limit_nano_usd,
            window_seconds=template.window_seconds,
            anchor=now,
        )
    )
    return budget_id
