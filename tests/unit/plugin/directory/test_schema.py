import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.exc import IntegrityError

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.metadata import metadata
from gatepass.plugin.directory.tables import VERSION_TABLE
from gatepass.plugin.errors import StoreUnavailable
from support.databases import upgrade_file
from support.directories import query


def version(file: Path) -> str:
    ((found,),) = query(file, "SELECT version_num FROM gatepass_schema")
    return str(found)


def set_version(file: Path, found: str) -> None:
    query(file, "UPDATE gatepass_schema SET version_num = ?", found)


def constraints(engine: Engine) -> dict[str, object]:
    """Return what compare_metadata does not look at: names and conditions."""
    inspector = inspect(engine)
    return {
        table: (
            inspector.get_pk_constraint(table),
            sorted(inspector.get_check_constraints(table), key=lambda found: str(found["name"])),
            sorted(inspector.get_foreign_keys(table), key=lambda found: str(found["name"])),
            sorted(inspector.get_unique_constraints(table), key=lambda found: str(found["name"])),
            sorted(
                (
                    index | {"dialect_options": _conditions(index)}
                    for index in inspector.get_indexes(table)
                ),
                key=lambda found: str(found["name"]),
            ),
            [(column["name"], column["default"]) for column in inspector.get_columns(table)],
        )
        for table in inspector.get_table_names()
        if table != VERSION_TABLE
    }


def _conditions(index: ReflectedIndex) -> dict[str, str]:
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


async def test_the_migrations_make_what_the_tables_say(new_file: Path, tmp_path: Path) -> None:
    await upgrade_file(new_file)
    migrated = create_engine(f"sqlite:///{new_file}")
    made = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(made)
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    assert constraints(migrated) == constraints(made)
    migrated.dispose()
    made.dispose()


async def test_a_second_start_changes_nothing(new_file: Path) -> None:
    await upgrade_file(new_file)
    before = query(new_file, "SELECT sql FROM sqlite_master ORDER BY name")
    await upgrade_file(new_file)
    assert query(new_file, "SELECT sql FROM sqlite_master ORDER BY name") == before
    assert version(new_file) == "0006"


async def test_nothing_is_printed_and_nothing_else_is_reconfigured(
    new_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = list(logging.getLogger().handlers)
    await upgrade_file(new_file)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers


def test_the_file_is_its_owners_alone(new_file: Path) -> None:
    asyncio.run(upgrade_file(new_file))
    assert new_file.stat().st_mode & 0o777 == 0o600


async def test_several_databases_at_once_do_not_mix(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.db" for number in range(6)]
    await asyncio.gather(*(upgrade_file(file) for file in files))
    assert {version(file) for file in files} == {"0006"}


async def test_a_newer_schema_is_left_alone(file: Path) -> None:
    set_version(file, "9999")
    with pytest.raises(ConfigurationError, match="newer Gatepass"):
        await upgrade_file(file)
    assert version(file) == "9999"


@pytest.mark.parametrize("table", ["users", "alembic_version", "anything"])
async def test_a_database_of_somebody_else_is_left_alone(new_file: Path, table: str) -> None:
    query(new_file, f"CREATE TABLE {table} (x)")
    with pytest.raises(ConfigurationError, match="not Gatepass's"):
        await upgrade_file(new_file)
    assert query(new_file, "SELECT name FROM sqlite_master") == [(table,)]


async def test_a_migration_that_fails_changes_nothing(file: Path) -> None:
    query(file, "DELETE FROM gatepass_schema")
    query(file, "DROP TABLE budgets")
    before = query(file, "SELECT sql FROM sqlite_master ORDER BY name")
    with pytest.raises(StoreUnavailable):
        await upgrade_file(file)
    assert query(file, "SELECT sql FROM sqlite_master ORDER BY name") == before


def _no_folder(file: Path) -> Path:
    return file.parent / "missing" / "gatepass.db"


def _a_folder(file: Path) -> Path:
    file.mkdir()
    return file


def _a_read_only_file(_: Path) -> Path:
    return Path("/proc/version")


def _text(file: Path) -> Path:
    file.write_text("this is no database\n" * 100)
    return file


def _a_damaged_copy(file: Path) -> Path:
    query(file, "CREATE TABLE t (x)")
    file.write_bytes(file.read_bytes()[:200].ljust(4096, b"\xff"))
    return file


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_no_folder, "cannot be written"),
        (_a_folder, "cannot be written"),
        (_a_read_only_file, "cannot be written|not a database"),
        (_text, "not a database"),
        (_a_damaged_copy, "not a database"),
    ],
)
async def test_a_file_that_cannot_be_used_is_explained(
    new_file: Path, make: Callable[[Path], Path], sentence: str
) -> None:
    path = make(new_file)
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        await upgrade_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"INSERT INTO budgets (budget_id, anchor, {column}) VALUES ('b', 0, {value})"  # noqa: S608 - names and values of ours
            for column, value in [
                ("limit_nano_usd", -1),
                ("soft_nano_usd", -1),
                ("limit_tokens", -1),
                ("limit_requests", -1),
                ("raised_nano_usd", -1),
                ("window_seconds", 0),
                ("time_zone", "'UTC'"),
                ("calendar_period", "'day'"),
                ("time_zone, calendar_period", "'UTC', 'fortnight'"),
                ("time_zone, calendar_period, window_seconds", "'UTC', 'day', 60"),
            ]
        ),
        "INSERT INTO users (user_id, issuer, created_at) VALUES ('u', 'i', 0)",
        """INSERT INTO users (user_id, issuer, subject, created_at, role)
           VALUES ('u', 'i', 's', 0, 'root')""",
        """INSERT INTO users (user_id, issuer, subject, created_at, blocked)
           VALUES ('u', 'i', 's', 0, 2)""",
    ],
)
def test_sec_59_the_database_itself_refuses_what_cannot_be(file: Path, statement: str) -> None:
    engine = create_engine(f"sqlite:///{file}")
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


def test_sec_54_one_subject_of_one_issuer_is_one_row(file: Path) -> None:
    add = "INSERT INTO users (user_id, issuer, subject, created_at) VALUES (?, ?, 's', 0)"
    query(file, add, "a", "https://one.example")
    query(file, add, "b", "https://two.example")
    with pytest.raises(sqlite3.IntegrityError):
        query(file, add, "c", "https://one.example")


def test_a_row_that_an_operator_adds_by_hand_is_closed(file: Path) -> None:
    query(file, "INSERT INTO teams (team_id, created_at) VALUES ('red', 0)")
    assert query(file, "SELECT blocked, models, budget_id FROM teams") == [(0, "[]", None)]
