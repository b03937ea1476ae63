"""`gatepass db`, `directory` and `users`: the schema, all rows by a file, and whose users are."""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, SettingsPath

db_app = typer.Typer(no_args_is_help=True, help="The database's schema.", rich_markup_mode=None)
directory_app = typer.Typer(
    no_args_is_help=True, help="All rows, by a file.", rich_markup_mode=None
)
users_app = typer.Typer(no_args_is_help=True, help="The stored users.", rich_markup_mode=None)

_UserId = Annotated[str, typer.Argument(help="The user's id.", metavar="USER")]


@db_app.command("upgrade")
def db_upgrade(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Bring the schema up to this version; stop the service and make a copy before.

    Example: gatepass db upgrade -c gatepass.yaml
    """
    from gatepass.plugin.commands.db import run_upgrade  # noqa: PLC0415 - per command

    raise typer.Exit(run_upgrade(config, as_json=as_json))


@db_app.command("current")
def db_current(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Print the version of the schema, and the one that is needed.

    Example: gatepass db current -c gatepass.yaml
    """
    from gatepass.plugin.commands.db import run_current  # noqa: PLC0415 - per command

    raise typer.Exit(run_current(config, as_json=as_json))


@db_app.command("check")
def db_check(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Succeed if the schema is the one that is needed.

    Example: gatepass db check -c gatepass.yaml
    """
    from gatepass.plugin.commands.db import run_db_check  # noqa: PLC0415 - per command

    raise typer.Exit(run_db_check(config, as_json=as_json))


@directory_app.command("apply")
def directory_apply(
    file: Annotated[Path, typer.Argument(help="The rows, as YAML: see docs/rows.md.")],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything but keep it, and show the difference.")
    ] = False,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", help="Delete rows of the file's sections that are not in the file."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make what is stored what the file says, in one transaction, and show the difference.

    Nothing is deleted unless told. Exit status: 0 it is so, 1 it cannot be and nothing was changed.

    Example: gatepass directory apply directory.yaml --dry-run
    """
    from gatepass.plugin.commands.directory_apply import run_apply  # noqa: PLC0415 - per command

    raise typer.Exit(run_apply(config, file, dry_run=dry_run, delete=delete, as_json=as_json))


@directory_app.command("export")
def directory_export(
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    out: Annotated[Path | None, typer.Option(help="A new file for it; stdout if left out.")] = None,
) -> None:
    """Write what is stored as a file that `apply` reads, and that would change nothing.

    Example: gatepass directory export --out directory.yaml
    """
    from gatepass.plugin.commands.directory_export import run_export  # noqa: PLC0415 - per command

    raise typer.Exit(run_export(config, out))


@users_app.command("links")
def users_links(
    user: _UserId, config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False
) -> None:
    """Print who was linked to a user, on what evidence and when.

    Example: gatepass users links ann
    """
    from gatepass.plugin.commands.links import run_links  # noqa: PLC0415 - per command

    raise typer.Exit(run_links(config, user, as_json=as_json))


@users_app.command("unlink")
def users_unlink(
    user: _UserId, config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False
) -> None:
    """Take a user from whoever it is linked to; they do not get back to it by themselves.

    Example: gatepass users unlink ann
    """
    from gatepass.plugin.commands.links import run_unlink  # noqa: PLC0415 - per command

    raise typer.Exit(run_unlink(config, user, as_json=as_json))


@users_app.command("relink")
def users_relink(
    user: _UserId,
    issuer: Annotated[str, typer.Option(help="The `iss` of the person's tokens.")],
    subject: Annotated[str, typer.Option(help="The `sub` of the person's tokens.")],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    as_json: AsJson = False,
) -> None:
    """Link a user that is nobody's to the subject of an issuer.

    Example: gatepass users relink ann --issuer https://login.example.com --subject 00u1a2b3
    """
    from gatepass.plugin.commands.links import run_relink  # noqa: PLC0415 - per command

    raise typer.Exit(run_relink(config, user, issuer, subject, as_json=as_json))
