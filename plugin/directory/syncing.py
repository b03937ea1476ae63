"""Memberships and the role, kept as the token says them, where the rules ask for it.

A token that has a list of teams says all of them: the person becomes a member of those that are
stored, and leaves the others, which takes the member's own models and budget along. A token without
the list says nothing, and nothing changes. Teams are never made here. A role that a token asserts
is written into the row for people to see; it counts only as long as a token asserts it, so that
whoever loses an administrator's role at the identity provider does not keep it here. Nor is it
written over a role that an operator gave, who may have been the last that administers. Each change
is audited as the person's own.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, insert

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.caller_rows import CallerRows
from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, USERS
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    delete_rows,
    find_row,
    note_changes,
    update_row,
)
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import memberships
from gatepass.rbac.identity import Identity
from gatepass.rbac.roles import Role


class Changes(NamedTuple):
    """What is to be changed in a person's rows; team ids in order."""

    role: Role | None = None
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


NO_CHANGES = Changes()


def says_teams(rules: DirectoryRules, identity: Identity) -> bool:
    """Answer whether the memberships are to be what the token lists; then all of them are read."""
    return rules.sync_teams and identity.teams_listed


def find_changes(rules: DirectoryRules, identity: Identity, rows: CallerRows) -> Changes:
    """Return what the token says otherwise than the rows of a stored person."""
    if rows.user is None or identity.user_id is None:
        return NO_CHANGES
    role = None
    # internal_user is what counts without a role as well, so that nothing is lost with it
    given_by_operator = rows.user.role not in {None, Role.INTERNAL_USER}
    if rules.sync_role and not given_by_operator and identity.role is not rows.role_column:
        role = identity.role
    if not says_teams(rules, identity):
        return Changes(role)
    said = {row.team.team_id for row in rows.teams} & {*identity.teams, identity.team}
    now = rows.member_of
    return Changes(role, tuple(sorted(said - now)), tuple(sorted(now - said)))


async def carry_out(transaction: Transaction, user_id: str, changes: Changes) -> Sequence[Effect]:
    """Change the person's rows, in whose name the transaction is, and return what was done."""
    effects = []
    own = memberships.c.user_id == user_id
    if changes.role is not None:
        user = await find_row(transaction, USERS, (user_id,))
        await update_row(transaction, USERS, user, {"role": changes.role, "role_synced": True})
        effects.append(Effect("role_synced", user_id))
    if changes.joined:
        await transaction.connection.execute(
            insert(memberships),
            [{"user_id": user_id, "team_id": team, "role": "user"} for team in changes.joined],
        )
        query = MEMBERSHIPS.query().where(and_(own, memberships.c.team_id.in_(changes.joined)))
        rows = await transaction.connection.execute(query)
        made = [(None, MEMBERSHIPS.read(row)) for row in rows]
        await note_changes(transaction, MEMBERSHIPS, "create", made)
        effects += [Effect("member_added", team_id) for team_id in changes.joined]
    if changes.left:
        left = and_(own, memberships.c.team_id.in_(changes.left))
        await delete_rows(transaction, MEMBERSHIPS, left)
        effects += [Effect("member_removed", team_id) for team_id in changes.left]
    return effects
