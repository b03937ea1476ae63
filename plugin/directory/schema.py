"""Bringing a database to the schema of this version: Alembic's `upgrade head`, without a file.

An empty database becomes ours, an older one of ours is migrated, in one transaction. Refused are a
database that is not ours and one that a newer version has written. Nothing is printed. The SQLite
file is made for its owner alone, because it holds e-mail addresses.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.sqlite import WRITING, prepare
from gatepass.plugin.directory.tables import VERSION_TABLE
from gatepass.plugin.errors import StoreUnavailable

_MIGRATIONS = "gatepass.plugin.directory:migrations"
_ONE_AT_A_TIME = threading.Lock()  # Alembic's `context` and `op` are globals of the process
_FOREIGN = (
    "stores.database: the database holds tables that are not Gatepass's; name a database of its own"
)
_NEWER = (
    "stores.database: the database was written by a newer Gatepass; "
    "install that version or later, or restore a copy made before it"
)
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")
_UNREADABLE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


async def upgrade_file(path: Path) -> None:
    """Make or migrate the SQLite file; the event loop stays free meanwhile.

    Raises:
        ConfigurationError: the file cannot be written, is not ours, or is newer than this version.
        StoreUnavailable: anything else that may pass by itself, such as a lock.

    """
    await asyncio.to_thread(_upgrade_file, path)


def _upgrade_file(path: Path) -> None:
    with explained(path):
        path.touch(mode=0o600)
        engine = prepare(
            create_engine(
                URL.create("sqlite", database=str(path)), poolclass=NullPool, hide_parameters=True
            )
        )
        with _ONE_AT_A_TIME, engine.execution_options(**WRITING).begin() as connection:
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run what is missing up to the newest version, inside the caller's transaction.

    Raises:
        ConfigurationError: the database is not ours, or is newer than this version.

    """
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    _check_origin(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def _check_origin(connection: Connection, scripts: ScriptDirectory) -> None:
    tables = inspect(connection).get_table_names()
    if tables and VERSION_TABLE not in tables:
        raise ConfigurationError([_FOREIGN])
    opts = {"version_table": VERSION_TABLE}
    for revision in MigrationContext.configure(connection, opts=opts).get_current_heads():
        try:
            scripts.get_revision(revision)
        except CommandError as error:
            raise ConfigurationError([_NEWER]) from error


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
