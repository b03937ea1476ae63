"""`gatepass budgets verify`, `rebuild`, `export`, `prune`: the ledger, and what follows from it."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.ledger_audit import Difference, charged, differences, rebuild
from gatepass.plugin.budgets.ledger_export import unwritable, write_csv
from gatepass.plugin.budgets.ledger_pruning import prune
from gatepass.plugin.budgets.lock import ProcessLock, lock_path
from gatepass.plugin.budgets.making import make_ledger
from gatepass.plugin.commands.directory import with_database
from gatepass.plugin.commands.table import print_table
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.settings import Compiled, compile_settings, load_settings

if TYPE_CHECKING:
    from gatepass.plugin.budgets.redis.counters_audit import CountersInRedis

_TITLES = ("COUNTER", "WHAT", "COUNTED", "BY THE LEDGER")
_MICROSECONDS = 1_000_000
_TOO_YOUNG = (
    "--older-than: records of calls that could still be settled late must stay; "
    "name at least twice budgets.reservation_timeout"
)


def run_verify(path: Path, *, as_json: bool) -> int:
    """Compare counters and ledger; return the exit status: 0 they agree, 1 they do not."""
    compiled = compile_settings(load_settings(path))

    async def work(database: Database) -> list[Difference]:
        now = time.time()
        async with AsyncExitStack() as stack:
            redis = await _open_redis(stack, compiled)
            connection = await stack.enter_async_context(database.snapshot())
            if redis is None:
                return await differences(connection, now)
            return await redis.differences(await charged(connection), now)

    found = with_database(compiled, work)
    if as_json:
        document = {"ok": not found, "differences": [each._asdict() for each in found]}
        typer.echo(json.dumps(document, indent=2))
    elif found:
        print_table(_TITLES, [tuple(map(str, each)) for each in found])
        typer.echo("to do: stop the service and run `gatepass budgets rebuild`", err=True)
    else:
        typer.echo("counters and ledger agree")
    return 1 if found else 0


def run_rebuild(path: Path, *, as_json: bool) -> int:
    """Make the counters anew from the ledger; the exit status is 0.

    Raises:
        ConfigurationError: a service that counts in process is running.

    """
    compiled = compile_settings(load_settings(path))

    async def work(database: Database) -> int:
        async with AsyncExitStack() as stack:
            if compiled.budget_engine is EngineKind.MEMORY:
                lock = ProcessLock(lock_path(database_path(compiled.database)), wait_seconds=0)
                await stack.enter_async_context(lock)
            redis = await _open_redis(stack, compiled)
            connection = await stack.enter_async_context(database.writing())
            if redis is None:
                return await rebuild(connection)
            return await redis.rebuild(await charged(connection), time.time())

    count = with_database(compiled, work)
    typer.echo(json.dumps({"counters": count}) if as_json else f"{count} counters made anew")
    return 0


async def _open_redis(stack: AsyncExitStack, compiled: Compiled) -> "CountersInRedis | None":
    """Return the counters in Redis, where they are there; all records are in the ledger then."""
    if compiled.budget_engine is not EngineKind.REDIS or compiled.redis is None:
        return None
    from gatepass.plugin.budgets.redis.counters_audit import (  # noqa: PLC0415 - few have it
        open_counters,
    )

    return await stack.enter_async_context(
        open_counters(compiled.redis, make_ledger(compiled.database))
    )


def run_export(
    path: Path, output: Path | None, since: int, until: int, kind: Literal["csv", "parquet"]
) -> int:
    """Write the calls that ended in a time to a file, or CSV to stdout; the exit status is 0.

    `since` and `until` are seconds since the epoch.

    Raises:
        ConfigurationError: the file cannot be written, or what is needed for it is not there.

    """
    if kind == "parquet" and output is None:
        raise ConfigurationError(["--output: Parquet needs the name of a file"])

    async def work(database: Database) -> int:
        async with database.snapshot() as connection:
            if kind == "parquet" and output is not None:
                from gatepass.plugin.budgets.ledger_parquet import (  # noqa: PLC0415 - few need it
                    write_parquet,
                )

                return await write_parquet(connection, output, since, until)
            with nullcontext(sys.stdout) if output is None else _open(output) as file:
                return await write_csv(connection, file, since, until)

    count = with_database(compile_settings(load_settings(path)), work)
    typer.echo(f"{count} records", err=True)
    return 0


def run_prune(path: Path, older_than_seconds: int, *, as_json: bool) -> int:
    """Take records out of the ledger that are older than that; the exit status is 0.

    Raises:
        ConfigurationError: they are too young to go.

    """
    compiled = compile_settings(load_settings(path))
    if older_than_seconds < 2 * compiled.engine_rules.reservation_timeout_seconds:
        raise ConfigurationError([_TOO_YOUNG])
    before = (int(time.time()) - older_than_seconds) * _MICROSECONDS

    async def work(database: Database) -> int:
        count = 0
        while True:
            async with database.writing() as connection:
                pruned = await prune(connection, before)
            if not pruned:
                return count
            count += pruned

    count = with_database(compiled, work)
    typer.echo(json.dumps({"pruned": count}) if as_json else f"{count} records taken out")
    return 0


@contextmanager
def _open(output: Path) -> Iterator[TextIO]:
    try:
        file = output.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise unwritable(output) from error
    with file:
        yield file
