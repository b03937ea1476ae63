"""`gatepass import litellm-rows`: another service's rows become ours, with a verdict for each.

Rows that are stored already are left as they are. Nothing is written while a row is refused, unless
that row shall be left out. What new rows had spent counts in their first window here.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.commands.acting import acting_as
from gatepass.plugin.commands.changing import Changing, with_changes
from gatepass.plugin.commands.declared_report import difference_json, print_json, row_json
from gatepass.plugin.commands.directory_apply import report_refused
from gatepass.plugin.declared.applying import Applying, CannotApply, apply_declared
from gatepass.plugin.declared.difference import Difference
from gatepass.plugin.declared.document import Declared
from gatepass.plugin.declared.stored import read_stored
from gatepass.plugin.declared.text import printable
from gatepass.plugin.directory.changes.transaction import IMPORT, Transaction
from gatepass.plugin.importers.litellm_export import read_export
from gatepass.plugin.importers.litellm_rows import ImportedRows, import_rows
from gatepass.plugin.importers.row_notes import RowNotes, RowVerdict, counts
from gatepass.plugin.importers.row_spending import carry_spending
from gatepass.plugin.importers.verdicts import Verdict
from gatepass.plugin.settings import compile_settings, load_settings

NO_ISSUER = "none"

_COLORS = {
    Verdict.EXACT: typer.colors.GREEN,
    Verdict.CHANGED: typer.colors.CYAN,
    Verdict.MANUAL: typer.colors.YELLOW,
    Verdict.REFUSED: typer.colors.RED,
}


@dataclass(frozen=True, slots=True)
class RowImport:
    """What to import from where, whose ids the users have, and how carefully."""

    export: Path
    home_issuer: str | None
    dry_run: bool
    skip_refused: bool


class _Result(NamedTuple):
    """What came out of the export, what was made of it, and how many counters began."""

    imported: ImportedRows
    found: Difference | None
    counters: int = 0


def run_import_rows(config: Path, wanted: RowImport, *, every: bool, as_json: bool) -> int:
    """Make the rows and print the verdicts; return the exit status.

    0: nothing needs a person; 1: something does; 2: something was refused, and nothing is written.

    Raises:
        ConfigurationError: the settings, the database or a file cannot be used.
        StoreUnavailable: the database does not answer.

    """
    issuer = _home_issuer(config, wanted.home_issuer)
    try:
        result = with_changes(
            config, lambda changing: _import(changing, wanted, issuer), dry_run=wanted.dry_run
        )
    except CannotApply as refused:
        return report_refused(refused, as_json=as_json)
    verdicts = [*result.imported.verdicts, *_kept(result.found)]
    status = _status(verdicts, written=result.found is not None)
    if as_json:
        print_json(_document(result, verdicts, status, dry_run=wanted.dry_run))
        return status
    for verdict in verdicts:
        if every or verdict.verdict is not Verdict.EXACT:
            typer.echo(_line(verdict))
    typer.echo(_summary(result, verdicts, dry_run=wanted.dry_run))
    if (
        result.counters
        and compile_settings(load_settings(config)).budget_engine is EngineKind.REDIS
    ):
        typer.echo("to do: `gatepass budgets rebuild` takes what was spent into Redis", err=True)
    return status


def _home_issuer(config: Path, said: str | None) -> str | None:
    issuers = [issuer.issuer for issuer in load_settings(config).issuers]
    listed = ", ".join(issuers)
    if said is None:
        if len(issuers) == 1:
            return issuers[0]
        raise ConfigurationError([f"--home-issuer: say whose ids the users have: {listed}, none"])
    if said == NO_ISSUER:
        return None
    if said not in issuers:
        raise ConfigurationError([f"--home-issuer: none of the settings' issuers: {listed}, none"])
    return said


async def _import(changing: Changing, wanted: RowImport, issuer: str | None) -> _Result:
    """Return what the export holds and what was made of it: nothing while something is refused."""
    async with changing.database.reading() as connection:
        stored = await read_stored(connection)
    notes = RowNotes()
    export = read_export(wanted.export, notes)
    imported = import_rows(export, notes, home_issuer=issuer, stored=stored)
    if counts(imported.verdicts)[Verdict.REFUSED] and not wanted.skip_refused:
        return _Result(imported, None)
    counters = 0

    async def carry(transaction: Transaction, found: Difference) -> None:
        nonlocal counters
        made = {change.row for change in found.changes}
        counters = await carry_spending(transaction, imported.spending, made)

    actor = acting_as(IMPORT)
    applying = Applying(actor, int(time.time()), only_new=True, email_may_repeat=True)
    declared = Declared(imported.rows)
    found = await apply_declared(changing.database, declared, applying, changing.notify, carry)
    return _Result(imported, found, counters)


def _kept(found: Difference | None) -> Iterator[RowVerdict]:
    for row in () if found is None else found.kept:
        sentence = "is stored already, and says something else: left as it is"
        yield RowVerdict(row.kind, row.name, Verdict.MANUAL, (sentence,))


def _status(verdicts: Sequence[RowVerdict], *, written: bool) -> int:
    if not written:
        return 2
    number = counts(verdicts)
    return 1 if number[Verdict.MANUAL] or number[Verdict.REFUSED] else 0


def _document(
    result: _Result, verdicts: Sequence[RowVerdict], status: int, *, dry_run: bool
) -> dict[str, object]:
    imported, found, counters = result
    return {
        "status": status,
        "dry_run": dry_run,
        "written": found is not None and not dry_run,
        "verdicts": {verdict.value: number for verdict, number in counts(verdicts).items()},
        "rows": [
            {
                "kind": verdict.kind,
                "key": verdict.key,
                "verdict": verdict.verdict.value,
                "sentences": list(verdict.sentences),
            }
            for verdict in verdicts
        ],
        "counters": counters,
        "spending": [
            {
                **row_json(spent.row),
                "spent_nano_usd": spent.nano_usd,
                "resets_at": spent.resets_at,
            }
            for spent in imported.spending
        ],
        **({} if found is None else difference_json(found)),
    }


def _line(verdict: RowVerdict) -> str:
    word = typer.style(f"{verdict.verdict.value:<8}", fg=_COLORS[verdict.verdict])
    said = f": {'; '.join(verdict.sentences)}" if verdict.sentences else ""
    return f"{word} {verdict.kind} {printable(verdict.key)}{said}"


def _summary(result: _Result, verdicts: Sequence[RowVerdict], *, dry_run: bool) -> str:
    numbers = ", ".join(f"{number} {verdict}" for verdict, number in counts(verdicts).items())
    if result.found is None:
        return f"{numbers}; nothing was written (--skip-refused leaves those rows out)"
    made = f"{len(result.found.changes)} rows {'would be' if dry_run else 'were'} made"
    number = f"{result.counters} limit{'' if result.counters == 1 else 's'}"
    spent = f"; what was spent counts for {number}" if result.counters else ""
    return f"{numbers}; {made}{spent}"
