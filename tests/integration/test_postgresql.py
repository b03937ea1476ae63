"""The directory on a real PostgreSQL: its schema, its constraints, and its failures."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from typer.testing import CliRunner

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.cli import app
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.metadata import metadata
from gatepass.plugin.directory.schema import newest
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.plugin.directory.tables import VERSION_TABLE
from gatepass.plugin.errors import StoreUnavailable
from support.callers import SOMEBODY
from support.directories import NO_TEAM, UPSERT, one, open_directory, person, query
from support.gates import KEY
from support.postgresql import PostgresqlProcess, postgresql_process
from support.settings import ISSUER

SECRET = "canary-7f3a"
STOLEN = (
    "INSERT INTO links (user_id, action, issuer, subject, evidence, at) "
    "VALUES ('a', 'stolen', 'i', 's', 'operator', 0)"
)


async def test_the_migrations_make_what_the_tables_say(postgresql: PostgresqlProcess) -> None:
    database = Database(postgresql.new_database(empty=True))
    assert await database.version() is None
    await database.open()
    assert await database.version() == newest()
    await database.close()

    def differences(connection: Connection) -> list[object]:
        opts = {"version_table": VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=opts)
        return list(compare_metadata(context, metadata))

    assert await database._home.in_schema(differences) == []


async def test_sec_59_the_database_itself_refuses_what_cannot_be(
    postgresql: PostgresqlProcess,
) -> None:
    url = postgresql.new_database()
    user = "INSERT INTO users (user_id, created_at, {}) VALUES ('u', 0, {})"
    query(
        url,
        "INSERT INTO users (user_id, created_at, email, email_state) VALUES "
        "('a', 0, 'a@x.io', 'verified'), ('b', 0, 'a@x.io', 'entered')",
    )
    for statement in (
        """INSERT INTO budgets (budget_id, limit_nano_usd, window_seconds, anchor)
           VALUES ('b', -1, NULL, 0)""",
        """INSERT INTO budgets (budget_id, limit_nano_usd, window_seconds, anchor)
           VALUES ('b', 1, 0, 0)""",
        user.format("role", "'root'"),
        user.format("issuer", "'i'"),
        user.format("subject", "'s'"),
        user.format("email", "'x@x.io'"),
        user.format("email, email_state", "'X@x.io', 'entered'"),
        user.format("email, email_state", "'x@x.io', 'guessed'"),
        user.format("email, email_state", "'a@x.io', 'verified'"),
        "INSERT INTO memberships (user_id, team_id, role) VALUES ('a', 'nowhere', 'user')",
        STOLEN,
    ):
        with pytest.raises(Exception, match=r"violates (check|unique|foreign key) constraint"):
            query(url, statement)


async def test_a_database_of_somebody_else_or_of_another_version_is_left_alone(
    postgresql: PostgresqlProcess,
) -> None:
    foreign = postgresql.new_database(empty=True)
    query(foreign, "CREATE TABLE anything (x int)")
    newer = postgresql.new_database()
    query(newer, "UPDATE gatepass_schema SET version_num = '9999'")
    older = postgresql.new_database()
    query(older, "UPDATE gatepass_schema SET version_num = '0001'")
    for url, sentence in (
        (foreign, "not Gatepass's"),
        (newer, "newer Gatepass"),
        (older, "gatepass db upgrade"),
    ):
        with pytest.raises(ConfigurationError, match=sentence):
            await Database(url).open()


async def test_a_server_that_lets_nobody_in_is_explained_without_names(
    postgresql: PostgresqlProcess,
) -> None:
    for url, sentence in (
        (postgresql.url(SECRET), "no database of this name"),
        (postgresql.url("postgres", account=SECRET), "refuses the account"),
    ):
        with pytest.raises(ConfigurationError, match=sentence) as caught:
            await Database(url).open()
        assert SECRET not in str(caught.value)


async def test_a_server_without_a_certificate_is_not_spoken_to_when_one_is_wanted(
    postgresql: PostgresqlProcess,
) -> None:
    for mode in ("verify-full", "verify-ca", "require"):
        with pytest.raises(StoreUnavailable):
            await Database(f"{postgresql.url('migrated')}?sslmode={mode}").open()


@pytest.fixture
def mortal() -> Iterator[PostgresqlProcess]:
    """A server that a test may kill."""
    with postgresql_process() as server:
        yield server


async def test_sec_59_a_server_that_is_killed_never_says_unknown_and_comes_back(
    mortal: PostgresqlProcess,
) -> None:
    async with open_directory(mortal.new_database(), UPSERT) as directory:
        await directory.resolve(person("ann"), one("red"))
        under_way = [
            asyncio.create_task(directory.resolve(person(str(number)), one("red")))
            for number in range(40)
        ]
        await asyncio.sleep(0.02)
        mortal.stop(signal.SIGKILL)
        answers = await asyncio.gather(*under_way, return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        assert {type(failure) for failure in failures} <= {StoreUnavailable}
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await directory.resolve(person("ann"), one("red"))
        with pytest.raises(StoreUnavailable):
            await directory.ping()
        mortal.start()
        for _ in range(10):
            try:
                (found,), _ = await directory.resolve(person("ann"), one("red"))
                break
            except StoreUnavailable:
                continue
        assert found.user is not None
        assert found.user.user_id == "ann"


async def test_a_writer_that_holds_its_turn_is_waited_for_and_then_reported(
    postgresql: PostgresqlProcess,
) -> None:
    url = postgresql.new_database()
    async with open_directory(url, UPSERT) as directory, open_directory(url, UPSERT) as other:
        async with other._database.writing():
            waiting = asyncio.create_task(directory.resolve(person("ann"), NO_TEAM))
            await asyncio.sleep(0.03)
            assert not waiting.done()
        await waiting
        async with other._database.writing():
            with pytest.raises(StoreUnavailable):
                await directory.resolve(person("bob"), NO_TEAM)


async def test_looking_changes_nothing(postgresql: PostgresqlProcess) -> None:
    url = postgresql.new_database()
    directory = SqlDirectory(Database(url, keeps=False), UPSERT)
    await directory.open()
    (found,), effects = await directory.resolve(SOMEBODY, one("red"))
    await directory.close()
    assert found.user is not None
    assert [effect.kind for effect in effects] == ["user_created", "team_created"]
    assert query(url, "SELECT * FROM users") == []
    empty = Database(postgresql.new_database(empty=True), keeps=False)
    with pytest.raises(ConfigurationError, match="the database is empty"):
        await empty.open()


def test_the_commands_know_a_server(postgresql: PostgresqlProcess, tmp_path: Path) -> None:
    url = postgresql.new_database()
    path = tmp_path / "gatepass.yaml"
    document = {
        "issuers": [{**ISSUER, "jwks": {"keys": [KEY.jwk()]}}],
        "profiles": {"default": {"permissions": {"internal_user": {"routes": ["GET /v1/models"]}}}},
        "users": {"upsert": True},
        "budgets": {"engine": "none"},
        "stores": {"database": url},
    }
    path.write_text(json.dumps(document))

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*words, "-c", str(path)])
        return result.exit_code, result.stdout

    status, text = run("check")
    assert f"store 127.0.0.1/{url.rpartition('/')[2]}: readable, schema known" in text
    assert run("db", "check") == (0, f"schema {newest()}, as needed\n")
    assert run("db", "upgrade")[0] == 0
    assert run("users", "links", "nobody")[0] == 1
    query(url, "ALTER TABLE gatepass_schema RENAME TO elsewhere")
    status, text = run("check")
    assert status == 1
    assert "not Gatepass's" in text
