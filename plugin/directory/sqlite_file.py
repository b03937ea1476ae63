"""The SQLite file behind a URL: made for its owner alone, and explained where it cannot be used."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

from sqlalchemy import URL, ClauseElement, Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.sqlite import WRITING, database_path, prepare
from gatepass.plugin.directory.sqlite_reader import SqliteReader
from gatepass.plugin.errors import StoreUnavailable

Result = TypeVar("Result")

_CONNECTIONS = 4
_CONNECTION_WAIT_SECONDS = 5.0
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
_UNREADABLE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


class SqliteFile:
    """The file that a `sqlite:///path` URL names; nothing is touched before it is asked for.

    Raises:
        ConfigurationError: the URL names no file.

    """

    failures: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error,)
    reading: ClassVar[Mapping[str, str]] = {}
    snapshot: ClassVar[Mapping[str, str]] = {}
    writing: ClassVar[Mapping[str, str]] = WRITING

    def __init__(self, url: str) -> None:
        self._path = database_path(url)
        self.name = str(self._path)

    def engine(self) -> AsyncEngine:
        """Return an engine with a few connections, none of them open yet."""
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self._path)),
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_CONNECTION_WAIT_SECONDS,
        )
        prepare(engine.sync_engine)
        return engine

    def reader(self, query: ClauseElement) -> SqliteReader:
        """Return what asks this one query; the file is not open yet."""
        return SqliteReader(self._path, query)

    async def take_turn(self, connection: AsyncConnection) -> None:
        """Do nothing: a writing transaction holds the file's lock from its beginning."""

    async def in_schema(self, work: Callable[[Connection], Result]) -> Result:
        """Do something with the schema in one transaction; the event loop stays free meanwhile.

        The file is made if it is not there: it holds e-mail addresses, so it is its owner's alone.

        Raises:
            ConfigurationError: somebody must do something about the file.
            StoreUnavailable: anything else that may pass by itself, such as a lock.

        """
        return await asyncio.to_thread(self._in_transaction, work)

    def _in_transaction(self, work: Callable[[Connection], Result]) -> Result:
        with explained(self._path):
            self._path.touch(mode=0o600)
            engine = prepare(
                create_engine(
                    URL.create("sqlite", database=str(self._path)),
                    poolclass=NullPool,
                    hide_parameters=True,
                )
            )
            with engine.execution_options(**WRITING).begin() as connection:
                return work(connection)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what to do about a file that cannot be used.

    Raises:
        ConfigurationError: somebody must do something about the file.
        StoreUnavailable: anything else that may pass by itself, such as a lock.

    """
    try:
        yield
    except OSError as error:
        raise _unwritable(path) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        name = str(getattr(getattr(error, "orig", error), "sqlite_errorname", ""))
        if name.startswith(_UNWRITABLE):
            raise _unwritable(path) from error
        if name.startswith(_UNREADABLE):
            raise _unreadable(path) from error
        raise StoreUnavailable from error


def _unwritable(path: Path) -> ConfigurationError:
    sentence = (
        f"stores.database: {path} cannot be written; its folder must exist, and both must be "
        "writable for the account that Gatepass runs under"
    )
    return ConfigurationError([sentence])


def _unreadable(path: Path) -> ConfigurationError:
    sentence = (
        f"stores.database: {path} is not a database, or a damaged one; "
        "name another file or restore a copy"
    )
    return ConfigurationError([sentence])
