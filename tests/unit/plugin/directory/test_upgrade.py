"""Databases that an older Gatepass wrote: left alone by opening, upgraded when told to."""

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory import schema
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, to_budget
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.schema import newest
from gatepass.plugin.directory.sqlite import WRITING, prepare
from gatepass.rbac.budgets import Limit, Unit
from support.callers import SOMEBODY
from support.databases import first_version as make_first_version
from support.databases import first_version_on_server, make_file, upgrade_file
from support.directories import open_directory, query, some
from support.limits import budget
from support.postgresql import PostgresqlProcess

FIRST_ROWS = """
INSERT INTO budgets VALUES ('b', 5, 60, 7);
INSERT INTO organizations VALUES ('acme', 'Acme', 0, '"all"', NULL);
INSERT INTO teams VALUES ('red', 'Reds', 'acme', 0, '["a"]', 'b', 3);
INSERT INTO users VALUES
    ('ann', 'https://idp.example', 'user-1', 'ann@example.com', 'org_admin', 1, '["c"]', 'b', 4),
    ('bob', 'https://idp.example', 'bob', 'twice@example.com', NULL, 0, '"all"', NULL, 5),
    ('eve', 'https://idp.example', 'eve', 'twice@example.com', NULL, 0, '"all"', NULL, 6),
    ('joe', 'https://other.example', 'bob', NULL, NULL, 0, '[]', NULL, 7);
INSERT INTO memberships VALUES ('ann', 'red', 'admin', 'b');
INSERT INTO end_users VALUES ('shop', 0, '"all"', NULL);
"""


@pytest.fixture
def first_version(new_file: Path) -> Path:
    """A database as the first version of the schema left it."""
    make_first_version(new_file)
    for statement in FIRST_ROWS.split(";"):
        query(new_file, statement)
    return new_file


async def test_an_older_schema_is_left_alone_and_the_command_is_named(first_version: Path) -> None:
    before = query(first_version, "SELECT sql FROM sqlite_master ORDER BY name")
    with pytest.raises(ConfigurationError, match="gatepass db upgrade"):
        await make_file(first_version)
    with pytest.raises(ConfigurationError, match="gatepass db upgrade"):
        async with open_directory(first_version):
            pass
    assert query(first_version, "SELECT sql FROM sqlite_master ORDER BY name") == before


async def test_an_upgrade_keeps_what_is_stored(first_version: Path) -> None:
    await upgrade_file(first_version)
    assert query(first_version, "SELECT version_num FROM gatepass_schema") == [(newest(),)]
    people = query(
        first_version,
        "SELECT user_id, home_issuer, issuer, subject, email, email_state FROM users ORDER BY 1",
    )
    idp, other = "https://idp.example", "https://other.example"
    assert people == [
        ("ann", idp, idp, "user-1", "ann@example.com", "verified"),
        ("bob", idp, idp, "bob", "twice@example.com", "entered"),
        ("eve", idp, idp, "eve", "twice@example.com", "entered"),
        ("joe", other, other, "bob", None, None),
    ]
    assert query(first_version, "SELECT team_id, models, created_at FROM teams") == [
        ("red", '["a"]', 3)
    ]
    members = "SELECT user_id, team_id, role, models, budget_id, version FROM memberships"
    assert query(first_version, members) == [("ann", "red", "admin", '"all"', "b", 1)]
    assert query(first_version, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'old%'") == [
        (0,)
    ]
    assert query(first_version, "PRAGMA foreign_key_check") == []
    async with open_directory(first_version) as directory:
        (found,), effects = await directory.resolve(SOMEBODY, some("red"))
    assert effects == ()
    assert found.user is not None
    assert (found.user.user_id, found.user.blocked) == ("ann", True)
    assert found.member is not None
    assert found.member.budget == budget("b", 5, 60, 7)


async def test_an_upgrade_of_a_server_keeps_budgets_and_who_refers_to_them(
    postgresql: PostgresqlProcess,
) -> None:
    url = postgresql.new_database(empty=True)
    await first_version_on_server(url)
    query(url, "INSERT INTO budgets VALUES ('b', 5, 60, 7)")
    query(url, "INSERT INTO end_users VALUES ('shop', false, '[]', 'b')")
    await Database(url).upgrade()
    columns = f"SELECT {', '.join(BUDGET_COLUMNS)} FROM budgets"  # noqa: S608 - names of ours
    (row,) = query(url, columns)
    assert to_budget("b", row) == budget("b", 5, 60, 7)
    assert query(url, "SELECT budget_id FROM end_users") == [("b",)]
    query(url, "UPDATE budgets SET limit_nano_usd = NULL, limit_requests = 3")
    (row,) = query(url, columns)
    assert to_budget("b", row).limits == (Limit(Unit.REQUESTS, 3),)


async def test_an_upgrade_is_not_undone(file: Path) -> None:
    engine = prepare(create_engine(f"sqlite:///{file}"))
    with (
        engine.execution_options(**WRITING).begin() as connection,
        pytest.raises(NotImplementedError, match="restore the copy"),
    ):
        command.downgrade(schema._config(connection), "0001")
    engine.dispose()


async def test_opening_makes_what_is_not_there_and_finds_what_is(new_file: Path) -> None:
    for _ in range(2):
        await make_file(new_file)
        assert query(new_file, "SELECT version_num FROM gatepass_schema") == [(newest(),)]
