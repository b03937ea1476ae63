"""The commands of `gatepass`, for people and machines; each loads only what it needs.

Exit status: 0 it is so, 1 it is not so (a check failed, the request was denied), 2 the question
could not be answered (wrong settings, wrong use). To `check` wrong settings are an answer: 1.
Results go to stdout, all else to stderr; with `--json` a failure is a result too: `ok` is false,
`code` says what it is, `problems` are its sentences.
"""

import json
import sys
from typing import Annotated

import typer

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.cli_budgets import budgets_app
from gatepass.plugin.cli_directory import db_app, directory_app, users_app
from gatepass.plugin.cli_gateways import apisix_app, kong_app
from gatepass.plugin.cli_import import import_app
from gatepass.plugin.cli_jwks import jwks_app
from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, LogLevel, SettingsPath
from gatepass.plugin.cli_rows import add_to as add_row_commands
from gatepass.plugin.version import VERSION

app = typer.Typer(
    help="The open identity plugin for the gateway that you already run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(kong_app, name="kong")
app.add_typer(apisix_app, name="apisix")
app.add_typer(jwks_app, name="jwks")
settings_app = typer.Typer(no_args_is_help=True, help="The settings file.", rich_markup_mode=None)
app.add_typer(settings_app, name="settings")
app.add_typer(db_app, name="db")
app.add_typer(users_app, name="users")
app.add_typer(budgets_app, name="budgets")
app.add_typer(import_app, name="import")
app.add_typer(directory_app, name="directory")
add_row_commands(app, users_app, budgets_app)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the shape that typer calls
    if wanted:
        typer.echo(f"gatepass {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Judge requests for a gateway: JWT in, yes or no out."""


@app.command()
def serve(config: SettingsPath = DEFAULT_SETTINGS, log_level: LogLevel = "warning") -> None:
    """Answer gateways at every door that the settings name. SIGHUP reads the settings again.

    Example: gatepass serve -c gatepass.yaml
    """
    from gatepass.plugin.commands.serve import run_serve  # noqa: PLC0415 - per command

    raise typer.Exit(run_serve(config, log_level))


@app.command()
def check(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Validate the settings, reach issuers and stores, and say what was found.

    Example: gatepass check -c gatepass.yaml
    """
    from gatepass.plugin.commands.check import run_check  # noqa: PLC0415 - per command

    raise typer.Exit(run_check(config, as_json=as_json))


@app.command()
def decide(  # noqa: PLR0913 - the options of the command
    token: Annotated[
        str, typer.Option(help="The JWT alone; `-` reads it from stdin, @FILE from a file.")
    ],
    path: Annotated[str, typer.Option(help="The request target, query included.")],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    method: Annotated[str, typer.Option(help="The request method.")] = "POST",
    body: Annotated[
        str, typer.Option(help="The request body; @FILE reads a file. None: not shown.")
    ] = "",
    profile: Annotated[str, typer.Option(help="The profile that the gateway names.")] = "default",
    header: Annotated[
        list[str] | None, typer.Option(help="A further header, `Name: value`. May repeat.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print every rule that was read, and its place.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Decide one request without a gateway, and show the steps that led to the answer.

    Nothing is stored and no budget is touched: rows are read from a copy of the database. Tokens
    that are bound to a key (DPoP) or to a certificate cannot be judged here: they are refused,
    whatever headers are added.

    Example: gatepass decide --token @token.txt --path /v1/chat/completions --body '{"model": "x"}'
    """
    from gatepass.plugin.commands.decide import Question, run_decide  # noqa: PLC0415 - per command

    question = Question(token, method, path, body, profile, tuple(header or ()))
    raise typer.Exit(run_decide(config, question, as_json=as_json, explain=explain))


@app.command()
def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running and print what to try.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tour: a real identity provider, a real gateway and the real plugin, on this machine.

    Example: gatepass demo --keep
    """
    from gatepass.plugin.demo import run_demo  # noqa: PLC0415 - per command

    raise typer.Exit(run_demo(keep=keep, as_json=as_json))


@settings_app.command("schema")
def settings_schema() -> None:
    """Print the JSON Schema of the settings file, for editors.

    Example: gatepass settings schema > gatepass.schema.json
    """
    from gatepass.plugin.settings.schema import write_schema  # noqa: PLC0415 - per command

    typer.echo(write_schema(), nl=False)


def main() -> None:
    """Run `gatepass`; an error of ours becomes its sentences on stderr and exit status 2."""
    try:
        app()
    except GatepassError as error:
        if "--json" in sys.argv:
            problems = getattr(error, "problems", (str(error),))
            document = {"ok": False, "code": error.code, "problems": list(problems)}
            typer.echo(json.dumps(document, indent=2))
        typer.echo(f"gatepass: {error}", err=True)
        raise SystemExit(2) from None
