"""Changing organizations, and who is in them in which role."""

from typing import Final, TypedDict

from sqlalchemy import and_, select

from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import (
    MEMBERSHIPS,
    ORGANIZATION_MEMBERSHIPS,
    ORGANIZATIONS,
    USERS,
)
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import (
    Models,
    OrganizationMembershipRecord,
    OrganizationRecord,
)
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    Action,
    check_reference,
    create_row,
    delete_rows,
    find_row,
    update_row,
)
from gatepass.plugin.directory.tables import memberships, organization_memberships, teams
from gatepass.rbac.roles import Role


class OrganizationFields(TypedDict, total=False):
    """What an organization is to be; what is left out stays, or has its closed default."""

    alias: str | None
    blocked: bool
    models: Models
    budget: BudgetSetting


NO_ORGANIZATION_FIELDS: Final[OrganizationFields] = {}


async def create_organization(
    transaction: Transaction,
    organization_id: str,
    fields: OrganizationFields = NO_ORGANIZATION_FIELDS,
) -> OrganizationRecord:
    """Make an organization.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    return await create_row(transaction, ORGANIZATIONS, (organization_id,), dict(fields))


async def update_organization(
    transaction: Transaction,
    organization_id: str,
    fields: OrganizationFields,
    version: int | None = None,
    action: Action = "update",
) -> OrganizationRecord:
    """Change an organization; with `version` only if it is the row's.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    current = await find_row(transaction, ORGANIZATIONS, (organization_id,), version)
    return await update_row(transaction, ORGANIZATIONS, current, dict(fields), action)


async def set_organization_blocked(
    transaction: Transaction, organization_id: str, *, blocked: bool, version: int | None = None
) -> OrganizationRecord:
    """Keep everybody out who acts for an organization, or let them in again.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    action: Action = "block" if blocked else "unblock"
    fields: OrganizationFields = {"blocked": blocked}
    return await update_organization(transaction, organization_id, fields, version, action)


async def delete_organization(
    transaction: Transaction, organization_id: str, version: int | None = None
) -> OrganizationRecord:
    """Delete an organization without teams; its users stay.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, IN_USE while it has teams: they would lose the
            rules and the limit that bind them.

    """
    current = await find_row(transaction, ORGANIZATIONS, (organization_id,), version)
    of_it = select(teams.c.team_id).where(teams.c.organization_id == organization_id).limit(1)
    if (await transaction.connection.execute(of_it)).first() is not None:
        raise ChangeRefused(ChangeFault.IN_USE, "organization_id")
    await delete_rows(
        transaction,
        ORGANIZATION_MEMBERSHIPS,
        organization_memberships.c.organization_id == organization_id,
    )
    await delete_rows(transaction, ORGANIZATIONS, ORGANIZATIONS.is_row((organization_id,)))
    return current


async def add_organization_member(
    transaction: Transaction, user_id: str, organization_id: str, role: Role
) -> OrganizationMembershipRecord:
    """Make a user a member of an organization.

    Raises:
        ChangeRefused: ALREADY_EXISTS, REFERENCE_UNKNOWN for the user or the organization.

    """
    await check_reference(transaction, USERS, user_id)
    await check_reference(transaction, ORGANIZATIONS, organization_id)
    key = (user_id, organization_id)
    return await create_row(transaction, ORGANIZATION_MEMBERSHIPS, key, {"role": role})


async def update_organization_member(
    transaction: Transaction,
    user_id: str,
    organization_id: str,
    role: Role,
    version: int | None = None,
) -> OrganizationMembershipRecord:
    """Change what a member is in an organization.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    key = (user_id, organization_id)
    current = await find_row(transaction, ORGANIZATION_MEMBERSHIPS, key, version)
    return await update_row(transaction, ORGANIZATION_MEMBERSHIPS, current, {"role": role})


async def delete_organization_member(
    transaction: Transaction, user_id: str, organization_id: str, version: int | None = None
) -> OrganizationMembershipRecord:
    """End a membership in an organization, and those in its teams: what it grants goes with it.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    key = (user_id, organization_id)
    current = await find_row(transaction, ORGANIZATION_MEMBERSHIPS, key, version)
    if not transaction.memberships_are_said:
        of_it = select(teams.c.team_id).where(teams.c.organization_id == organization_id)
        left = and_(memberships.c.user_id == user_id, memberships.c.team_id.in_(of_it))
        await delete_rows(transaction, MEMBERSHIPS, left)
    await delete_rows(transaction, ORGANIZATION_MEMBERSHIPS, ORGANIZATION_MEMBERSHIPS.is_row(key))
    return current
