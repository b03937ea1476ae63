"""The kinds of rows that can be changed: their tables, their keys, and how one is read."""

from dataclasses import dataclass
from typing import Generic, Literal

from sqlalchemy import Row, Select, Table, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.records import (
    AnyRecord,
    BudgetRecord,
    EndUserRecord,
    MembershipRecord,
    OrganizationMembershipRecord,
    OrganizationRecord,
    TeamRecord,
    UserRecord,
    read_record,
)
from gatepass.plugin.directory.tables import (
    budgets,
    end_users,
    memberships,
    organization_memberships,
    organizations,
    teams,
    users,
)

KindName = Literal[
    "user",
    "team",
    "membership",
    "organization",
    "organization_membership",
    "end_user",
    "budget",
]
Key = tuple[str, ...]
"""The id of a row; of a membership the user's and then the group's."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[AnyRecord]):
    """A kind of rows; `money` are the members of its records that are budgets.

    `tells` is the kind of which others are told when such a row changes.
    """

    name: KindName
    table: Table
    keys: tuple[str, ...]
    record: type[AnyRecord]
    tells: Literal["user", "team", "organization", "end_user", "budget"]
    money: tuple[str, ...] = ("budget",)

    def is_row(self, key: Key) -> ColumnElement[bool]:
        """Return the condition that a row has this key."""
        pairs = zip(self.keys, key, strict=True)
        return and_(*(self.table.c[column] == value for column, value in pairs))

    def key_of(self, record: AnyRecord) -> Key:
        """Return the key of a record."""
        return tuple(getattr(record, column) for column in self.keys)

    def changed(self, key: Key) -> Changed:
        """Return what others are told of a row."""
        return Changed(self.tells, key[0])

    def query(self) -> Select[tuple[object, ...]]:
        """Return the query for rows of this kind with their budgets, to be narrowed."""
        query: Select[tuple[object, ...]] = select(self.table)
        for name in self.money:
            money = budgets.alias(name)
            query = query.add_columns(
                *(column.label(f"{name}__{column.name}") for column in money.c)
            ).outerjoin(money, money.c.budget_id == self.table.c[f"{name}_id"])
        return query

    def read(self, row: Row[tuple[object, ...]]) -> AnyRecord:
        """Return a row of the query as a record.

        Raises:
            StoreUnavailable: the row holds what it cannot hold.

        """
        return read_record(row._mapping, self.record, self.money)  # noqa: SLF001 - its public name

    async def find(self, connection: AsyncConnection, key: Key) -> AnyRecord | None:
        """Return the row with this key, or None.

        Raises:
            StoreUnavailable: the row holds what it cannot hold.

        """
        row = (await connection.execute(self.query().where(self.is_row(key)))).one_or_none()
        return None if row is None else self.read(row)


BUDGETS = Kind("budget", budgets, ("budget_id",), BudgetRecord, "budget", money=())
ORGANIZATIONS = Kind(
    "organization", organizations, ("organization_id",), OrganizationRecord, "organization"
)
TEAMS = Kind("team", teams, ("team_id",), TeamRecord, "team", money=("budget", "member_budget"))
USERS = Kind("user", users, ("user_id",), UserRecord, "user")
MEMBERSHIPS = Kind("membership", memberships, ("user_id", "team_id"), MembershipRecord, "user")
ORGANIZATION_MEMBERSHIPS = Kind(
    "organization_membership",
    organization_memberships,
    ("user_id", "organization_id"),
    OrganizationMembershipRecord,
    "user",
    money=(),
)
END_USERS = Kind("end_user", end_users, ("end_user_id",), EndUserRecord, "end_user")
