"""The connection to the directory's database: transactions, and what its failures mean to us.

Every failure of the driver, the pool or the file becomes StoreUnavailable; nothing else of theirs
leaves. Parameters are hidden from their messages, because they hold who people are (SEC-60). One
transaction writes at a time, within the process in order of arrival, so that fifty first requests
do not fight over the file's lock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gatepass.plugin.directory import schema
from gatepass.plugin.directory.caller_query import CALLER, Parameters
from gatepass.plugin.directory.caller_rows import CallerRow
from gatepass.plugin.directory.postgresql import PREFIX, PostgresqlServer
from gatepass.plugin.directory.sqlite_file import SqliteFile
from gatepass.plugin.directory.tables import budgets
from gatepass.plugin.errors import StoreUnavailable

if TYPE_CHECKING:
    from gatepass.plugin.directory.postgresql_reader import PostgresqlReader
    from gatepass.plugin.directory.sqlite_reader import SqliteReader

Result = TypeVar("Result")

_FAILURES = (SQLAlchemyError, OSError, UnicodeEncodeError)


class LostRace(Exception):
    """A row is not what it was when this transaction read it."""


class Database:
    """What is behind a `sqlite:///path` or `postgresql://` URL; nothing is touched before `open`.

    With `keeps` false, what is written is seen by the transaction that writes it and then dropped,
    and nothing is made that is not there.

    Raises:
        ConfigurationError: the URL names no database.

    """

    def __init__(self, url: str, *, keeps: bool = True) -> None:
        self._home = PostgresqlServer(url) if url.startswith(PREFIX) else SqliteFile(url)
        self._keeps = keeps
        self._failures: tuple[type[Exception], ...] = (*_FAILURES, *self._home.failures)
        self._engine: AsyncEngine | None = None
        self._reader: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None
        self._callers: PostgresqlReader | SqliteReader | None = None
        self._one_writer = asyncio.Lock()

    @property
    def name(self) -> str:
        """Return what to call the database in a report; never with a password."""
        return self._home.name

    async def open(self) -> None:
        """Make what is not there and get ready; nothing happens when it is open.

        Raises:
            ConfigurationError: the database cannot be used or is of another version, with what to
                do.
            StoreUnavailable: it cannot be used right now.

        """
        if self._engine is None:
            await self._in_schema(schema.make if self._keeps else schema.check)
            self._engine = self._home.engine()
            self._callers = self._home.reader(CALLER)
            self._reader = self._engine.execution_options(**self._home.reading)
            self._writer = self._engine.execution_options(**self._home.writing)

    async def upgrade(self) -> None:
        """Make the schema, or bring it up to this version.

        Raises:
            ConfigurationError: the database cannot be used, is not ours, or is newer.
            StoreUnavailable: it cannot be used right now.

        """
        await self._in_schema(schema.upgrade)

    async def version(self) -> str | None:
        """Return the version of the schema, or None when there is nothing yet.

        Raises:
            ConfigurationError: the database cannot be used, is not ours, or is newer.
            StoreUnavailable: it cannot be used right now.

        """
        return await self._in_schema(schema.version)

    async def _in_schema(self, work: Callable[[Connection], Result]) -> Result:
        try:
            return await self._home.in_schema(work)
        except self._failures as error:
            raise StoreUnavailable from error

    async def close(self) -> None:
        """Close every connection; nothing happens when there are none."""
        callers, self._callers = self._callers, None
        engine, self._engine, self._reader, self._writer = self._engine, None, None, None
        if callers is not None:
            await callers.close()
        if engine is not None:
            await engine.dispose()

    async def ping(self) -> None:
        """Read something.

        Raises:
            StoreUnavailable: it cannot be read.

        """
        async with self.reading() as connection:
            await connection.execute(select(budgets.c.budget_id).limit(1))

    async def find_caller(self, values: Parameters) -> Sequence[CallerRow]:
        """Return the rows of the query for callers, by the shortest way that the database has.

        Raises:
            StoreUnavailable: the database fails, or is not open.

        """
        callers = self._callers
        if callers is None:
            raise StoreUnavailable
        try:
            return await callers.fetch(values)
        except self._failures as error:
            raise StoreUnavailable from error

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with; everything that one statement reads is of one moment.

        Raises:
            StoreUnavailable: the database fails, or is not open.

        """
        reader = self._reader
        if reader is None:
            raise StoreUnavailable
        try:
            async with reader.begin() as connection:
                yield connection
        except self._failures as error:
            raise StoreUnavailable from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection to read with; all that its statements read is of one moment.

        Raises:
            StoreUnavailable: the database fails, or is not open.

        """
        engine = self._engine
        if engine is None:
            raise StoreUnavailable
        try:
            async with engine.execution_options(**self._home.snapshot).begin() as connection:
                yield connection
        except self._failures as error:
            raise StoreUnavailable from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that sees all earlier ones and is kept unless an error leaves it.

        Raises:
            IntegrityError: a constraint was hurt; whoever writes knows what that means.
            StoreUnavailable: the database fails, or is not open.

        """
        writer = self._writer
        if writer is None:
            raise StoreUnavailable
        try:
            async with self._one_writer, writer.begin() as connection:
                await self._home.take_turn(connection)
                yield connection
                if not self._keeps:
                    await connection.rollback()
        except IntegrityError:
            raise
        except self._failures as error:
            raise StoreUnavailable from error
