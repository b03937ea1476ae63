"""Memberships and the role, kept as the token says them, where the rules ask for it.

A token that has a list of teams says all of them: the person becomes a member of those that are
stored, and leaves the others, which takes the member's own models and budget along. A token without
the list says nothing, and nothing changes. Teams are never made here. A role that a token asserts
is written into the row for people to see; it counts only as long as a token asserts it, so that
whoever loses an administrator's role at the identity provider does not keep it here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.rows import CallerRows
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import memberships, teams, users
from gatepass.rbac.identity import Identity
from gatepass.rbac.roles import Role

_MEMBERSHIPS = select(memberships.c.team_id).where(memberships.c.user_id == bindparam("user_id"))
_STORED = select(teams.c.team_id).where(teams.c.team_id.in_(bindparam("ids", expanding=True)))


class Changes(NamedTuple):
    """What is to be changed in a person's rows; team ids in order."""

    role: Role | None = None
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


NO_CHANGES = Changes()


async def find_changes(
    connection: AsyncConnection, rules: DirectoryRules, identity: Identity, rows: CallerRows
) -> Changes:
    """Return what the token says otherwise than the rows of a stored person."""
    if rows.user is None or identity.user_id is None:
        return NO_CHANGES
    role = None
    if rules.sync_role and identity.role is not rows.role_column:
        role = identity.role
    if not (rules.sync_teams and identity.teams_listed):
        return Changes(role)
    joined, left = await _find_moves(connection, rows.user.user_id, identity)
    return Changes(role, joined, left)


async def _find_moves(
    connection: AsyncConnection, user_id: str, identity: Identity
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    said = {*identity.teams, identity.team} - {None}
    stored = frozenset(
        (await connection.execute(_STORED, {"ids": sorted(map(str, said))})).scalars()
    )
    now = frozenset((await connection.execute(_MEMBERSHIPS, {"user_id": user_id})).scalars())
    return tuple(sorted(stored - now)), tuple(sorted(now - stored))


async def carry_out(
    connection: AsyncConnection, user_id: str, changes: Changes
) -> Sequence[Effect]:
    """Change the person's rows, and return what was done."""
    effects = []
    if changes.role is not None:
        await connection.execute(
            update(users)
            .where(users.c.user_id == user_id)
            .values(role=changes.role, role_synced=True)
        )
        effects.append(Effect("role_synced", user_id))
    if changes.joined:
        await connection.execute(
            insert(memberships),
            [{"user_id": user_id, "team_id": team, "role": "user"} for team in changes.joined],
        )
        effects += [Effect("member_added", team_id) for team_id in changes.joined]
    if changes.left:
        await connection.execute(
            delete(memberships).where(
                memberships.c.user_id == user_id, memberships.c.team_id.in_(changes.left)
            )
        )
        effects += [Effect("member_removed", team_id) for team_id in changes.left]
    return effects
