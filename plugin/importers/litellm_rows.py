"""The rows of LiteLLM's database become rows of the directory, with a verdict for each.

Order: budgets, organizations, teams, users, members, end users: what is referred to comes first.
What is refused is left out of the rows. Pure, but for the files, which litellm_export.py reads; who
stores the rows is told what each had spent, because counters are not rows.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from gatepass.plugin.declared.rows import Fields, Kind, RowId, Rows
from gatepass.plugin.importers.litellm_export import Export, Row
from gatepass.plugin.importers.litellm_row_groups import (
    read_end_user,
    read_organization,
    read_team,
)
from gatepass.plugin.importers.litellm_row_members import Members
from gatepass.plugin.importers.litellm_row_money import BudgetTable, Spending
from gatepass.plugin.importers.litellm_row_people import STANDS_TWICE, Users
from gatepass.plugin.importers.litellm_tables import Table
from gatepass.plugin.importers.row_notes import RowNotes, RowVerdict


@dataclass(frozen=True, slots=True)
class ImportedRows:
    """What came out: rows without those that were refused, and what became of each."""

    rows: Rows
    spending: tuple[Spending, ...]
    verdicts: tuple[RowVerdict, ...]


class _Known:
    """The rows that there are: those of the export so far, and those that are stored."""

    def __init__(self, stored: Container[RowId], rows: dict[RowId, Fields]) -> None:
        self._stored = stored
        self._rows = rows

    def __contains__(self, row: object) -> bool:
        return row in self._rows or row in self._stored


def import_rows(
    export: Export, notes: RowNotes, *, home_issuer: str | None, stored: Rows
) -> ImportedRows:
    """Translate an export; `stored` are the rows that members and teams may refer to beside it."""
    tables = {table: list(_once(export.tables[table])) for table in Table}
    rows: dict[RowId, Fields] = {}
    known, spending = _Known(stored, rows), list[Spending]()
    kept = _Kept(rows, spending, notes, set())
    budgets = BudgetTable(rows)
    for row in tables[Table.BUDGETS]:
        budgets.read(row, notes)
    for row in tables[Table.ORGANIZATIONS]:
        kept.keep(read_organization(row, budgets, notes))
    aliases = _aliases(tables[Table.MODEL_ALIASES])
    for row in tables[Table.TEAMS]:
        kept.keep(read_team(row, budgets, aliases, known, notes))
    users = Users(home_issuer, notes)
    for row in tables[Table.USERS]:
        users.read(row)
    users.note_doubles(stored)
    rows |= users.rows
    members = Members(known, budgets, notes)
    _read_members(tables, members)
    for row in tables[Table.END_USERS]:
        kept.keep(read_end_user(row, budgets, notes))
    rows |= members.rows
    spending += [*users.spending, *members.spending]
    spent = tuple(one for one in spending if one.row in rows)
    order = {kind: at for at, kind in enumerate(Kind)}
    in_order = dict(sorted(rows.items(), key=lambda item: order[item[0].kind]))
    return ImportedRows(in_order, spent, tuple(notes))


def _read_members(tables: Mapping[Table, list[Row]], members: Members) -> None:
    for team in tables[Table.TEAMS]:
        members.read_list(team)
    of_teams = _nested(tables[Table.TEAMS], "team_memberships")
    for row in _once([*tables[Table.TEAM_MEMBERS], *of_teams]):
        members.read_membership(row)
    for user in tables[Table.USERS]:
        members.note_teams_of(user)
    nested = [
        *_nested(tables[Table.ORGANIZATIONS], "members"),
        *_nested(tables[Table.USERS], "organization_memberships"),
    ]
    for row in [*tables[Table.ORGANIZATION_MEMBERS], *nested]:
        members.read_organization_membership(row)


class _Kept(NamedTuple):
    """The rows of groups and end users; of two that have one id, neither."""

    rows: dict[RowId, Fields]
    spending: list[Spending]
    notes: RowNotes
    doubles: set[RowId]

    def keep(self, found: tuple[RowId, Fields, list[Spending]] | None) -> None:
        """Take a row, unless it was refused."""
        if found is None:
            return
        row, fields, spent = found
        if row in self.rows or row in self.doubles:
            self.doubles.add(row)
            self.rows.pop(row, None)
            self.notes.open(row.kind, row.name).refused(STANDS_TWICE)
            return
        self.rows[row] = fields
        self.spending.extend(spent)


def _aliases(rows: Iterable[Row]) -> dict[int, object]:
    found: dict[int, object] = {}
    for row in rows:
        number, names = row.get("id"), row.get("aliases", row.get("model_aliases"))
        if isinstance(number, int):
            found[number] = names
    return found


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows without repetitions: pages that were saved one after the other overlap."""
    seen: set[bytes] = set()
    for row in rows:
        digest = blake2b(repr(sorted(row.items())).encode(), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            yield row


def _nested(rows: Iterable[Row], column: str) -> Iterator[Row]:
    for row in rows:
        listed = row.get(column)
        for inner in listed if isinstance(listed, list) else ():
            if isinstance(inner, dict):
                yield inner
