"""`gatepass db`, run on databases of every age."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.plugin.budgets.lock import ProcessLock, lock_path
from gatepass.plugin.cli import app
from gatepass.plugin.commands.check_store import store_finding
from gatepass.plugin.directory.schema import newest
from gatepass.plugin.settings import compile_settings, load_settings
from support.databases import first_version, upgrade_file
from support.directories import query
from support.settings import LEAST_TEXT


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT)
    return path


def database(settings: Path) -> Path:
    return settings.with_name("gatepass.db")


def db(settings: Path, *command: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["db", *command, "-c", str(settings)])
    return result.exit_code, result.stdout.strip()


def test_a_database_that_is_not_there_is_not_made_by_looking(settings: Path) -> None:
    assert db(settings, "current") == (0, "no schema yet; it is made at the first start, as 0006")
    assert db(settings, "check")[0] == 1
    assert not database(settings).exists()


def test_a_database_of_this_version_is_left_as_it_is(settings: Path) -> None:
    asyncio.run(upgrade_file(database(settings)))
    for command in ("current", "check", "upgrade"):
        assert db(settings, command) == (0, f"schema {newest()}, as needed")


def test_an_older_one_is_found_and_upgraded(settings: Path) -> None:
    first_version(database(settings))
    advice = "schema 0001; needed is 0006: run `gatepass db upgrade`"
    assert db(settings, "current") == (0, advice)
    assert db(settings, "check") == (1, advice)
    assert query(database(settings), "SELECT version_num FROM gatepass_schema") == [("0001",)]
    assert db(settings, "upgrade") == (0, "schema 0006; it was 0001")
    assert db(settings, "check")[0] == 0


def test_the_answers_as_json(settings: Path) -> None:
    first_version(database(settings))
    status, text = db(settings, "check", "--json")
    assert (status, json.loads(text)) == (
        1,
        {"schema": "0001", "needed": "0006", "upgraded_from": None},
    )
    status, text = db(settings, "upgrade", "--json")
    assert (status, json.loads(text)) == (
        0,
        {"schema": "0006", "needed": "0006", "upgraded_from": "0001"},
    )


async def test_a_running_service_is_not_upgraded_beneath(settings: Path) -> None:
    first_version(database(settings))
    async with ProcessLock(lock_path(database(settings))):
        command = ["db", "upgrade", "-c", str(settings)]
        result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 1
    assert "another process holds" in str(result.exception)
    assert query(database(settings), "SELECT version_num FROM gatepass_schema") == [("0001",)]


def test_a_newer_one_is_left_alone(settings: Path) -> None:
    with closing(sqlite3.connect(database(settings))) as connection, connection:
        connection.execute("CREATE TABLE gatepass_schema (version_num TEXT)")
        connection.execute("INSERT INTO gatepass_schema VALUES ('9999')")
    for command in ("current", "check", "upgrade"):
        result = CliRunner().invoke(app, ["db", command, "-c", str(settings)])
        assert "newer Gatepass" in str(result.exception)


def test_check_says_to_upgrade_an_older_one_and_not_to_move_it_away(settings: Path) -> None:
    first_version(database(settings))
    found = asyncio.run(store_finding(compile_settings(load_settings(settings))))
    assert "gatepass db upgrade" in found.found
    assert found.advice.startswith("do so;")
