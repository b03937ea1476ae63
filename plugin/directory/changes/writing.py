"""Making, changing and deleting a row of any kind, each with its entry of the audit.

A change that changes nothing leaves no entry, and the row's version as it is. What is special to a
kind stands in the module of that kind.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import insert, update
from sqlalchemy.sql.elements import ColumnElement

from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import Key, Kind
from gatepass.plugin.directory.changes.money import (
    BudgetSetting,
    budget_id_for,
    drop_own_budgets,
    is_set,
)
from gatepass.plugin.directory.changes.records import AnyRecord, BudgetRecord, Record, to_json
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.tables import audit
from gatepass.rbac.models import compile_models

MAX_ID_CHARS = 256

_NOT_TYPED = frozenset({"model_limits"})
"""Columns whose text nobody has typed in."""

Action = Literal["create", "update", "delete", "block", "unblock"]
Fields = Mapping[str, object]
"""Members of a record and what they are to be; `budget` and `member_budget` are settings."""


async def find_row(
    transaction: Transaction, kind: Kind[AnyRecord], key: Key, version: int | None = None
) -> AnyRecord:
    """Return a stored row, of this version if one is given.

    Raises:
        ChangeRefused: NOT_FOUND, VERSION_CONFLICT.

    """
    found = await kind.find(transaction.connection, key)
    if found is None:
        raise ChangeRefused(ChangeFault.NOT_FOUND, kind.keys[-1])
    if version is not None and found.version != version:
        raise ChangeRefused(ChangeFault.VERSION_CONFLICT)
    return found


async def create_row(
    transaction: Transaction, kind: Kind[AnyRecord], key: Key, fields: Fields
) -> AnyRecord:
    """Make a row; what is not said has the closed default of its column.

    Raises:
        ChangeRefused: ALREADY_EXISTS, BAD_VALUE, REFERENCE_UNKNOWN.

    """
    for name, value in zip(kind.keys, key, strict=True):
        check_text(name, value)
    if await kind.find(transaction.connection, key) is not None:
        raise ChangeRefused(ChangeFault.ALREADY_EXISTS, kind.keys[-1])
    values = await _columns(transaction, kind, None, fields)
    keys = dict(zip(kind.keys, key, strict=True))
    await transaction.connection.execute(insert(kind.table).values(**keys, **values))
    made = await find_row(transaction, kind, key)
    await note_changes(transaction, kind, "create", [(None, made)])
    return made


async def update_row(
    transaction: Transaction,
    kind: Kind[AnyRecord],
    current: AnyRecord,
    fields: Fields,
    action: Action = "update",
) -> AnyRecord:
    """Change a row that was read in this transaction; what is not said stays.

    Raises:
        ChangeRefused: BAD_VALUE, REFERENCE_UNKNOWN.

    """
    different = {
        name: value for name, value in fields.items() if not _is_so(kind, current, name, value)
    }
    if not different:
        return current
    key = kind.key_of(current)
    values = await _columns(transaction, kind, current, different)
    await transaction.connection.execute(
        update(kind.table)
        .where(kind.is_row(key))
        .values(**values, version=kind.table.c.version + 1)
    )
    changed = await find_row(transaction, kind, key)
    replaced = [
        getattr(current, name)
        for name in kind.money
        if name in different and _budget_id(current, name) != _budget_id(changed, name)
    ]
    await drop_own_budgets(transaction, replaced)
    await note_changes(transaction, kind, action, [(current, changed)])
    return changed


async def delete_rows(
    transaction: Transaction, kind: Kind[AnyRecord], condition: ColumnElement[bool]
) -> Sequence[AnyRecord]:
    """Delete all rows for which a condition holds, with their own budgets, and return them."""
    connection = transaction.connection
    gone = [kind.read(row) for row in await connection.execute(kind.query().where(condition))]
    if gone:
        await connection.execute(kind.table.delete().where(condition))
        await drop_own_budgets(
            transaction, [getattr(record, name) for record in gone for name in kind.money]
        )
        await note_changes(transaction, kind, "delete", [(record, None) for record in gone])
    return gone


async def check_reference(transaction: Transaction, kind: Kind[AnyRecord], row_id: str) -> None:
    """Refuse the id of a row that is not stored.

    Raises:
        ChangeRefused: REFERENCE_UNKNOWN.

    """
    if await kind.find(transaction.connection, (row_id,)) is None:
        raise ChangeRefused(ChangeFault.REFERENCE_UNKNOWN, kind.keys[0])


def check_text(name: str, value: str) -> None:
    """Refuse what is no id or name: 1 to 256 printable characters without blanks around them.

    Raises:
        ChangeRefused: BAD_VALUE.

    """
    fits = 0 < len(value) <= MAX_ID_CHARS
    if not fits or not value.isprintable() or value != value.strip():
        raise ChangeRefused(ChangeFault.BAD_VALUE, name)


def _is_so(kind: Kind[AnyRecord], current: AnyRecord, name: str, value: object) -> bool:
    if name in kind.money:
        return is_set(getattr(current, name), _as_setting(value))
    return bool(getattr(current, name) == value)


def _budget_id(record: Record, name: str) -> str | None:
    budget: BudgetRecord | None = getattr(record, name)
    return None if budget is None else budget.budget_id


def _as_setting(value: object) -> BudgetSetting:
    setting: BudgetSetting = value  # type: ignore[assignment]
    return setting


async def _columns(
    transaction: Transaction, kind: Kind[AnyRecord], current: AnyRecord | None, fields: Fields
) -> dict[str, object]:
    """Return the columns that say the same as the fields."""
    columns: dict[str, object] = {}
    for name, value in fields.items():
        if name in kind.money:
            budget = None if current is None else getattr(current, name)
            columns[f"{name}_id"] = await budget_id_for(transaction, budget, _as_setting(value))
        elif name == "models":
            columns[name] = models_column(value)
        elif name == "model_aliases":
            columns[name] = json.dumps(value)
        else:
            if isinstance(value, str) and name not in _NOT_TYPED:
                check_text(name, value)
            columns[name] = value
    return columns


def models_column(value: object) -> str:
    """Return the word "all" or patterns as they are stored.

    Raises:
        ChangeRefused: BAD_VALUE.

    """
    if value == "all":
        return models_text(None)
    patterns = tuple(value) if isinstance(value, (tuple, list)) else ("",)
    try:
        compile_models(patterns)
    except ValueError as error:
        raise ChangeRefused(ChangeFault.BAD_VALUE, "models") from error
    return models_text(patterns)


async def note_changes(
    transaction: Transaction,
    kind: Kind[AnyRecord],
    action: Action,
    pairs: Sequence[tuple[AnyRecord | None, AnyRecord | None]],
) -> None:
    """Write the audit, and note whom others are to forget."""
    entries = []
    for before, after in pairs:
        known = after if after is not None else before
        key = () if known is None else kind.key_of(known)
        transaction.changed.append(kind.changed(key))
        entries.append(
            {
                "actor_issuer": transaction.actor.issuer,
                "actor_subject": transaction.actor.subject,
                "action": action,
                "kind": kind.name,
                "row_id": key[0],
                "group_id": key[1] if len(key) > 1 else None,
                "before": None if before is None else to_json(before),
                "after": None if after is None else to_json(after),
                "at": transaction.now,
            }
        )
    await transaction.connection.execute(insert(audit), entries)
