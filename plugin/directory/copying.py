"""Looking at a database without changing anything: a throw-away copy of a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.postgresql import PREFIX
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.directory.sqlite_file import explained


def unchanged_database(url: str, folder: Path) -> Database:
    """Return a database that reads like this one and forgets what is written into it.

    A file is copied into `folder`; on a server every transaction is taken back.

    Raises:
        ConfigurationError: the database cannot be used, with what to do about it.
        StoreUnavailable: it cannot be read right now.

    """
    if url.startswith(PREFIX):
        return Database(url, keeps=False)
    return Database(copy_database(url, folder))


def copy_database(url: str, folder: Path) -> str:
    """Copy the database as it is at this moment, also while a process writes it; return its URL.

    A database that does not exist yet gives the URL of one that does not exist yet.

    Raises:
        ConfigurationError: the file cannot be used, with what to do about it.
        StoreUnavailable: it cannot be read right now.

    """
    database, copy = database_path(url), folder / "copy.db"
    with explained(database):
        if not database.exists():
            return _url(copy)
        if database.is_dir():
            raise IsADirectoryError
        with (
            closing(sqlite3.connect(_read_only(database.resolve()), uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    return _url(copy)


def _read_only(database: Path) -> str:
    """Return how to open the file without writing anything, beside it either.

    Without a log beside the file nobody has it open, and it is complete by itself; a mere reader
    would make a log, and leave it there with the reader as its owner.
    """
    in_use = database.with_name(f"{database.name}-wal").exists()
    return f"{database.as_uri()}?mode=ro" + ("" if in_use else "&immutable=1")


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
