"""One connection to a PostgreSQL server that lasts, and is made anew after it has failed.

Whoever uses it stands in line, so that it carries one transaction at a time. What was to be written
and cannot be is told apart from a server that is away: the one is refused again and again, the
other comes back.
"""

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from gatepass.plugin.directory.postgresql import PostgresqlServer
from gatepass.plugin.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Connection

_CLOSE_SECONDS = 1.0


class PostgresqlLink:
    """A connection to the server behind a URL, whose database has our schema.

    `prepare` is a text of statements that every new connection is told first.

    Raises:
        ConfigurationError: the URL cannot be one, or the driver is not installed.

    """

    def __init__(self, url: str, *, prepare: str = "") -> None:
        import asyncpg  # noqa: PLC0415 - an extra, for those who have PostgreSQL

        self._prepare = prepare
        self._server = PostgresqlServer(url)
        self._unwritable: tuple[type[Exception], ...] = (
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.DataError,
        )
        self._failures: tuple[type[Exception], ...] = (
            *self._server.failures,
            OSError,
            TimeoutError,
        )
        self._connection: Connection | None = None
        self._in_line = asyncio.Lock()

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        """Give the connection, to one at a time; what fails in it is ended there.

        Raises:
            StoreUnavailable: the server is away; what was under way may have been kept or not.

        """
        async with self._in_line:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._server.connect()
                    if self._prepare:
                        await self._connection.execute(self._prepare)
                yield self._connection
            except self._unwritable:
                raise
            except self._failures as error:
                self._give_up()
                raise StoreUnavailable from error
            except asyncio.CancelledError:
                self._give_up()  # an answer may still be on its way
                raise

    async def close(self) -> None:
        """Say goodbye to the server, but not for long."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*self._failures):
                await connection.close(timeout=_CLOSE_SECONDS)

    def _give_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
