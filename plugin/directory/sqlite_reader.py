"""Asking a SQLite file the one query on a connection of its own, as fast as it can be.

A prepared look-up by keys takes less time than handing it to a thread and back, so it is done right
here, on the event loop. It never waits here: when the file is locked against readers, which a log
written ahead makes rare and short, the question goes to a thread and waits there.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from gatepass.plugin.directory.caller_query import Parameters
from gatepass.plugin.directory.caller_rows import CallerRow
from gatepass.plugin.directory.json_sql import names_text
from gatepass.plugin.directory.sqlite import BUSY_TIMEOUT_MILLISECONDS

_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
_Values = Mapping[str, str | bool | None]


class SqliteReader:
    """A connection with the query prepared on it, made when it is first needed."""

    def __init__(self, path: Path, query: ClauseElement) -> None:
        self._path = path
        self._text = str(query.compile(dialect=SQLiteDialect_pysqlite(paramstyle="named")))
        self._connection: sqlite3.Connection | None = None

    async def fetch(self, values: Parameters) -> Sequence[CallerRow]:
        """Return the rows for these parameters.

        Raises:
            sqlite3.Error, OSError, UnicodeEncodeError: the file cannot be asked.

        """
        taken: _Values = {
            name: value if value is None or isinstance(value, str | bool) else names_text(value)
            for name, value in values.items()
        }
        try:
            if self._connection is None:
                self._connection = self._connect(0)
            return self._connection.execute(self._text, taken).fetchall()
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith(_LOCKED):
                raise
        return await asyncio.to_thread(self._wait_and_fetch, taken)

    def _connect(self, wait_milliseconds: int) -> sqlite3.Connection:
        """Open the file if it is there, to read."""
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=rw",
            uri=True,
            timeout=wait_milliseconds / 1000,
            isolation_level=None,
            check_same_thread=False,  # a service may be shut down in another thread
        )
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _wait_and_fetch(self, values: _Values) -> Sequence[CallerRow]:
        with closing(self._connect(BUSY_TIMEOUT_MILLISECONDS)) as connection:
            return connection.execute(self._text, values).fetchall()

    async def close(self) -> None:
        """Close the connection; nothing happens when there is none."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
