"""Changing end users, the customers of those who call."""

from typing import Final, TypedDict

from gatepass.plugin.directory.changes.kinds import END_USERS
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import EndUserRecord, Models
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    Action,
    create_row,
    delete_rows,
    find_row,
    update_row,
)


class EndUserFields(TypedDict, total=False):
    """What an end user is to be; what is left out stays, or has its closed default."""

    blocked: bool
    models: Models
    budget: BudgetSetting


NO_END_USER_FIELDS: Final[EndUserFields] = {}


async def create_end_user(
    transaction: Transaction, end_user_id: str, fields: EndUserFields = NO_END_USER_FIELDS
) -> EndUserRecord:
    """Make an end user.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    return await create_row(transaction, END_USERS, (end_user_id,), dict(fields))


async def update_end_user(
    transaction: Transaction,
    end_user_id: str,
    fields: EndUserFields,
    version: int | None = None,
    action: Action = "update",
) -> EndUserRecord:
    """Change an end user; with `version` only if it is the row's.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    current = await find_row(transaction, END_USERS, (end_user_id,), version)
    return await update_row(transaction, END_USERS, current, dict(fields), action)


async def set_end_user_blocked(
    transaction: Transaction, end_user_id: str, *, blocked: bool, version: int | None = None
) -> EndUserRecord:
    """Keep out whoever acts for an end user, or let them in again.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    action: Action = "block" if blocked else "unblock"
    return await update_end_user(transaction, end_user_id, {"blocked": blocked}, version, action)


async def delete_end_user(
    transaction: Transaction, end_user_id: str, version: int | None = None
) -> EndUserRecord:
    """Delete an end user, who is not restricted from then on; blocking keeps them out.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    current = await find_row(transaction, END_USERS, (end_user_id,), version)
    await delete_rows(transaction, END_USERS, END_USERS.is_row((end_user_id,)))
    return current
