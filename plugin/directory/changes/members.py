"""Changing who is in which team, with what is the member's own there."""

from typing import Final, TypedDict

from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, TEAMS, USERS
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import MemberRole, MembershipRecord, Models
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    check_reference,
    create_row,
    delete_rows,
    find_row,
    update_row,
)


class MemberFields(TypedDict, total=False):
    """What a member is to be; what is left out stays.

    A new member is a `user` with the team's models and without a limit of their own.
    """

    role: MemberRole
    models: Models
    budget: BudgetSetting


NO_MEMBER_FIELDS: Final[MemberFields] = {}


async def add_member(
    transaction: Transaction,
    user_id: str,
    team_id: str,
    fields: MemberFields = NO_MEMBER_FIELDS,
) -> MembershipRecord:
    """Make a user a member of a team.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE, REFERENCE_UNKNOWN for the user or the team.

    """
    await check_reference(transaction, USERS, user_id)
    await check_reference(transaction, TEAMS, team_id)
    values = {"role": "user", **fields}
    return await create_row(transaction, MEMBERSHIPS, (user_id, team_id), values)


async def update_member(
    transaction: Transaction,
    user_id: str,
    team_id: str,
    fields: MemberFields,
    version: int | None = None,
) -> MembershipRecord:
    """Change a membership; with `version` only if it is the row's.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    current = await find_row(transaction, MEMBERSHIPS, (user_id, team_id), version)
    return await update_row(transaction, MEMBERSHIPS, current, dict(fields))


async def delete_member(
    transaction: Transaction, user_id: str, team_id: str, version: int | None = None
) -> MembershipRecord:
    """End a membership, with the member's own models and limit.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    key = (user_id, team_id)
    current = await find_row(transaction, MEMBERSHIPS, key, version)
    await delete_rows(transaction, MEMBERSHIPS, MEMBERSHIPS.is_row(key))
    return current
