"""`gatepass budgets`: what was spent, and whether that is right."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from gatepass.plugin.cli_options import DEFAULT_SETTINGS, AsJson, SettingsPath

budgets_app = typer.Typer(
    no_args_is_help=True,
    help="Named budgets that rows go by, and what was spent.",
    rich_markup_mode=None,
)

_DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@budgets_app.command("verify")
def budgets_verify(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Succeed if the counters in the database are what the ledger says.

    Example: gatepass budgets verify -c gatepass.yaml
    """
    from gatepass.plugin.commands.budgets import run_verify  # noqa: PLC0415 - per command

    raise typer.Exit(run_verify(config, as_json=as_json))


@budgets_app.command("rebuild")
def budgets_rebuild(config: SettingsPath = DEFAULT_SETTINGS, *, as_json: AsJson = False) -> None:
    """Make the counters in the database anew from the ledger.

    A service that counts in process must not be running.

    Example: gatepass budgets rebuild -c gatepass.yaml
    """
    from gatepass.plugin.commands.budgets import run_rebuild  # noqa: PLC0415 - per command

    raise typer.Exit(run_rebuild(config, as_json=as_json))


@budgets_app.command("export")
def budgets_export(
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; stdout without one.")
    ] = None,
    kind: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="What to write.")
    ] = "csv",
    since: Annotated[
        datetime, typer.Option("--from", formats=_DAYS, help="The first day, in UTC.")
    ] = datetime(1970, 1, 1),  # noqa: DTZ001 - as typer reads one
    until: Annotated[
        datetime, typer.Option(formats=_DAYS, help="The day after the last one, in UTC.")
    ] = datetime(9999, 1, 1),  # noqa: DTZ001 - as typer reads one
) -> None:
    """Write the ledger as CSV or Parquet: one line for each call that has ended.

    Example: gatepass budgets export --from 2026-01-01 --until 2026-02-01 -o january.csv
    """
    from gatepass.plugin.commands.budgets import run_export  # noqa: PLC0415 - per command

    raise typer.Exit(run_export(config, output, _seconds(since), _seconds(until), kind))


@budgets_app.command("prune")
def budgets_prune(
    older_than: Annotated[str, typer.Option(help="A duration, such as 400d.")],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    as_json: AsJson = False,
) -> None:
    """Take old records out of the ledger; what they counted stays counted.

    Example: gatepass budgets prune --older-than 400d
    """
    from gatepass.plugin.commands.budgets import run_prune  # noqa: PLC0415 - per command
    from gatepass.plugin.settings.problems import BadValue  # noqa: PLC0415 - per command
    from gatepass.plugin.settings.units import parse_duration  # noqa: PLC0415 - per command

    try:
        seconds = parse_duration(older_than)
    except BadValue as error:
        sentence = error.findings[0].sentence
        raise typer.BadParameter(sentence, param_hint="--older-than") from error
    raise typer.Exit(run_prune(config, seconds, as_json=as_json))


@budgets_app.command("usage")
def budgets_usage(
    subject: Annotated[
        str, typer.Argument(help="The id; with --of proxy none.", metavar="TEAM")
    ] = "",
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    scope: Annotated[
        str, typer.Option("--of", help="team, user, end_user, organization or proxy.")
    ] = "team",
    as_json: AsJson = False,
) -> None:
    """Print how much of its limits a team has used, when they reset, and when they will be used up.

    The exit status is 0 while all have room, 1 when one is used up or there is no such row.

    Example: gatepass budgets usage red

    Example: gatepass budgets usage ann --of user
    """
    from gatepass.plugin.budgets.limits import Scope  # noqa: PLC0415 - per command
    from gatepass.plugin.commands.budget_usage import run_usage  # noqa: PLC0415 - per command
    from gatepass.plugin.directory.stored_budgets import SCOPES  # noqa: PLC0415 - per command

    if scope not in {*SCOPES, Scope.PROXY}:
        raise typer.BadParameter("team, user, end_user, organization or proxy", param_hint="--of")
    if not subject and scope != Scope.PROXY:
        raise typer.BadParameter("whose limits?", param_hint="TEAM")
    raise typer.Exit(run_usage(config, Scope(scope), subject, as_json=as_json))


@budgets_app.command("prices")
def budgets_prices(
    models: Annotated[list[str], typer.Argument(help="Names of models.", metavar="MODEL...")],
    config: SettingsPath = DEFAULT_SETTINGS,
    *,
    at: Annotated[
        datetime | None, typer.Option(formats=_DAYS, help="When, in UTC; now without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what models cost, by the settings and by what providers publish.

    Example: gatepass budgets prices gpt-4o azure/gpt-4o claude-sonnet-4-5
    """
    from gatepass.plugin.commands.prices import run_prices  # noqa: PLC0415 - per command

    raise typer.Exit(run_prices(config, models, at, as_json=as_json))


def _seconds(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp())
