"""What is special about SQLite: the file behind a URL, and how every connection is prepared.

Foreign keys are enforced, the log is written ahead so that readers do not wait for the writer, and
a writer waits a moment for another process. Transactions are begun by us and not by the driver,
which would begin them too late: a reader's at its first statement, a writer's with the lock that it
needs, because a reader that turns into a writer may find that it has read the past.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from gatepass.jwks.errors import ConfigurationError

BUSY_TIMEOUT_MILLISECONDS = 2_000
"""How long a writer waits for one of another process; the doors' deadline is of this order."""

_BEGIN = "gatepass_begin"
WRITING = {_BEGIN: "BEGIN IMMEDIATE"}
"""Execution options of an engine whose transactions write."""

_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
)


def database_path(url: str) -> Path:
    """Return the file that a `sqlite:///path` URL names.

    Raises:
        ConfigurationError: it is another kind of URL, names no file, or has options.

    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _not_a_file() from error
    database = parsed.database or ""
    if parsed.drivername != "sqlite" or parsed.host or parsed.query:
        raise _not_a_file()
    if not database or database.startswith((":", "file:")):
        raise _not_a_file()
    return Path(database)


def _not_a_file() -> ConfigurationError:
    return ConfigurationError(
        ["stores.database: must be sqlite:///PATH of a file; options and :memory: are not possible"]
    )


def prepare(engine: Engine) -> Engine:
    """Make every connection of the engine behave as this module says, and return the engine."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
