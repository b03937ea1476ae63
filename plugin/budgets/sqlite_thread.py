"""A SQLite file in a thread of its own: one transaction after the other, never on the event loop.

A transaction that writes takes the file's lock at its beginning, and what it wrote is on the disk
when it ends (`synchronous = FULL`): a ledger may not lose what it said it had. A connection that
failed is given up; the next transaction gets a new one.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from gatepass.plugin.directory.sqlite import BUSY_TIMEOUT_MILLISECONDS
from gatepass.plugin.errors import StoreUnavailable

Result = TypeVar("Result")

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
)


class SqliteThread:
    """The file at `path`, which has our schema; nothing is opened before it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gatepass-sqlite")
        self._connection: sqlite3.Connection | None = None

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do something in a transaction, which is kept unless an error leaves it.

        Raises:
            StoreUnavailable: the file cannot be used right now; nothing was kept.

        """
        return await self._run("BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Look at something as it is at one moment; whoever writes meanwhile is in nobody's way.

        Raises:
            StoreUnavailable: the file cannot be used right now.

        """
        return await self._run("BEGIN", work)

    async def _run(self, begin: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._thread, self._in_transaction, begin, work)
        return await asyncio.shield(running)

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._give_up)
        self._thread.shutdown(wait=False)

    def _in_transaction(self, begin: str, work: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            connection = self._connection or self._connect()
            connection.execute(begin)
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError):
            raise  # what was to be written cannot be
        except sqlite3.Error as error:
            self._give_up()
            raise StoreUnavailable from error
        return result

    def _connect(self) -> sqlite3.Connection:
        # rw: a file that is gone must not come back without its schema
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None
        )
        self._connection = connection
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
