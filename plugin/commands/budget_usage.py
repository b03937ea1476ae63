"""`gatepass budgets usage`: how the limits of a team, a person or anybody else stand, as bars."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budget_refusal import written
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.forecast import used_up_at
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope, applied
from gatepass.plugin.budgets.stored_standings import stored_standings
from gatepass.plugin.commands.directory import with_database
from gatepass.plugin.declared.text import printable
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.stored_budgets import stored_budget
from gatepass.plugin.own_budget import moment, to_document
from gatepass.plugin.settings import Compiled, compile_settings, load_settings
from gatepass.rbac.budgets import Budget, Unit

BAR_CELLS = 20
_FULL = 100
_HIGH = 80
_WIDTH_WITHOUT_TERMINAL = 160


class _NotStored(Exception):
    """There is no such row."""


def run_usage(path: Path, scope: Scope, subject_id: str, *, as_json: bool) -> int:
    """Print how limits stand; return the exit status: 0 all have room, 1 not, or no such row.

    Raises:
        ConfigurationError: the settings cannot be used.
        StoreUnavailable: nobody knows.

    """
    compiled = compile_settings(load_settings(path))

    async def work(database: Database) -> Sequence[LimitStanding]:
        async with database.reading() as connection:
            budget = compiled.limits.proxy
            if scope is not Scope.PROXY:
                found = await stored_budget(connection, scope, subject_id)
                if not found.exists:
                    raise _NotStored
                budget = found.budget
            limits = _limits(scope, subject_id, budget)
            if compiled.budget_engine is not EngineKind.REDIS:
                return await stored_standings(connection, limits, time.time())
        return await _counted_by_redis(compiled, limits)

    try:
        standings, now = with_database(compiled, work), time.time()
    except _NotStored:
        sentence = f"{scope.value} {printable(subject_id)}: is not stored"
        if as_json:
            document = {"ok": False, "code": "not_found", "problems": [sentence]}
            typer.echo(json.dumps(document, indent=2))
        typer.echo(f"gatepass: {sentence}", err=True)
        return 1
    if as_json:
        typer.echo(json.dumps(to_document(standings, now), indent=2))
    elif standings:
        _draw(standings, now)
    else:
        typer.echo("no limits")
    return 1 if any(standing.left == 0 for standing in standings) else 0


def _limits(scope: Scope, subject_id: str, budget: Budget | None) -> list[AppliedLimit]:
    return [] if budget is None else list(applied(scope, subject_id, budget))


async def _counted_by_redis(
    compiled: Compiled, limits: Sequence[AppliedLimit]
) -> Sequence[LimitStanding]:
    from gatepass.plugin.budgets.redis.engine import RedisBudgets  # noqa: PLC0415 - where it counts

    if compiled.redis is None or not limits:
        return ()
    budgets = RedisBudgets(compiled.redis, SYSTEM_CLOCK, compiled.engine_rules)
    await budgets.open()
    try:
        return await budgets.standings(limits)
    finally:
        await budgets.close()


def _draw(standings: Sequence[LimitStanding], now: float) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("limit", "", "used", "spent", "reserved", "of", "resets at", "used up at"):
        table.add_column(column)
    for standing in standings:
        unit = standing.limit.unit
        percent = used_percent(standing)
        table.add_row(
            Text(
                unit.value
                if standing.limit.model is None
                else f"{unit.value} {standing.limit.model}"
            ),
            Text(bar(percent), style=_style(percent)),
            "-" if percent is None else f"{percent} %",
            _amount(unit, standing.spent),
            _amount(unit, standing.reserved),
            "no hard limit" if standing.hard is None else _amount(unit, standing.hard),
            moment(standing.ends_at) or "never",
            moment(used_up_at(standing, now)) or "-",
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_WITHOUT_TERMINAL)
    console.print(table)


def used_percent(standing: LimitStanding) -> int | None:
    """Return how much of a limit is spent or reserved, rounded down; None without a hard limit."""
    if standing.hard is None:
        return None
    if standing.hard == 0:
        return _FULL
    return (standing.spent + standing.reserved) * _FULL // standing.hard


def bar(percent: int | None) -> str:
    """Return a bar of BAR_CELLS cells; what is above the limit does not make it longer."""
    filled = 0 if percent is None else min(percent, _FULL) * BAR_CELLS // _FULL
    return "\u2588" * filled + "\u2591" * (BAR_CELLS - filled)


def _style(percent: int | None) -> str:
    if percent is None or percent < _HIGH:
        return "green"
    return "red" if percent >= _FULL else "yellow"


def _amount(unit: Unit, amount: int) -> str:
    text = str(written(unit, amount))
    return f"${text}" if unit is Unit.MONEY else text
