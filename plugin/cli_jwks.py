"""`gatepass jwks`: what people ask about the keys of the issuers."""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.plugin.cli_options import AsJson

jwks_app = typer.Typer(no_args_is_help=True, help="The keys of the issuers.", rich_markup_mode=None)


@jwks_app.callback()
def jwks() -> None:
    """Look at the keys of the issuers."""


@jwks_app.command()
def status(
    url: Annotated[
        str | None,
        typer.Argument(
            help="Where `gatepass serve` answers: http://HOST:PORT or unix:/PATH; its usual "
            "address if neither this nor -c is there.",
            metavar="URL",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Ask the issuers of these settings from here instead."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say how the keys of every issuer stand in a running service, and what to do about them.

    Exit status: 0 all are there and fresh, 1 some are not, 2 nobody answered.

    Example: gatepass jwks status http://127.0.0.1:8700
    """
    from gatepass.plugin.commands.jwks_status import (  # noqa: PLC0415 - per command
        run_jwks_status,
    )

    if url is not None and config is not None:
        raise typer.BadParameter("name a running service or settings, not both")
    raise typer.Exit(run_jwks_status(url, config, as_json=as_json))
