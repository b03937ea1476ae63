"""The rows that are stored, in the form in which they are declared.

A budget that is a row's own is its limit and its window; one that stands by itself is named. A role
that is only a copy of what a token said is none: it does not count without the token.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.rows import DEFAULTS, Fields, Kind, RowId, Rows, Value
from gatepass.plugin.directory.changes import kinds
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord, Record, UserRecord

STORED_KINDS: Final[Mapping[Kind, kinds.Kind[Any]]] = {
    Kind.BUDGET: kinds.BUDGETS,
    Kind.ORGANIZATION: kinds.ORGANIZATIONS,
    Kind.TEAM: kinds.TEAMS,
    Kind.USER: kinds.USERS,
    Kind.ORGANIZATION_MEMBER: kinds.ORGANIZATION_MEMBERSHIPS,
    Kind.MEMBER: kinds.MEMBERSHIPS,
    Kind.CUSTOMER: kinds.END_USERS,
}
"""Where the rows of each kind are stored."""


async def read_stored(connection: AsyncConnection) -> Rows:
    """Return every stored row but for the budgets that are another row's own.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    return {row: fields async for row, fields in _rows(connection)}


async def _rows(connection: AsyncConnection) -> AsyncIterator[tuple[RowId, Fields]]:
    for kind, stored in STORED_KINDS.items():
        query = stored.query().order_by(*(stored.table.c[key] for key in stored.keys))
        for row in await connection.execute(query):
            record = stored.read(row)
            if not isinstance(record, BudgetRecord) or record.named:
                yield RowId(kind, stored.key_of(record)), declared_fields(kind, record)


def declared_fields(kind: Kind, record: Record) -> Fields:
    """Return a stored row's fields as they would be declared."""
    if isinstance(record, BudgetRecord):
        return {"limit": _limit(record)}
    return {name: _value(record, name) for name in DEFAULTS[kind]}


def _value(record: Record, name: str) -> Value:
    value: Value | BudgetRecord = getattr(record, name)
    if isinstance(value, BudgetRecord):
        return NamedBudget(value.budget_id) if value.named else _limit(value)
    if name == "role" and isinstance(record, UserRecord) and record.role_synced:
        return None
    return value


def _limit(record: BudgetRecord) -> BudgetTemplate:
    return BudgetTemplate.of(record.to_budget())
