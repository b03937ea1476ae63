"""Changing teams."""

from collections.abc import Mapping
from typing import Final, TypedDict

from sqlalchemy import and_, select

from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, ORGANIZATIONS, TEAMS
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import Models, TeamRecord
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    Action,
    check_reference,
    create_row,
    delete_rows,
    find_row,
    update_row,
)
from gatepass.plugin.directory.tables import memberships, organization_memberships


class TeamFields(TypedDict, total=False):
    """What a team is to be; what is left out stays, or has its closed default.

    `member_budget` is each member's who has no other.
    """

    alias: str | None
    organization_id: str | None
    blocked: bool
    models: Models
    budget: BudgetSetting
    member_budget: BudgetSetting
    model_aliases: Mapping[str, str]
    may_modify_guardrails: bool


NO_TEAM_FIELDS: Final[TeamFields] = {}


async def create_team(
    transaction: Transaction, team_id: str, fields: TeamFields = NO_TEAM_FIELDS
) -> TeamRecord:
    """Make a team.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    await _check_organization(transaction, fields)
    values = {**fields, "created_at": transaction.now}
    return await create_row(transaction, TEAMS, (team_id,), values)


async def update_team(
    transaction: Transaction,
    team_id: str,
    fields: TeamFields,
    version: int | None = None,
    action: Action = "update",
) -> TeamRecord:
    """Change a team; with `version` only if it is the row's.

    One that goes from one organization to another keeps those members who are in that one, too.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    current = await find_row(transaction, TEAMS, (team_id,), version)
    await _check_organization(transaction, fields)
    await _leave_behind(transaction, current, fields.get("organization_id"))
    return await update_row(transaction, TEAMS, current, dict(fields), action)


async def set_team_blocked(
    transaction: Transaction, team_id: str, *, blocked: bool, version: int | None = None
) -> TeamRecord:
    """Keep everybody out who acts for a team, or let them in again.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    action: Action = "block" if blocked else "unblock"
    return await update_team(transaction, team_id, {"blocked": blocked}, version, action)


async def delete_team(
    transaction: Transaction, team_id: str, version: int | None = None
) -> TeamRecord:
    """Delete a team with its memberships; its users stay.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    current = await find_row(transaction, TEAMS, (team_id,), version)
    await delete_rows(transaction, MEMBERSHIPS, memberships.c.team_id == team_id)
    await delete_rows(transaction, TEAMS, TEAMS.is_row((team_id,)))
    return current


async def _leave_behind(
    transaction: Transaction, team: TeamRecord, organization_id: str | None
) -> None:
    """End the memberships of those who are not in the organization that the team goes to."""
    before = team.organization_id
    moves = None not in {before, organization_id} and before != organization_id
    if not moves or transaction.memberships_are_said:
        return
    in_it = select(organization_memberships.c.user_id).where(
        organization_memberships.c.organization_id == organization_id
    )
    left = and_(memberships.c.team_id == team.team_id, memberships.c.user_id.not_in(in_it))
    await delete_rows(transaction, MEMBERSHIPS, left)


async def _check_organization(transaction: Transaction, fields: TeamFields) -> None:
    organization_id = fields.get("organization_id")
    if organization_id is not None:
        await check_reference(transaction, ORGANIZATIONS, organization_id)
