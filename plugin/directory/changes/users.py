"""Changing users.

An address that is written here is `entered`: its owner is linked to the row once a trusted issuer
verifies it, so two users may not have one. A role that is written here counts whatever a token said
before. With a user go their memberships; the journal of links and the audit stay.
"""

from typing import Final, TypedDict

from sqlalchemy import func, select, true

from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, ORGANIZATION_MEMBERSHIPS, USERS
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import Models, UserRecord
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    Action,
    create_row,
    delete_rows,
    find_row,
    update_row,
)
from gatepass.plugin.directory.tables import memberships, organization_memberships, users
from gatepass.rbac.addresses import is_address
from gatepass.rbac.linking import EmailState
from gatepass.rbac.roles import Role


class UserFields(TypedDict, total=False):
    """What a user is to be; what is left out stays, or has its closed default."""

    email: str | None
    home_issuer: str | None
    sso_user_id: str | None
    invited: bool
    role: Role | None
    blocked: bool
    models: Models
    budget: BudgetSetting


NO_USER_FIELDS: Final[UserFields] = {}


async def create_user(
    transaction: Transaction, user_id: str, fields: UserFields = NO_USER_FIELDS
) -> UserRecord:
    """Make a user that is bound to nobody yet.

    Raises:
        ChangeRefused: ALREADY_EXISTS, EMAIL_TAKEN, ID_TAKEN, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    values = await _checked(transaction, user_id, None, fields)
    values["created_at"] = transaction.now
    return await create_row(transaction, USERS, (user_id,), values)


async def update_user(
    transaction: Transaction,
    user_id: str,
    fields: UserFields,
    version: int | None = None,
    action: Action = "update",
) -> UserRecord:
    """Change a user; with `version` only if it is the row's.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, EMAIL_TAKEN, ID_TAKEN, LAST_ADMIN, BAD_VALUE,
            REFERENCE_UNKNOWN.

    """
    current = await find_row(transaction, USERS, (user_id,), version)
    values = await _checked(transaction, user_id, current, fields)
    stays = fields.get("role", current.role) is Role.PROXY_ADMIN
    if fields.get("blocked", current.blocked) or not stays:
        await _check_last_admin(transaction, current)
    return await update_row(transaction, USERS, current, values, action)


async def set_user_blocked(
    transaction: Transaction, user_id: str, *, blocked: bool, version: int | None = None
) -> UserRecord:
    """Keep a user out, or let them in again.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, LAST_ADMIN.

    """
    action: Action = "block" if blocked else "unblock"
    return await update_user(transaction, user_id, {"blocked": blocked}, version, action)


async def delete_user(
    transaction: Transaction, user_id: str, version: int | None = None
) -> UserRecord:
    """Delete a user with their memberships; upsert may make them anew, blocking keeps them out.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT, LAST_ADMIN.

    """
    current = await find_row(transaction, USERS, (user_id,), version)
    await _check_last_admin(transaction, current)
    await delete_rows(transaction, MEMBERSHIPS, memberships.c.user_id == user_id)
    await delete_rows(
        transaction, ORGANIZATION_MEMBERSHIPS, organization_memberships.c.user_id == user_id
    )
    await delete_rows(transaction, USERS, USERS.is_row((user_id,)))
    return current


async def _checked(
    transaction: Transaction, user_id: str, current: UserRecord | None, fields: UserFields
) -> dict[str, object]:
    """Return the fields with what follows from them."""
    values: dict[str, object] = dict(fields)
    if "email" in fields:
        written = fields["email"]
        email = None if written is None else _address(written)
        if current is not None and current.email == email:
            del values["email"]
        else:
            await _check_email_free(transaction, user_id, email)
            values |= {"email": email, "email_state": None if email is None else EmailState.ENTERED}
    if "role" in fields:
        values["role_synced"] = False
    await _check_sso_id_free(transaction, user_id, current, fields)
    return values


def _address(email: str) -> str:
    if not is_address(email):
        raise ChangeRefused(ChangeFault.BAD_VALUE, "email")
    return email.lower()


async def _check_email_free(transaction: Transaction, user_id: str, email: str | None) -> None:
    if email is None or transaction.email_may_repeat:
        return
    taken = select(users.c.user_id).where(
        users.c.email == email,
        users.c.email_state != EmailState.ASSERTED,
        users.c.user_id != user_id,
    )
    if (await transaction.connection.execute(taken.limit(1))).first() is not None:
        raise ChangeRefused(ChangeFault.EMAIL_TAKEN, "email")


async def _check_sso_id_free(
    transaction: Transaction, user_id: str, current: UserRecord | None, fields: UserFields
) -> None:
    issuer = fields.get("home_issuer", None if current is None else current.home_issuer)
    sso_id = fields.get("sso_user_id", None if current is None else current.sso_user_id)
    if issuer is None or sso_id is None or not {"home_issuer", "sso_user_id"} & set(fields):
        return
    taken = select(users.c.user_id).where(
        users.c.home_issuer == issuer,
        users.c.sso_user_id == sso_id,
        users.c.user_id != user_id,
    )
    if (await transaction.connection.execute(taken)).first() is not None:
        raise ChangeRefused(ChangeFault.ID_TAKEN, "sso_user_id")


async def _check_last_admin(transaction: Transaction, current: UserRecord) -> None:
    """Refuse to lose the last one who may put things right again."""
    counts = current.role is Role.PROXY_ADMIN and not (current.role_synced or current.blocked)
    if not counts or transaction.allow_no_admin:
        return
    # a row that is nobody's yet is no help to whoever has to put things right today
    as_good = users.c.issuer.is_not(None) if current.issuer is not None else true()
    others = select(func.count()).where(
        as_good,
        users.c.role == Role.PROXY_ADMIN,
        users.c.role_synced.is_(False),
        users.c.blocked.is_(False),
        users.c.user_id != current.user_id,
    )
    if (await transaction.connection.execute(others)).scalar_one() == 0:
        raise ChangeRefused(ChangeFault.LAST_ADMIN, "user_id")
