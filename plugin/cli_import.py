"""`gatepass import`: from the settings and the rows of others to ours."""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, SettingsPath

import_app = typer.Typer(
    no_args_is_help=True,
    help="From the settings and the rows of others to ours.",
    rich_markup_mode=None,
)


@import_app.command("litellm")
def import_litellm(
    config: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Write the settings there; stdout if left out.")
    ] = None,
    env_file: Annotated[
        Path | None,
        typer.Option(help="Read JWT_* there, as NAME=value; from the environment if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn LiteLLM's JWT settings into ours, and tell what became of every key.

    Exit status: 0 nothing needs a person, 1 something does, 2 something was refused and nothing is
    written.

    Example: gatepass import litellm config.yaml --env-file .env --out gatepass.yaml
    """
    from gatepass.plugin.commands.import_litellm import run_import_litellm  # noqa: PLC0415 - per command

    raise typer.Exit(run_import_litellm(config, out, env_file, as_json=as_json))


@import_app.command("litellm-rows")
def import_litellm_rows(  # noqa: PLR0913 - the options of the command
    export: Annotated[
        Path,
        typer.Argument(
            help="A JSON file of LiteLLM's rows, or a folder of such files: tables of its database "
            "(LiteLLM_UserTable.json ...), or what its list endpoints answered (users.json ...)."
        ),
    ],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    home_issuer: Annotated[
        str | None,
        typer.Option(
            help="The issuer whose ids the users' are, of those in the settings; `none` for ids "
            "that are nobody's. May be left out where there is one issuer."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but keep it.")] = False,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Take over the rest when rows are refused.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Print the rows that mean the same here, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take over LiteLLM's users, teams, organizations, end users and budgets, with a verdict each.

    All rows are made in one transaction. Rows that are stored already stay as they are. Exit
    status: 0 nothing needs a person, 1 something does, 2 something was refused and nothing is
    written.

    Example: gatepass import litellm-rows export/ --home-issuer https://login.example.com --dry-run
    """
    from gatepass.plugin.commands.import_rows import RowImport, run_import_rows  # noqa: PLC0415 - per command

    wanted = RowImport(export, home_issuer, dry_run, skip_refused)
    raise typer.Exit(run_import_rows(config, wanted, every=every, as_json=as_json))
