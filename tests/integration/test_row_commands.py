"""The commands about rows in a real terminal, in a pipe, and beside a real service."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepass.plugin.directory.database import Database
from support.commands import write_settings
from support.directories import query, url_of
from support.gatepass_process import serving
from support.gates import settings_file, token
from support.litellm_rows import members, team, user
from support.terminals import in_pipe, in_terminal, started

if TYPE_CHECKING:
    import subprocess

    from support.postgresql import PostgresqlProcess
    from support.valkey import ValkeyProcess

ROWS = "teams: {red: {models: all, members: {ann: admin}}}\nusers: {ann: {}}\n"
GREEN, YELLOW = "\x1b[32m", "\x1b[33m"
SOON_SECONDS = 3.0
ROWS_TO_KILL = 300


def test_a_terminal_shows_colors_and_asks_before_it_deletes(tmp_path: Path) -> None:
    write_settings(tmp_path, tmp_path / "gatepass.db")
    (tmp_path / "rows.yaml").write_text(ROWS)
    applied = in_terminal(tmp_path, "directory", "apply", "rows.yaml")
    assert applied.status == 0
    assert f"{GREEN}+\x1b[0m team red: models all" in applied.shown
    asked = "Delete team red? [y/N]:"
    stays = in_terminal(tmp_path, "teams", "delete", "red", question=asked, typed="n")
    assert stays.status == 1
    assert "nothing was changed" in stays.shown
    assert query(tmp_path / "gatepass.db", "SELECT team_id FROM teams") == [("red",)]
    gone = in_terminal(tmp_path, "teams", "delete", "red", question=asked, typed="y")
    assert gone.status == 0
    assert "deleted team red" in gone.shown
    assert query(tmp_path / "gatepass.db", "SELECT team_id FROM teams") == []


def test_a_pipe_has_no_colors_and_is_not_asked(tmp_path: Path) -> None:
    write_settings(tmp_path, tmp_path / "gatepass.db")
    (tmp_path / "rows.yaml").write_text(ROWS)
    applied = in_pipe(tmp_path, "directory", "apply", "rows.yaml")
    assert applied.returncode == 0
    assert applied.stdout.startswith("+ team red: models all\n")
    assert not applied.stderr
    listed = in_pipe(tmp_path, "teams", "members", "list", "--json")
    assert json.loads(listed.stdout)["rows"][0]["user_id"] == "ann"
    unsure = in_pipe(tmp_path, "users", "delete", "ann")
    assert (unsure.returncode, "--yes" in unsure.stderr) == (2, True)
    told = in_pipe(tmp_path, "users", "delete", "ann", "--json")
    assert json.loads(told.stdout)["code"] == "configuration_error"
    gone = in_pipe(tmp_path, "users", "delete", "ann", "--yes")
    assert gone.stdout == "deleted user ann\n"
    wrong = in_pipe(tmp_path, "users", "create", "bob", "--role", "admin")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("gatepass: --role: ")


def test_an_import_in_a_terminal_shows_what_needs_a_person(tmp_path: Path) -> None:
    write_settings(tmp_path, tmp_path / "gatepass.db")
    (tmp_path / "users.json").write_text(json.dumps([user("ann", max_parallel_requests=1)]))
    done = in_terminal(tmp_path, "import", "litellm-rows", "users.json")
    assert done.status == 1
    assert f"{YELLOW}manual  \x1b[0m user ann: max_parallel_requests: calls" in done.shown
    (tmp_path / "teams.json").write_text(
        json.dumps([team("red", members_with_roles=members(ann="user"))])
    )
    assert in_terminal(tmp_path, "import", "litellm-rows", "teams.json").status == 0


def test_who_had_spent_everything_elsewhere_has_nothing_left_here(tmp_path: Path) -> None:
    settings_file(tmp_path)
    rows = [user("ann", max_budget=5, spend=5), user("bob", max_budget=5, spend=1)]
    (tmp_path / "users.json").write_text(json.dumps(rows))
    assert in_pipe(tmp_path, "import", "litellm-rows", "users.json").returncode == 0
    with serving(tmp_path) as served:
        refused = served.ask()
        assert refused.status == 429
        assert b"budget_exceeded" in refused.body
        assert served.ask(bearer=token(user="bob", sub="sub-bob")).status == 200


def test_a_service_notices_at_once_what_a_command_changes(
    tmp_path: Path, valkey: "ValkeyProcess"
) -> None:
    stores = {"database": "sqlite:///gatepass.db", "redis": valkey.url()}
    with serving(tmp_path, stores=stores) as served:
        assert served.ask().status == 200
        assert in_pipe(tmp_path, "users", "block", "ann").returncode == 0
        began = time.monotonic()
        while served.ask().status != 403:
            assert time.monotonic() - began < SOON_SECONDS
        assert in_pipe(tmp_path, "users", "unblock", "ann").returncode == 0
        while served.ask().status != 200:
            assert time.monotonic() - began < 10 * SOON_SECONDS


def test_without_an_answer_of_redis_the_change_is_kept_and_told(tmp_path: Path) -> None:
    path = write_settings(tmp_path, tmp_path / "gatepass.db")
    path.write_text(
        path.read_text().replace("}\nbudgets", ", redis: redis://127.0.0.1:1/0}\nbudgets")
    )
    done = in_pipe(tmp_path, "teams", "create", "red")
    assert done.returncode == 0
    assert "services notice the changes within 10 seconds" in done.stderr
    assert query(tmp_path / "gatepass.db", "SELECT team_id FROM teams") == [("red",)]


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_an_apply_that_is_killed_leaves_what_was_there_or_all_of_it(
    tmp_path: Path, store: str, request: pytest.FixtureRequest
) -> None:
    """Whatever moment it is: never a part of the file."""
    where: Path | str = tmp_path / "gatepass.db"
    if store == "postgresql":
        server: PostgresqlProcess = request.getfixturevalue("postgresql")
        where = server.clean_database()
    write_settings(tmp_path, where)
    asyncio.run(Database(url_of(where)).upgrade())
    lines = [f"  c{number}: {{budget: $1}}" for number in range(ROWS_TO_KILL)]
    (tmp_path / "rows.yaml").write_text("\n".join(["customers:", *lines]))
    seen = set()
    for attempt in range(2):
        process = started(tmp_path, "directory", "apply", "rows.yaml")
        writing = "SELECT count(*) FROM audit WHERE row_id = 'c0'"
        wait_for_a_writer(where, process, 0.15 * attempt)
        process.kill()
        process.wait()
        (rows,) = query(where, "SELECT count(*) FROM end_users")[0]
        assert rows in {0, ROWS_TO_KILL}
        assert query(where, writing) == [(int(rows != 0),)]
        seen.add(rows)
    assert 0 in seen
    assert in_pipe(tmp_path, "directory", "apply", "rows.yaml").returncode == 0
    assert query(where, "SELECT count(*) FROM end_users") == [(ROWS_TO_KILL,)]
    assert query(where, "SELECT count(*) FROM budgets") == [(ROWS_TO_KILL,)]


def wait_for_a_writer(where: Path | str, process: "subprocess.Popen[bytes]", later: float) -> None:
    """Wait until a transaction of the process writes, and then a moment longer."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline and not is_written(where):
        time.sleep(0.005)
    end = time.monotonic() + later
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def is_written(where: Path | str) -> bool:
    if isinstance(where, str):
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        return query(where, locks) != [(0,)]
    with closing(sqlite3.connect(where, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False
