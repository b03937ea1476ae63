"""What is special about PostgreSQL: the server behind a URL, its connections, and its failures.

`postgresql://USER:PASSWORD@HOST:PORT/NAME`, with every part percent-encoded, or
`postgresql://USER@/NAME?host=/FOLDER` for a socket. A server on another host must show a
certificate for its name, unless `sslmode` says less: `verify-ca` (any name), `require` (any
certificate) or `disable`; `sslrootcert` names the authorities in place of the system's. Options
that are not known are refused, because one that does nothing could be one that protects.

One transaction of a deployment writes at a time, as with SQLite: rows are written when somebody is
seen for the first time, and whoever waits finds them made. Needs the extra `postgres`.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sqlalchemy import URL, ClauseElement, Connection, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gatepass.jwks.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncpg import Connection as Connected

    from gatepass.plugin.directory.postgresql_reader import PostgresqlReader

Result = TypeVar("Result")

PREFIX = "postgresql://"
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 5.0
LOCK_MILLISECONDS = 2_000
"""How long a writer waits for another; the doors' deadline is of this order."""

_CONNECTIONS = 4
_CONNECTION_WAIT_SECONDS = 5.0
_SSL_MODES = ("verify-full", "verify-ca", "require", "disable")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_WRITER = int.from_bytes(b"gatepass")
_TAKE_TURN = text(f"SELECT pg_advisory_xact_lock({_WRITER})")
_REFUSALS = {
    "28": "the server refuses the account; put user and password right",
    "3D": "the server has no database of this name; make one",
    "42501": "the account may not use the database; let it own the database",
}
"""By SQLSTATE or its class; the server's own words may name accounts."""

_UNREADABLE = (
    "stores.database: must be postgresql://USER:PASSWORD@HOST:PORT/NAME, percent-encoded; "
    "the only options are host, sslmode and sslrootcert"
)
_MISSING = "stores.database: PostgreSQL needs the driver asyncpg; install gatepass[postgres]"


class PostgresqlServer:
    """A database of a PostgreSQL server; nothing is connected to before it is asked for.

    Raises:
        ConfigurationError: the URL cannot be one, or the driver is not installed.

    """

    reading: ClassVar[Mapping[str, str]] = {"isolation_level": "AUTOCOMMIT"}
    """A statement alone: BEGIN and COMMIT would be two more round trips."""

    snapshot: ClassVar[Mapping[str, str]] = {"isolation_level": "REPEATABLE READ"}
    writing: ClassVar[Mapping[str, str]] = {}

    def __init__(self, url: str) -> None:
        parsed = read_url(url)
        try:
            import asyncpg  # noqa: PLC0415 - an extra, for those who have PostgreSQL
        except ImportError as missing:
            raise ConfigurationError([_MISSING]) from missing
        self.failures: tuple[type[Exception], ...] = (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # of a connection that is lost at the wrong moment
        )
        self.name = server_name(url)
        settings = {"application_name": "gatepass", "lock_timeout": str(LOCK_MILLISECONDS)}
        self._settings = settings
        self._connect = partial(
            asyncpg.connect,
            host=parsed.host or parsed.query.get("host"),
            port=parsed.port or 5432,
            user=parsed.username,
            password=parsed.password,
            database=parsed.database,
            ssl=_encryption(parsed),
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            server_settings=settings,
        )

    def engine(self) -> AsyncEngine:
        """Return an engine with a few connections, none of them open yet."""
        return create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            hide_parameters=True,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_timeout=_CONNECTION_WAIT_SECONDS,
        )

    async def connect(self) -> "Connected":
        """Return a connection beside those of the engine, for whoever keeps one.

        Raises:
            OSError: the server does not answer; or one of `failures`.

        """
        return await self._connect()

    def reader(self, query: ClauseElement) -> "PostgresqlReader":
        """Return what asks this one query; nothing is connected to yet."""
        from gatepass.plugin.directory.postgresql_reader import (  # noqa: PLC0415 - needs the driver
            SESSION,
            PostgresqlReader,
        )

        settings = {**self._settings, **SESSION}
        return PostgresqlReader(partial(self._connect, server_settings=settings), query)

    async def take_turn(self, connection: AsyncConnection) -> None:
        """Wait, inside a transaction, until no other one writes."""
        await connection.execute(_TAKE_TURN)

    async def in_schema(self, work: Callable[[Connection], Result]) -> Result:
        """Do something with the schema in one transaction; the event loop stays free meanwhile.

        Raises:
            ConfigurationError: the server does not let us in.

        """
        failures: tuple[type[Exception], ...] = (SQLAlchemyError, *self.failures)
        try:
            return await asyncio.to_thread(lambda: asyncio.run(self._in_transaction(work)))
        except failures as error:
            state = getattr(getattr(error, "orig", error), "sqlstate", None) or ""
            for code, sentence in _REFUSALS.items():
                if state.startswith(code):
                    raise ConfigurationError([f"stores.database: {sentence}"]) from error
            raise

    async def _in_transaction(self, work: Callable[[Connection], Result]) -> Result:
        engine = create_async_engine(
            "postgresql+asyncpg://",
            # a migration takes as long as the tables are large
            async_creator=partial(self._connect, command_timeout=None),
            hide_parameters=True,
            poolclass=NullPool,
        )
        try:
            async with engine.begin() as connection:
                await self.take_turn(connection)
                return await connection.run_sync(work)
        finally:
            await engine.dispose()


def server_name(url: str) -> str:
    """Return what to call the database in a report, without account and password.

    Raises:
        ConfigurationError: the URL cannot be one.

    """
    parsed = read_url(url)
    return f"{parsed.host or parsed.query.get('host')}/{parsed.database}"


def read_url(url: str) -> URL:
    """Return the parts of a URL.

    Raises:
        ConfigurationError: it cannot be one, or has options that are not known.

    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _unreadable() from error
    known = set(parsed.query) <= {"host", "sslmode", "sslrootcert"}
    single = all(isinstance(value, str) for value in parsed.query.values())
    if parsed.drivername != "postgresql" or not parsed.database or not (known and single):
        raise _unreadable()
    folder = parsed.query.get("host")
    if (parsed.host is None) == (folder is None) or not str(folder or "/").startswith("/"):
        raise _unreadable()
    if parsed.query.get("sslmode", "disable") not in _SSL_MODES:
        raise ConfigurationError([f"stores.database: sslmode is one of {', '.join(_SSL_MODES)}"])
    return parsed


def _unreadable() -> ConfigurationError:
    return ConfigurationError([_UNREADABLE])


def _encryption(parsed: URL) -> ssl.SSLContext | bool:
    """Return how the connection is protected: by a verified certificate unless it is local."""
    is_local = parsed.host is None or parsed.host in _LOCAL
    mode = parsed.query.get("sslmode", "disable" if is_local else "verify-full")
    if mode == "disable":
        return False
    authorities = parsed.query.get("sslrootcert")
    try:
        context = ssl.create_default_context(
            cafile=None if authorities is None else str(authorities)
        )
    except OSError as error:
        raise ConfigurationError(["stores.database: sslrootcert cannot be read"]) from error
    if mode != "verify-full":
        context.check_hostname = False
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context
