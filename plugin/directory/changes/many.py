"""Making many rows of one kind in a few statements, each with its entry of the audit.

For rows of which it is known that they are not stored, and that what they refer to is. What making
one asks for (ids, patterns, an address or an id that nobody else has) is asked here for hundreds at
once; whoever is refused learns which row it was by making them one by one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from uuid import uuid4

from sqlalchemy import Table, insert, select

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.budget_rows import budget_values
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import Key, Kind
from gatepass.plugin.directory.changes.money import NamedBudget, check_template
from gatepass.plugin.directory.changes.records import AnyRecord
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.writing import (
    Fields,
    check_text,
    models_column,
    note_changes,
)
from gatepass.plugin.directory.tables import budgets, users
from gatepass.rbac.linking import EmailState

AT_ONCE = 400
"""Rows in one statement; each has some parameters, of which a statement has a few thousand."""

NewRow = tuple[Key, Fields]
_Columns = dict[str, object]


async def create_rows(
    transaction: Transaction, kind: Kind[AnyRecord], rows: Iterable[NewRow]
) -> None:
    """Make rows; what is not said has the closed default of its column.

    Raises:
        ChangeRefused: one of them cannot be; which one is not said.

    """
    left = iter(rows)
    while chunk := list(islice(left, AT_ONCE)):
        own: list[_Columns] = []
        made = [_columns(transaction, kind, key, fields, own) for key, fields in chunk]
        if kind.table is users:
            await _check_users(transaction, made)
        await _insert(transaction, budgets, own)
        await _insert(transaction, kind.table, made)
        stored = await read_rows(transaction, kind, [key for key, _ in chunk])
        await note_changes(transaction, kind, "create", [(None, record) for record in stored])


async def _insert(transaction: Transaction, table: Table, rows: Iterable[_Columns]) -> None:
    """Insert rows; those that say alike go together, because the others have defaults."""
    alike: dict[frozenset[str], list[_Columns]] = {}
    for columns in rows:
        alike.setdefault(frozenset(columns), []).append(columns)
    for together in alike.values():
        await transaction.connection.execute(insert(table), together)


def _columns(
    transaction: Transaction,
    kind: Kind[AnyRecord],
    key: Key,
    fields: Fields,
    own: list[_Columns],
) -> _Columns:
    """Return the columns of a row; a budget of its own is added to `own`."""
    columns: _Columns = dict(zip(kind.keys, key, strict=True))
    for name, value in fields.items():
        if name in kind.money:
            columns[f"{name}_id"] = _budget_id(value, transaction.now, own)
        elif name == "models":
            columns[name] = models_column(value)
        elif name == "model_aliases":
            columns[name] = json.dumps(value)
        else:
            columns[name] = value
    if kind.table is users:
        email = columns.get("email")
        columns["email_state"] = None if email is None else EmailState.ENTERED
    if "created_at" in kind.table.c:
        columns["created_at"] = transaction.now
    for name, text in columns.items():
        if isinstance(text, str) and name not in {"models", "model_aliases"}:
            check_text(name, text)
    return columns


def _budget_id(wanted: object, now: int, own: list[_Columns]) -> str | None:
    if isinstance(wanted, NamedBudget):
        return wanted.budget_id
    if not isinstance(wanted, BudgetTemplate):
        return None
    check_template(wanted)
    budget = wanted.begin(uuid4().hex, now)
    own.append(dict(budget_values(budget, now)))
    return budget.budget_id


async def _check_users(transaction: Transaction, made: Sequence[Mapping[str, object]]) -> None:
    """Refuse an address or an id at the identity provider that another user has."""
    ids = [(one.get("home_issuer"), one.get("sso_user_id")) for one in made]
    known = [pair for pair in ids if None not in pair]
    emails = [one["email"] for one in made if one.get("email") is not None]
    if len(set(known)) != len(known):
        raise ChangeRefused(ChangeFault.ID_TAKEN, "sso_user_id")
    taken = select(users.c.user_id).where(
        users.c.home_issuer.in_({issuer for issuer, _ in known}),
        users.c.sso_user_id.in_([sso_id for _, sso_id in known]),
    )
    if (await transaction.connection.execute(taken.limit(1))).first() is not None:
        raise ChangeRefused(ChangeFault.ID_TAKEN, "sso_user_id")
    if transaction.email_may_repeat:
        return
    taken = select(users.c.user_id).where(
        users.c.email.in_(emails), users.c.email_state != EmailState.ASSERTED
    )
    if len(set(emails)) != len(emails) or (
        (await transaction.connection.execute(taken.limit(1))).first() is not None
    ):
        raise ChangeRefused(ChangeFault.EMAIL_TAKEN, "email")


async def read_rows(
    transaction: Transaction, kind: Kind[AnyRecord], keys: Sequence[Key]
) -> list[AnyRecord]:
    """Return those rows that are stored, hundreds in a statement.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    first, found = kind.table.c[kind.keys[0]], list[AnyRecord]()
    for start in range(0, len(keys), AT_ONCE):
        wanted = set(keys[start : start + AT_ONCE])
        query = kind.query().where(first.in_({key[0] for key in wanted}))
        records = [kind.read(row) for row in await transaction.connection.execute(query)]
        found += [record for record in records if kind.key_of(record) in wanted]
    return found
