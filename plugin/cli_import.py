"""`gatepass import`: from the settings of others to ours."""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.plugin.cli_options import AsJson

import_app = typer.Typer(
    no_args_is_help=True, help="From the settings of others to ours.", rich_markup_mode=None
)


@import_app.callback()
def _several() -> None:
    """Keep the name of the service in the command, though there is one only."""


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
