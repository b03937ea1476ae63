"""`gatepass db`: which version the schema has, whether it is this one, and the way up to it."""

import asyncio
import json
from pathlib import Path

import typer

from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.lock import ProcessLock, lock_path
from gatepass.plugin.commands.directory import unopened
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.schema import newest
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.settings import Compiled, compile_settings, load_settings


def run_current(path: Path, *, as_json: bool) -> int:
    """Print the version of the schema and the one that is needed; the exit status is 0."""
    found = asyncio.run(_version(path))
    _print(found, as_json=as_json)
    return 0


def run_db_check(path: Path, *, as_json: bool) -> int:
    """Print the same, and return the exit status: 0 it is this version's, 1 it is another."""
    found = asyncio.run(_version(path))
    _print(found, as_json=as_json)
    return 0 if found == newest() else 1


def run_upgrade(path: Path, *, as_json: bool) -> int:
    """Bring the schema up to this version, and say from which; the exit status is 0.

    Raises:
        ConfigurationError: the database cannot be used, or a service is running on it.

    """
    compiled = compile_settings(load_settings(path))
    before = asyncio.run(_version(path))
    asyncio.run(_upgrade(compiled))
    _print(newest(), before, as_json=as_json)
    return 0


async def _version(path: Path) -> str | None:
    async with unopened(path) as database:
        return await database.version()


async def _upgrade(compiled: Compiled) -> None:
    database = Database(compiled.database)
    if compiled.budget_engine is not EngineKind.MEMORY:
        await database.upgrade()
        return
    async with ProcessLock(lock_path(database_path(compiled.database)), wait_seconds=0):
        await database.upgrade()


def _print(found: str | None, before: str | None = None, *, as_json: bool) -> None:
    if as_json:
        document = {"schema": found, "needed": newest(), "upgraded_from": before}
        typer.echo(json.dumps(document))
    elif before is not None and before != found:
        typer.echo(f"schema {found}; it was {before}")
    elif found is None:
        typer.echo(f"no schema yet; it is made at the first start, as {newest()}")
    elif found == newest():
        typer.echo(f"schema {found}, as needed")
    else:
        typer.echo(f"schema {found}; needed is {newest()}: run `gatepass db upgrade`")
