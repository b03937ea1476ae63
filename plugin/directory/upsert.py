"""What a token names and what is not stored: who is linked, who is made, who is refused.

In this order: a person without a row of their own is linked where gatepass.rbac.linking says so,
else made if upsert is on, else refused; one whose address is of no accepted domain is neither
linked nor made; a required team that is not stored is refused unless upsert is on and the choice
may be made; an end user without a row is made if upsert is on, and else is not restricted.
Organizations are never made. Whatever refuses does so before anything is written.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.accounts import link_user, make_user
from gatepass.plugin.directory.budget_rows import make_budget
from gatepass.plugin.directory.caller_rows import CallerRows
from gatepass.plugin.directory.choosing import chosen_teams
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.directory.tables import end_users, teams
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import Match, check_names_new_row
from gatepass.rbac.teams import TeamChoice


class Missing(NamedTuple):
    """What is to be done: the row to link, and the ids of those to make; None where nothing is."""

    link: Match | None = None
    user_id: str | None = None
    team_id: str | None = None
    end_user_id: str | None = None


NOTHING_MISSING = Missing()


async def find_missing(
    match: Callable[[], Awaitable[Match | None]],
    rules: DirectoryRules,
    identity: Identity,
    choice: TeamChoice,
    rows: CallerRows,
) -> Missing:
    """Return what is to be done, now that `rows` is what is stored.

    `match` is asked which row is that of a person who has none yet. A team that could be one of the
    person's memberships is judged when the person has their row: ask again then.

    Raises:
        AccessDenied: something that is not stored may be neither linked nor made.

    """
    link, user_id = None, None
    if rows.user is None and identity.user_id is not None:
        link = await match()
        if link is None:
            if not rules.user_upsert:
                raise AccessDenied(AccessFault.USER_UNKNOWN)
            check_names_new_row(identity, rules.linking)
            user_id = identity.user_id
        if not rules.linking.accepts_domain(identity):
            raise AccessDenied(AccessFault.EMAIL_DOMAIN_DENIED)
    team_id = None
    not_yet_known = choice.memberships and (link is not None or user_id is not None)
    if choice.required and not not_yet_known and not chosen_teams(choice, rows):
        team_id = choice.id_to_make if rules.team_upsert else None
        if team_id is None:
            raise AccessDenied(AccessFault.TEAM_UNKNOWN)
    makes_end_user = rules.end_user_upsert and rows.end_user is None
    return Missing(link, user_id, team_id, identity.end_user if makes_end_user else None)


async def make_missing(
    connection: AsyncConnection,
    rules: DirectoryRules,
    identity: Identity,
    missing: Missing,
    now: int,
) -> list[Effect]:
    """Link and make what is missing, and return what was done; `now` in seconds since the epoch.

    Raises:
        AccessDenied: a default team of new users is not stored.
        IntegrityError, LostRace: somebody else was faster.

    """
    effects = []
    if missing.link is not None:
        await link_user(connection, identity, missing.link, now)
        effects.append(Effect("user_linked", missing.link.user_id))
    if missing.team_id is not None:
        defaults = await _row_values(connection, rules.team_defaults, now)
        defaults["member_budget_id"] = await make_budget(connection, rules.team_member_budget, now)
        await connection.execute(
            insert(teams).values(team_id=missing.team_id, created_at=now, **defaults)
        )
        effects.append(Effect("team_created", missing.team_id))
    if missing.user_id is not None:
        await make_user(connection, rules, identity, now)
        effects.insert(0, Effect("user_created", missing.user_id))
    if missing.end_user_id is not None:
        defaults = await _row_values(connection, rules.end_user_defaults, now)
        await connection.execute(
            insert(end_users).values(end_user_id=missing.end_user_id, **defaults)
        )
        effects.append(Effect("end_user_created", missing.end_user_id))
    return effects


async def _row_values(
    connection: AsyncConnection, defaults: RowDefaults, now: int
) -> dict[str, str | None]:
    return {
        "models": models_text(defaults.models),
        "budget_id": await make_budget(connection, defaults.budget, now),
    }
