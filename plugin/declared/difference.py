"""What has to change so that what is stored becomes what is declared. Pure.

Rows that are made or changed come first, what is referred to before what refers to it; rows that go
come last, the other way around. A row goes only if that is asked for, and only if the file says
that it names all of its kind, or all members of its group; with a user, a team or an organization
its memberships go. What is as it is to be leaves no trace, so that doing it twice does nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatepass.plugin.declared.document import Declared
from gatepass.plugin.declared.rows import DEFAULTS, Fields, Kind, RowId, Rows, Value, referred_to

_ORDER = {kind: at for at, kind in enumerate(Kind)}


class Action(StrEnum):
    """What happens to a row."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Change:
    """One row: the fields that differ, as they are stored and as they are to be."""

    action: Action
    row: RowId
    before: Fields
    after: Fields


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes in the order in which they can be made.

    `kept` are rows that a complete file does not name and that stay all the same. `unknown` are
    pairs of a row and one that it needs, which is neither declared nor stored, or which goes.
    """

    changes: tuple[Change, ...]
    kept: tuple[RowId, ...] = ()
    unknown: tuple[tuple[RowId, RowId], ...] = ()


def difference(stored: Rows, declared: Declared, *, delete: bool) -> Difference:
    """Return what has to change; without `delete` nothing goes."""
    surplus = [row for row in stored if row not in declared.rows and declared.is_complete_for(row)]
    gone = set(surplus) if delete else set[RowId]()
    gone |= {row for row in stored if _is_member(row) and _parents(row) & gone}
    changes = [
        change for row in _in_order(declared.rows) if (change := _change(row, stored, declared))
    ]
    leaving = [
        Change(Action.DELETE, row, stored[row], {})
        for row in reversed(_in_order(gone - declared.rows.keys()))
    ]
    unknown = [
        (row, needed)
        for row in _in_order(declared.rows)
        for needed in referred_to(row, declared.rows[row])
        if needed not in declared.rows and (needed not in stored or needed in gone)
    ]
    kept = () if delete else tuple(surplus)
    return Difference((*changes, *leaving), kept, tuple(unknown))


def _change(row: RowId, stored: Rows, declared: Declared) -> Change | None:
    fields = declared.rows[row]
    if row not in stored:
        return Change(Action.CREATE, row, {}, dict(_said(row, fields)))
    different = {name: value for name, value in fields.items() if stored[row][name] != value}
    if not different:
        return None
    before = {name: stored[row][name] for name in different}
    return Change(Action.UPDATE, row, before, different)


def _said(row: RowId, fields: Fields) -> Iterator[tuple[str, Value]]:
    """Yield the fields of a new row that are not what a new row has anyway."""
    for name, default in DEFAULTS[row.kind].items():
        if name in fields and fields[name] != default:
            yield name, fields[name]


def _in_order(rows: Rows | set[RowId]) -> list[RowId]:
    return sorted(rows, key=lambda row: _ORDER[row.kind])


def _is_member(row: RowId) -> bool:
    return row.kind in {Kind.MEMBER, Kind.ORGANIZATION_MEMBER}


def _parents(member: RowId) -> set[RowId]:
    return set(referred_to(member, {}))
