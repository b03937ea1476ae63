"""Databases for tests: SQLite files and their schema, made and upgraded as the commands do it."""

from pathlib import Path

from alembic import command
from sqlalchemy import Connection, create_engine

from gatepass.plugin.directory import schema
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.sqlite import WRITING, prepare


async def make_file(path: Path) -> None:
    """Open the file as the service does, and close it."""
    database = Database(f"sqlite:///{path}")
    await database.open()
    await database.close()


async def upgrade_file(path: Path) -> None:
    """Upgrade the file as `gatepass db upgrade` does."""
    await Database(f"sqlite:///{path}").upgrade()


async def first_version_on_server(url: str) -> None:
    """Make an empty database of a server what the first version of Gatepass made of it."""

    def make(connection: Connection) -> None:
        command.upgrade(schema._config(connection), "0001")

    await Database(url)._home.in_schema(make)


def first_version(path: Path) -> None:
    """Make the file as the first version of Gatepass made it."""
    engine = prepare(create_engine(f"sqlite:///{path}"))
    with engine.execution_options(**WRITING).begin() as connection:
        command.upgrade(schema._config(connection), "0001")
    engine.dispose()
