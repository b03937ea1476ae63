"""The commands of `gatepass`, for people and machines; each loads only what it needs.

Exit status: 0 it is so, 1 it is not so (a check failed, the request was denied), 2 the question
could not be answered (wrong settings, wrong use). To `check` wrong settings are an answer: 1.
Results go to stdout, all else to stderr.
"""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.version import VERSION

app = typer.Typer(
    help="The open identity plugin for the gateway that you already run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
kong_app = typer.Typer(rich_markup_mode=None)
app.add_typer(kong_app, name="kong")
settings_app = typer.Typer(no_args_is_help=True, help="The settings file.", rich_markup_mode=None)
app.add_typer(settings_app, name="settings")

SettingsPath = Annotated[
    Path, typer.Option("--config", "-c", help="The settings file.", show_default=True)
]
LogLevel = Annotated[str, typer.Option(help="error, warning, info or debug.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DEFAULT_SETTINGS = Path("gatepass.yaml")
DEFAULT_PROGRAM = Path("/usr/local/bin/gatepass")


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


@kong_app.callback(invoke_without_command=True)
def kong(
    context: typer.Context,
    config: SettingsPath = DEFAULT_SETTINGS,
    log_level: LogLevel = "warning",
    *,
    dump: Annotated[
        bool, typer.Option("--dump", help="Print what Kong asks for at its start, and leave.")
    ] = False,
    protocol: Annotated[
        str, typer.Option(help="For --dump: protobuf, or msgpack for Kong before 3.8.")
    ] = "protobuf",
) -> None:
    """Answer Kong as its plugin server, at the door doors.kong alone.

    Example: gatepass kong -c gatepass.yaml
    """
    if context.invoked_subcommand is not None:
        sources = {context.get_parameter_source(name) for name in context.params}
        if any(source is not None and source.name != "DEFAULT" for source in sources):
            raise typer.BadParameter("write options behind the command that they are for")
        return
    if dump:
        from gatepass.plugin.commands.kong_dump import run_dump  # noqa: PLC0415 - per command

        raise typer.Exit(run_dump(protocol))
    from gatepass.plugin.commands.serve import run_serve  # noqa: PLC0415 - per command

    raise typer.Exit(run_serve(config, log_level, kong_alone=True))


@kong_app.command("config")
def kong_config(
    service: Annotated[
        list[str] | None, typer.Option(help="NAME=URL of an upstream. May repeat.")
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(help="NAME=/PATH, or /PATH where there is one service. May repeat."),
    ] = None,
    config: SettingsPath = DEFAULT_SETTINGS,
    profile: Annotated[str, typer.Option(help="The profile that judges them.")] = "default",
    program: Annotated[
        Path, typer.Option(help="Where Kong finds this program.", show_default=True)
    ] = DEFAULT_PROGRAM,
) -> None:
    """Print a whole declarative configuration of Kong for some upstreams, the guard included.

    Example: gatepass kong config --service llm=http://127.0.0.1:4000 > kong.yaml
    """
    from gatepass.plugin.commands.kong_config import run_kong_config  # noqa: PLC0415 - per command

    raise typer.Exit(run_kong_config(config, service or (), profile, route or (), program))


@kong_app.command("doctor")
def kong_doctor(
    admin_url: Annotated[str, typer.Argument(help="Kong's Admin API.", metavar="ADMIN_URL")],
    header: Annotated[
        list[str] | None,
        typer.Option(help="A header for the Admin API, `Name: value`. May repeat."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look at a running Kong, and say what lets requests past Gatepass or breaks them.

    Example: gatepass kong doctor http://127.0.0.1:8001
    """
    from gatepass.plugin.commands.kong_doctor import run_kong_doctor  # noqa: PLC0415 - per command

    raise typer.Exit(run_kong_doctor(admin_url, as_json=as_json, headers=header or ()))


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
    as_json: AsJson = False,
) -> None:
    """Decide one request without a gateway, and show the steps that led to the answer.

    Nothing is stored and no budget is touched: rows are read from a copy of the database.

    Example: gatepass decide --token @token.txt --path /v1/chat/completions --body '{"model": "x"}'
    """
    from gatepass.plugin.commands.decide import Question, run_decide  # noqa: PLC0415 - per command

    question = Question(token, method, path, body, profile, tuple(header or ()))
    raise typer.Exit(run_decide(config, question, as_json=as_json))


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
        typer.echo(f"gatepass: {error}", err=True)
        raise SystemExit(2) from None
