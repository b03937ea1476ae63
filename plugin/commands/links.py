"""`gatepass users links`, `unlink`, `relink`: who was linked to a user, on what evidence; undone.

Ids and issuers are printed as they are, without what a terminal would take for a command. The
journal says that it was a token or an operator; which operator it was, the audit says.
"""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from gatepass.plugin.commands.acting import acting_as
from gatepass.plugin.commands.changing import Changing, with_changes
from gatepass.plugin.commands.table import print_table
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.transaction import CLI
from gatepass.plugin.directory.journal import CannotLink, LinkEntry, LinkJournal

_TITLES = ("WHEN", "ACTION", "EVIDENCE", "ISSUER", "SUBJECT", "E-MAIL")


def run_links(path: Path, user_id: str, *, as_json: bool) -> int:
    """Print the journal of a user; return the exit status: 0, or 1 when there is no such user."""
    return _run(path, lambda journal: journal.entries(user_id), as_json=as_json)


def run_unlink(path: Path, user_id: str, *, as_json: bool) -> int:
    """Take the row from whoever has it; return the exit status: 0 done, 1 it could not be."""

    async def unlink(journal: LinkJournal) -> list[LinkEntry]:
        return [await journal.unlink(user_id, int(time.time()))]

    return _run(path, unlink, as_json=as_json, changes=user_id)


def run_relink(path: Path, user_id: str, issuer: str, subject: str, *, as_json: bool) -> int:
    """Give the row to a subject; return the exit status: 0 done, 1 it could not be."""

    async def relink(journal: LinkJournal) -> list[LinkEntry]:
        return [await journal.relink(user_id, issuer, subject, int(time.time()))]

    return _run(path, relink, as_json=as_json, changes=user_id)


def _run(
    path: Path,
    work: Callable[[LinkJournal], Awaitable[Sequence[LinkEntry]]],
    *,
    as_json: bool,
    changes: str | None = None,
) -> int:
    """Do something with the journal; `changes` is the user that this changes, if it does."""

    async def journalled(changing: Changing) -> Sequence[LinkEntry]:
        entries = await work(LinkJournal(changing.database, acting_as(CLI)))
        if changes:
            changing.notify([Changed("user", changes)])
        return entries

    try:
        entries = with_changes(path, journalled)
    except CannotLink as refused:
        typer.echo(f"gatepass: {refused}", err=True)
        return 1
    if as_json:
        typer.echo(json.dumps([entry._asdict() for entry in entries], indent=2))
    else:
        print_table(_TITLES, [_cells(entry) for entry in entries])
    return 0


def _cells(entry: LinkEntry) -> tuple[str, ...]:
    when = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds")
    return (
        *(when, entry.action, entry.evidence, entry.issuer, entry.subject),
        entry.email or "-",
    )
