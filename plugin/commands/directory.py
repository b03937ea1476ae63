"""The database of the settings, for commands that look at it or work on what it counts."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from gatepass.plugin.directory.copying import unchanged_database
from gatepass.plugin.directory.database import Database
from gatepass.plugin.settings import Compiled, compile_settings, load_settings

Result = TypeVar("Result")


def with_database(compiled: Compiled, work: Callable[[Database], Awaitable[Result]]) -> Result:
    """Do something with the database of the settings, once it is open.

    Raises:
        ConfigurationError: the database cannot be used, with what to do about it.
        StoreUnavailable: it does not answer.

    """
    return asyncio.run(_open_and(compiled, work))


async def _open_and(compiled: Compiled, work: Callable[[Database], Awaitable[Result]]) -> Result:
    database = Database(compiled.database)
    await database.open()
    try:
        return await work(database)
    finally:
        await database.close()


@asynccontextmanager
async def unopened(path: Path) -> AsyncIterator[Database]:
    """Give the database as it is, whatever its version; looking at it changes nothing.

    Raises:
        ConfigurationError: the settings cannot be used.

    """
    url = compile_settings(load_settings(path)).database
    with tempfile.TemporaryDirectory(prefix="gatepass-") as folder:
        yield unchanged_database(url, Path(folder))
