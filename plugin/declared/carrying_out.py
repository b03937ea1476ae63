"""One change of one row of any kind, by the functions that write and audit it.

What is special to a kind stands in gatepass.plugin.directory.changes; here its functions are found.
A change of nothing but `blocked` is audited as what it is.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.rows import DEFAULTS, Fields, Kind, RowId
from gatepass.plugin.directory.changes import (
    budgets,
    end_users,
    members,
    organizations,
    teams,
    users,
)
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import Key
from gatepass.plugin.directory.changes.records import Record
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import Action
from gatepass.rbac.roles import Role

if TYPE_CHECKING:
    from gatepass.plugin.directory.changes.end_users import EndUserFields
    from gatepass.plugin.directory.changes.members import MemberFields
    from gatepass.plugin.directory.changes.organizations import OrganizationFields
    from gatepass.plugin.directory.changes.teams import TeamFields
    from gatepass.plugin.directory.changes.users import UserFields


class _Writer(NamedTuple):
    create: Callable[[Transaction, Key, Fields], Awaitable[Record]]
    update: Callable[[Transaction, Key, Fields], Awaitable[Record]]
    delete: Callable[[Transaction, Key], Awaitable[Record]]


async def create(transaction: Transaction, row: RowId, fields: Fields) -> Record:
    """Make a row; what is not said starts as DEFAULTS say.

    Raises:
        ChangeRefused: it is there already, or cannot be like this.

    """
    return await _WRITERS[row.kind].create(transaction, row.key, fields)


async def update(transaction: Transaction, row: RowId, fields: Fields) -> Record:
    """Change what is said of a row.

    Raises:
        ChangeRefused: it is not there, or cannot be like this.

    """
    return await _WRITERS[row.kind].update(transaction, row.key, fields)


async def delete(transaction: Transaction, row: RowId) -> Record:
    """Delete a row, with the memberships that hang on it.

    Raises:
        ChangeRefused: it is not there, or others depend on it.

    """
    return await _WRITERS[row.kind].delete(transaction, row.key)


def _action(fields: Mapping[str, object]) -> Action:
    if set(fields) != {"blocked"}:
        return "update"
    return "block" if fields["blocked"] else "unblock"


def _limit(fields: Fields) -> BudgetTemplate:
    limit = fields.get("limit")
    if not isinstance(limit, BudgetTemplate):
        raise ChangeRefused(ChangeFault.BAD_VALUE, "limit")
    return limit


def _role(fields: Fields) -> Role:
    role = fields.get("role", DEFAULTS[Kind.ORGANIZATION_MEMBER]["role"])
    if not isinstance(role, Role):
        raise ChangeRefused(ChangeFault.BAD_VALUE, "role")
    return role


_WRITERS: Final[Mapping[Kind, _Writer]] = {
    Kind.BUDGET: _Writer(
        lambda made, key, fields: budgets.create_budget(made, key[0], _limit(fields)),
        lambda made, key, fields: budgets.update_budget(made, key[0], _limit(fields)),
        lambda made, key: budgets.delete_budget(made, key[0]),
    ),
    Kind.ORGANIZATION: _Writer(
        lambda made, key, fields: organizations.create_organization(
            made, key[0], cast("OrganizationFields", fields)
        ),
        lambda made, key, fields: organizations.update_organization(
            made, key[0], cast("OrganizationFields", fields), action=_action(fields)
        ),
        lambda made, key: organizations.delete_organization(made, key[0]),
    ),
    Kind.TEAM: _Writer(
        lambda made, key, fields: teams.create_team(made, key[0], cast("TeamFields", fields)),
        lambda made, key, fields: teams.update_team(
            made, key[0], cast("TeamFields", fields), action=_action(fields)
        ),
        lambda made, key: teams.delete_team(made, key[0]),
    ),
    Kind.USER: _Writer(
        lambda made, key, fields: users.create_user(made, key[0], cast("UserFields", fields)),
        lambda made, key, fields: users.update_user(
            made, key[0], cast("UserFields", fields), action=_action(fields)
        ),
        lambda made, key: users.delete_user(made, key[0]),
    ),
    Kind.ORGANIZATION_MEMBER: _Writer(
        lambda made, key, fields: organizations.add_organization_member(
            made, key[0], key[1], _role(fields)
        ),
        lambda made, key, fields: organizations.update_organization_member(
            made, key[0], key[1], _role(fields)
        ),
        lambda made, key: organizations.delete_organization_member(made, key[0], key[1]),
    ),
    Kind.MEMBER: _Writer(
        lambda made, key, fields: members.add_member(
            made, key[0], key[1], cast("MemberFields", fields)
        ),
        lambda made, key, fields: members.update_member(
            made, key[0], key[1], cast("MemberFields", fields)
        ),
        lambda made, key: members.delete_member(made, key[0], key[1]),
    ),
    Kind.CUSTOMER: _Writer(
        lambda made, key, fields: end_users.create_end_user(
            made, key[0], cast("EndUserFields", fields)
        ),
        lambda made, key, fields: end_users.update_end_user(
            made, key[0], cast("EndUserFields", fields), action=_action(fields)
        ),
        lambda made, key: end_users.delete_end_user(made, key[0]),
    ),
}
