"""`gatepass directory apply`: the rows of a file become what is stored, or are only compared."""

import os
import time
from pathlib import Path

import typer

from gatepass.plugin.commands.acting import acting_as
from gatepass.plugin.commands.changing import only_issuer, with_changes
from gatepass.plugin.commands.declared_report import (
    difference_json,
    print_difference,
    print_json,
)
from gatepass.plugin.declared.applying import Applying, CannotApply, apply_declared
from gatepass.plugin.declared.document import read_declared
from gatepass.plugin.directory.changes.transaction import CLI


def run_apply(config: Path, file: Path, *, dry_run: bool, delete: bool, as_json: bool) -> int:
    """Show the difference and, without `dry_run`, make it; all of it or nothing.

    Returns the exit status: 0 what is stored is what the file says (or would be), 1 it cannot be.

    Raises:
        ConfigurationError: the settings, the file or the database cannot be used.
        StoreUnavailable: the database does not answer.

    """
    declared = read_declared(file, os.environ)
    issuer = only_issuer(config)
    applying = Applying(acting_as(CLI), int(time.time()), delete=delete, home_issuer=issuer)
    try:
        found = with_changes(
            config,
            lambda changing: apply_declared(changing.database, declared, applying, changing.notify),
            dry_run=dry_run,
        )
    except CannotApply as refused:
        return report_refused(refused, as_json=as_json)
    if as_json:
        print_json({"ok": True, "dry_run": dry_run, **difference_json(found)})
    else:
        print_difference(found, dry_run=dry_run)
    return 0


def report_refused(refused: CannotApply, *, as_json: bool) -> int:
    """Say why nothing was changed, and return the exit status 1."""
    if as_json:
        print_json({"ok": False, "code": refused.code, "problems": list(refused.sentences)})
        return 1
    for sentence in refused.sentences:
        typer.echo(f"gatepass: {sentence}", err=True)
    typer.echo("gatepass: nothing was changed", err=True)
    return 1
