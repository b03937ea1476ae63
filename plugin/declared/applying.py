"""Making what is stored what is declared: in one transaction, each change with its audit entry.

What is stored is read in the same transaction, and only one writes at a time, so that nothing comes
between. A change that cannot be made takes all others back, and says which row it was.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import groupby

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.declared.carrying_out import create, delete, update
from gatepass.plugin.declared.difference import Action, Change, Difference, difference
from gatepass.plugin.declared.document import Declared
from gatepass.plugin.declared.rows import DEFAULTS, Kind, RowId
from gatepass.plugin.declared.stored import STORED_KINDS, read_stored
from gatepass.plugin.declared.text import printable
from gatepass.plugin.directory.changed import Notify, nobody_is_told
from gatepass.plugin.directory.changes.faults import ChangeRefused
from gatepass.plugin.directory.changes.many import create_rows
from gatepass.plugin.directory.changes.transaction import Actor, Transaction, changing
from gatepass.plugin.directory.database import Database

_MANY = 20
"""From this number on rows are made together."""

_NEEDED = {
    kind: {"role": DEFAULTS[kind]["role"]} for kind in (Kind.MEMBER, Kind.ORGANIZATION_MEMBER)
}


class CannotApply(GatepassError):
    """Some rows cannot be as they are declared; nothing was changed."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("cannot_apply", "\n".join(sentences))
        self.sentences = tuple(sentences)


@dataclass(frozen=True, slots=True)
class Applying:
    """Who makes the changes and when, in seconds since the epoch, and what else is allowed.

    `delete` lets rows go that a file does not name. `only_new` makes rows and changes none: those
    that are stored and differ are kept. `email_may_repeat` lets two users have one address, which
    then links neither. `home_issuer` is whose ids those of new users are who say nothing of it.
    """

    actor: Actor
    now: int
    delete: bool = False
    only_new: bool = False
    email_may_repeat: bool = False
    home_issuer: str | None = None


async def apply_declared(
    database: Database,
    declared: Declared,
    applying: Applying,
    notify: Notify = nobody_is_told,
    then: Callable[[Transaction, Difference], Awaitable[None]] | None = None,
) -> Difference:
    """Make every change that has to be made, then what else belongs to it, and return the changes.

    Raises:
        CannotApply: a row refers to one that is not there, or a change was refused.
        StoreUnavailable: the database fails.

    """
    async with changing(database, applying.actor, applying.now, notify) as transaction:
        transaction.email_may_repeat = applying.email_may_repeat
        transaction.memberships_are_said = True
        stored = await read_stored(transaction.connection)
        found = difference(stored, declared, delete=applying.delete)
        found = _with_home_issuer(found, declared, applying.home_issuer)
        if applying.only_new:
            found = _only_new(found)
        if found.unknown:
            raise CannotApply([_missing(row, needed) for row, needed in found.unknown])
        for kind, together in groupby(
            found.changes, lambda change: (change.action, change.row.kind)
        ):
            await _make_all(transaction, *kind, list(together))
        if then is not None:
            await then(transaction, found)
    return found


def row_text(row: RowId) -> str:
    """Return how a row is called, without what a terminal would take for a command."""
    return f"{row.kind} {printable(row.name)}"


def _with_home_issuer(found: Difference, declared: Declared, issuer: str | None) -> Difference:
    if issuer is None:
        return found
    changes = [
        replace(change, after={"home_issuer": issuer, **change.after})
        if change.action is Action.CREATE
        and change.row.kind is Kind.USER
        and "home_issuer" not in declared.rows[change.row]
        else change
        for change in found.changes
    ]
    return replace(found, changes=tuple(changes))


def _only_new(found: Difference) -> Difference:
    new = tuple(change for change in found.changes if change.action is Action.CREATE)
    kept = tuple(change.row for change in found.changes if change.action is not Action.CREATE)
    return replace(found, changes=new, kept=kept)


def _missing(row: RowId, needed: RowId) -> str:
    return f"{row_text(row)}: needs {row_text(needed)}, which is not there"


async def _make_all(
    transaction: Transaction, action: Action, kind: Kind, changes: list[Change]
) -> None:
    """Make changes of one kind; new rows together, unless one of them has to be found out."""
    many = action is Action.CREATE and len(changes) >= _MANY and kind is not Kind.BUDGET
    if many and await _created(transaction, kind, changes):
        return
    for change in changes:
        await _make(transaction, change)


async def _created(transaction: Transaction, kind: Kind, changes: list[Change]) -> bool:
    rows = [(change.row.key, {**_NEEDED.get(kind, {}), **change.after}) for change in changes]
    try:
        async with transaction.connection.begin_nested():
            await create_rows(transaction, STORED_KINDS[kind], rows)
    except ChangeRefused:
        return False
    return True


async def _make(transaction: Transaction, change: Change) -> None:
    try:
        if change.action is Action.CREATE:
            await create(transaction, change.row, change.after)
        elif change.action is Action.UPDATE:
            await update(transaction, change.row, change.after)
        else:
            await delete(transaction, change.row)
    except ChangeRefused as refused:
        about = "" if refused.field is None else f", {refused.field}"
        sentence = f"{refused.fault.sentence} ({refused.fault.code}{about})"
        raise CannotApply([f"{row_text(change.row)}: {sentence}"]) from refused
