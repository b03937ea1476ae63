"""The schema of a database: making it, comparing it with this version's, bringing it up to date.

An empty database becomes ours when it is opened. An older one is not touched by opening: whoever
runs the service decides when, makes a copy before, and says `gatepass db upgrade`. Refused always
are a database that is not ours and one that a newer version has written. All of it happens in the
caller's transaction. Nothing is printed.
"""

import threading

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, inspect

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.tables import VERSION_TABLE

_MIGRATIONS = "gatepass.plugin.directory:migrations"
_ONE_AT_A_TIME = threading.Lock()  # Alembic's `context` and `op` are globals of the process
_FOREIGN = (
    "stores.database: the database holds tables that are not Gatepass's; name a database of its own"
)
_NEWER = (
    "stores.database: the database was written by a newer Gatepass; "
    "install that version or later, or restore a copy made before it"
)
_OLDER = (
    "stores.database: the database was written by an older Gatepass; "
    "stop the service, make a copy, and run `gatepass db upgrade`"
)
_EMPTY = "stores.database: the database is empty; it is filled at the first start"


class OlderSchema(ConfigurationError):
    """The database is ours and waits to be brought up to this version."""


def make(connection: Connection) -> None:
    """Make everything in an empty database, else see that it is of this version.

    Raises:
        ConfigurationError: the database is not ours, or of another version.

    """
    if version(connection) is None:
        upgrade(connection)
    else:
        check(connection)


def check(connection: Connection) -> None:
    """See that the database is of this version.

    Raises:
        ConfigurationError: it is empty, not ours, or of another version.

    """
    found = version(connection)
    if found != newest():
        raise ConfigurationError([_EMPTY]) if found is None else OlderSchema([_OLDER])


def upgrade(connection: Connection) -> None:
    """Run what is missing up to the newest version.

    Raises:
        ConfigurationError: the database is not ours, or is newer than this version.

    """
    version(connection)
    with _ONE_AT_A_TIME:
        command.upgrade(_config(connection), "head")


def newest() -> str:
    """Return the schema version that this version of Gatepass needs."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def version(connection: Connection) -> str | None:
    """Return the schema version of a database, or None when it is empty.

    Raises:
        ConfigurationError: the database is not ours, or is newer than this version.

    """
    tables = inspect(connection).get_table_names()
    if tables and VERSION_TABLE not in tables:
        raise ConfigurationError([_FOREIGN])
    opts = {"version_table": VERSION_TABLE}
    found = MigrationContext.configure(connection, opts=opts).get_current_revision()
    if found is not None:
        try:
            ScriptDirectory.from_config(_config()).get_revision(found)
        except CommandError as error:
            raise ConfigurationError([_NEWER]) from error
    return found


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
