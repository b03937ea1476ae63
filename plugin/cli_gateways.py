"""`gatepass kong` and `gatepass apisix`: what people who run one of these gateways call."""

from pathlib import Path
from typing import Annotated

import typer

from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, LogLevel, SettingsPath

kong_app = typer.Typer(rich_markup_mode=None)
apisix_app = typer.Typer(rich_markup_mode=None)


def _is_given(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name != "DEFAULT"


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
        if any(_is_given(context, name) for name in context.params):
            raise typer.BadParameter("write options behind the command that they are for")
        return
    if not dump and _is_given(context, "protocol"):
        raise typer.BadParameter("--protocol is for --dump: the server speaks what Kong was told")
    if dump:
        from gatepass.plugin.commands.kong_dump import run_dump  # noqa: PLC0415 - per command

        raise typer.Exit(run_dump(protocol))
    from gatepass.plugin.commands.serve import run_serve  # noqa: PLC0415 - per command

    raise typer.Exit(run_serve(config, log_level, "kong"))


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
        Path | None, typer.Option(help="Where Kong finds this program; by default where it is now.")
    ] = None,
) -> None:
    """Print a whole declarative configuration of Kong for some upstreams, the guard included.

    Example: gatepass kong config --service llm=http://llm:4000 > kong.yml
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


@apisix_app.callback(invoke_without_command=True)
def apisix(
    context: typer.Context,
    config: SettingsPath = DEFAULT_SETTINGS,
    log_level: LogLevel = "warning",
) -> None:
    """Answer APISIX as its runner, at the door doors.apisix alone.

    Example: gatepass apisix -c gatepass.yaml
    """
    if context.invoked_subcommand is not None:
        if any(_is_given(context, name) for name in context.params):
            raise typer.BadParameter("write options behind the command that they are for")
        return
    from gatepass.plugin.commands.serve import run_serve  # noqa: PLC0415 - per command

    raise typer.Exit(run_serve(config, log_level, "apisix"))


@apisix_app.command("config")
def apisix_config(  # noqa: PLR0913 - the options of the command
    service: Annotated[
        list[str] | None, typer.Option(help="NAME=URL of an upstream. May repeat.")
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(help="NAME=/PATH, or /PATH where there is one service. May repeat."),
    ] = None,
    config: SettingsPath = DEFAULT_SETTINGS,
    profile: Annotated[str, typer.Option(help="The profile that judges them.")] = "default",
    *,
    way: Annotated[
        str,
        typer.Option(
            help="runner, ai-proxy (which counts tokens), post-resp (reads what does not stream), "
            "or forward-auth."
        ),
    ] = "runner",
    form: Annotated[
        str, typer.Option("--print", help="apisix.yaml, admin.json or config.yaml.")
    ] = "apisix.yaml",
    gatepass: Annotated[
        str, typer.Option(help="Where APISIX reaches doors.http, if not at its address.")
    ] = "",
    program: Annotated[
        Path | None,
        typer.Option(help="Where APISIX finds this program; by default where it is now."),
    ] = None,
) -> None:
    """Print complete services and routes for APISIX, or the config.yaml that belongs to them.

    Example: gatepass apisix config --service llm=http://llm:4000 > apisix.yaml
    """
    from gatepass.plugin.commands.apisix_config import (  # noqa: PLC0415 - per command
        ConfigOptions,
        run_apisix_config,
    )

    options = ConfigOptions(service or (), route or (), profile, way, form, gatepass, program)
    raise typer.Exit(run_apisix_config(config, options))


@apisix_app.command("doctor")
def apisix_doctor(
    url: Annotated[str, typer.Argument(help="APISIX's control API or Admin API.", metavar="URL")],
    header: Annotated[
        list[str] | None, typer.Option(help="A header for the API, `Name: value`. May repeat.")
    ] = None,
    config_yaml: Annotated[
        Path | None, typer.Option(help="APISIX's config.yaml, which neither API shows.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Our settings, to see that their profiles are named."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look at a running APISIX, and say what lets requests past Gatepass or breaks them.

    Example: gatepass apisix doctor http://127.0.0.1:9090
    """
    from gatepass.plugin.commands.apisix_doctor import (  # noqa: PLC0415 - per command
        run_apisix_doctor,
    )

    raise typer.Exit(
        run_apisix_doctor(
            url, as_json=as_json, headers=header or (), file=config_yaml, settings=config
        )
    )
