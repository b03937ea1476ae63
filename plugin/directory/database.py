"""The connection to the directory's database: transactions, and what its failures mean to us.

Every failure of the driver, the pool or the file becomes StoreUnavailable; nothing else of theirs
leaves. Parameters are hidden from their messages, because they hold who people are (SEC-60). Within
the process one transaction writes at a time, in order of arrival, so that fifty first requests do
not fight over the file's lock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from gatepass.plugin.directory.schema import upgrade_file
from gatepass.plugin.directory.sqlite import WRITING, database_path, prepare
from gatepass.plugin.directory.tables import budgets
from gatepass.plugin.errors import StoreUnavailable

_CONNECTIONS = 4
_CONNECTION_WAIT_SECONDS = 5.0


class Database:
    """The SQLite file behind a `sqlite:///path` URL; nothing is touched before `open`.

    Raises:
        ConfigurationError: the URL names no file.

    """

    def __init__(self, url: str) -> None:
        self.path = database_path(url)
        self._engine: AsyncEngine | None = None
        self._one_writer = asyncio.Lock()

    async def open(self) -> None:
        """Make or migrate the file and get ready; nothing happens when it is open.

        Raises:
            ConfigurationError: the file cannot be used, with what to do about it.
            StoreUnavailable: it cannot be used right now.

        """
        if self._engine is not None:
            return
        await upgrade_file(self.path)
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self.path)),
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_CONNECTION_WAIT_SECONDS,
        )
        prepare(engine.sync_engine)
        self._engine = engine

    async def close(self) -> None:
        """Close every connection; nothing happens when there are none."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def ping(self) -> None:
        """Read something.

        Raises:
            StoreUnavailable: it cannot be read.

        """
        async with self.reading() as connection:
            await connection.execute(select(budgets.c.budget_id).limit(1))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction in which everything read is of one moment.

        Raises:
            StoreUnavailable: the database fails, or is not open.

        """
        engine = self._engine
        if engine is None:
            raise StoreUnavailable
        try:
            async with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError, UnicodeEncodeError) as error:
            raise StoreUnavailable from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that sees all earlier ones and is kept unless an error leaves it.

        Raises:
            IntegrityError: a constraint was hurt; whoever writes knows what that means.
            StoreUnavailable: the database fails, or is not open.

        """
        engine = self._engine
        if engine is None:
            raise StoreUnavailable
        try:
            writer = engine.execution_options(**WRITING)
            async with self._one_writer, writer.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError, UnicodeEncodeError) as error:
            raise StoreUnavailable from error
