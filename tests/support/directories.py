"""Real directories on a SQLite file of their own, and a way to look into the file."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.store import SqlDirectory

CLOSED = DirectoryRules()
UPSERT = DirectoryRules(user_upsert=True, team_upsert=True)


@asynccontextmanager
async def open_directory(
    file: Path, rules: DirectoryRules = CLOSED, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[SqlDirectory]:
    directory = SqlDirectory(f"sqlite:///{file}", rules, clock)
    await directory.open()
    try:
        yield directory
    finally:
        await directory.close()


def query(file: Path, statement: str, *parameters: str | int) -> list[tuple[object, ...]]:
    """Run a statement on the file, beside whoever has it open, and return its rows."""
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(statement, parameters).fetchall()
