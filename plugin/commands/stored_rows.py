"""`gatepass users|teams|orgs|customers|budgets`: looking at rows, and changing one.

Every change is one transaction with its entry of the audit. Exit status: 0 it is so, 1 it is not:
there is no such row, or the change was refused. Wrong options and settings end with 2.
"""

import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.acting import acting_as
from gatepass.plugin.commands.changing import Changing, only_issuer, with_changes
from gatepass.plugin.commands.declared_report import print_json
from gatepass.plugin.commands.row_text import columns_of, print_record, record_json
from gatepass.plugin.commands.table import print_table
from gatepass.plugin.declared.applying import row_text
from gatepass.plugin.declared.carrying_out import create, delete, update
from gatepass.plugin.declared.rows import Fields, Kind, RowId
from gatepass.plugin.declared.stored import STORED_KINDS
from gatepass.plugin.directory.changes.faults import ChangeRefused
from gatepass.plugin.directory.changes.listing import list_rows
from gatepass.plugin.directory.changes.records import BudgetRecord, Record
from gatepass.plugin.directory.changes.transaction import CLI, Transaction, changing

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

Change = Callable[[Transaction], Awaitable[Record]]


class Listing(NamedTuple):
    """A page of the rows whose columns are as wanted; None asks for nothing. The first is 1."""

    wanted: Mapping[str, str | bool | None]
    page: int
    size: int


def run_list(config: Path, kind: Kind, listing: Listing, *, as_json: bool) -> int:
    """Print a page of rows."""
    wanted, page, size = listing
    stored = STORED_KINDS[kind]
    conditions: list[ColumnElement[bool]] = [
        stored.table.c[column] == value for column, value in wanted.items() if value is not None
    ]
    if kind is Kind.BUDGET:
        conditions.append(stored.table.c.named.is_(True))

    async def read(open_: Changing) -> tuple[list[Record], int]:
        async with open_.database.reading() as connection:
            found = await list_rows(connection, stored, tuple(conditions), page, size)
        return found.rows, found.total

    records, total = with_changes(config, read)
    if as_json:
        rows = [record_json(record) for record in records]
        print_json({"rows": rows, "page": page, "size": size, "total": total})
        return 0
    titles, cells = columns_of(kind, records)
    print_table(titles, cells)
    if total > len(records):
        typer.echo(f"page {page}: {len(records)} of {total}; --page and --size show others")
    return 0


def run_show(config: Path, row: RowId, *, as_json: bool) -> int:
    """Print everything that is stored in a row."""

    async def read(open_: Changing) -> Record | None:
        async with open_.database.reading() as connection:
            found: Record | None = await STORED_KINDS[row.kind].find(connection, row.key)
        return found

    record = with_changes(config, read)
    if record is None or (isinstance(record, BudgetRecord) and not record.named):
        sentence = f"{row_text(row)}: is not stored"
        if as_json:
            print_json({"ok": False, "code": "not_found", "problems": [sentence]})
        typer.echo(f"gatepass: {sentence}", err=True)
        return 1
    return _show(row, record, as_json=as_json)


def run_create(config: Path, row: RowId, fields: Fields, *, as_json: bool) -> int:
    """Make a row, and print it; a user's ids are the only issuer's, if nothing else is said."""
    if row.kind is Kind.USER and "home_issuer" not in fields:
        fields = {"home_issuer": only_issuer(config), **fields}
    return change_row(config, row, lambda made: create(made, row, fields), as_json=as_json)


def run_update(config: Path, row: RowId, fields: Fields, *, as_json: bool) -> int:
    """Change what is said of a row, and print it."""
    if not fields:
        typer.echo("gatepass: say what to change; --help lists the options", err=True)
        return 2
    return change_row(config, row, lambda made: update(made, row, fields), as_json=as_json)


def run_delete(config: Path, row: RowId, *, sure: bool, as_json: bool) -> int:
    """Delete a row, after a question where somebody can answer it, else with `--yes` alone."""
    if not sure and not sys.stdin.isatty():
        raise ConfigurationError(["--yes: nobody can be asked here; say it to delete"])
    if not sure and not typer.confirm(f"Delete {row_text(row)}?"):
        typer.echo("nothing was changed", err=True)
        return 1
    return change_row(config, row, lambda made: delete(made, row), as_json=as_json, verb="deleted")


def change_row(
    config: Path, row: RowId, change: Change, *, as_json: bool, verb: str | None = None
) -> int:
    """Change one row in a transaction, and print it, or what was done to it in a word.

    Returns the exit status: 0, or 1 when the change was refused.
    """

    async def work(open_: Changing) -> Record:
        now = int(time.time())
        async with changing(open_.database, acting_as(CLI), now, open_.notify) as transaction:
            return await change(transaction)

    try:
        record = with_changes(config, work)
    except ChangeRefused as refused:
        about = "" if refused.field is None else f" ({refused.field})"
        sentence = f"{row_text(row)}: {refused.fault.sentence}{about}"
        if as_json:
            told = {"code": refused.fault.code, "field": refused.field, "problems": [sentence]}
            print_json({"ok": False, **told})
        typer.echo(f"gatepass: {sentence}", err=True)
        return 1
    if verb is not None and not as_json:
        typer.echo(f"{verb} {row_text(row)}")
        return 0
    return _show(row, record, as_json=as_json)


def _show(row: RowId, record: Record, *, as_json: bool) -> int:
    if as_json:
        print_json(record_json(record))
    else:
        print_record(row.kind, record)
    return 0
