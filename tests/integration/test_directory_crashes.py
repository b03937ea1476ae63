"""Crashes at the worst moment: everything was done, or nothing was."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from gatepass.plugin.directory.schema import newest
from support.crowd import numbers
from support.databases import first_version, first_version_on_server
from support.directories import Where, query, url_of
from support.gatepass_process import SECONDS, serving
from support.gates import KEY, settings_file, token
from support.postgresql import PostgresqlProcess, postgresql_process

if TYPE_CHECKING:
    from support.gatepass_process import Served

UPSERTING = """
import asyncio, sys
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.identity import Identity
from gatepass.rbac.teams import TeamChoice

WITH_BUDGET = RowDefaults(budget=BudgetTemplate((Limit(Unit.MONEY, 5),)))

def caller(name):
    return Identity(
        issuer="https://idp.example", subject=name, user_id=name, email=None,
        email_verified=False, team=None, teams=(), organization=None, end_user=None,
        roles=(), scopes=frozenset(), role=None,
    )

async def upsert():
    rules = DirectoryRules(user_upsert=True, user_defaults=WITH_BUDGET, user_teams=("all",))
    directory = SqlDirectory(sys.argv[1], rules)
    await directory.open()
    print("ready", flush=True)
    nobody = TeamChoice((), required=False, creatable=False)
    for number in range(100_000):
        names = [f"{sys.argv[2]}-{number}-{one}" for one in range(5)]
        await asyncio.gather(*(directory.resolve(caller(name), nobody) for name in names))

asyncio.run(upsert())
"""
HALF_MADE = """
SELECT users.user_id FROM users
LEFT JOIN budgets ON budgets.budget_id = users.budget_id
LEFT JOIN memberships ON memberships.user_id = users.user_id
LEFT JOIN links ON links.user_id = users.user_id
WHERE budgets.budget_id IS NULL OR memberships.user_id IS NULL OR links.user_id IS NULL
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """An empty database, once in a file and once on a server."""
    if request.param == "sqlite":
        return tmp_path / "gatepass.db"
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.new_database(empty=True)


@pytest.fixture
def mortal() -> Iterator[PostgresqlProcess]:
    """A server that a test may kill."""
    with postgresql_process() as server:
        yield server


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.rounds(20)
def test_sec_55_processes_that_are_killed_while_they_make_people_make_them_whole(
    where: Where,
) -> None:
    make_schema(where)
    query(where, "INSERT INTO teams (team_id, created_at) VALUES ('all', 0)")
    for number in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", UPSERTING, url_of(where), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            grows(where, "users")
            time.sleep(random.uniform(0, 0.03))  # noqa: S311 - anywhere in an upsert
            process.kill()
    assert query(where, HALF_MADE) == []
    counts = {table: count(where, table) for table in ("users", "budgets", "memberships", "links")}
    assert len(set(counts.values())) == 1, counts


def grows(where: Where, table: str) -> None:
    before = count(where, table)
    eventually(lambda: count(where, table) > before)


def count(where: Where, table: str) -> int:
    ((number,),) = query(where, f"SELECT count(*) FROM {table}")  # noqa: S608 - names of ours
    assert isinstance(number, int)
    return number


def make_schema(where: Where) -> None:
    from gatepass.plugin.directory.database import Database  # noqa: PLC0415 - this alone needs it

    asyncio.run(Database(url_of(where)).upgrade())


PEOPLE = 60_000
CROWD = (
    "INSERT INTO users (user_id, issuer, subject, email, models, created_at) "  # noqa: S608 - numbers
    "SELECT 'p' || n, 'https://idp.example', 's' || n, 'p' || n || '@example.com', '\"all\"', 0 "
    f"FROM {numbers(PEOPLE)}"
)


def upgrading(where: Where, folder: Path) -> "subprocess.Popen[str]":
    path = settings_file(
        folder, stores={"database": url_of(where)}, budgets={"engine": "none"}, doors={}
    )
    return subprocess.Popen(
        [sys.executable, "-m", "gatepass.plugin", "db", "upgrade", "-c", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def make_first_version(where: Where) -> None:
    if isinstance(where, str):
        asyncio.run(first_version_on_server(where))
    else:
        first_version(where)
    query(where, CROWD)


def wait_for_writing(where: Where) -> None:
    """Return when the upgrade has written something and has not kept it yet."""
    if isinstance(where, str):
        writers = "SELECT 1 FROM pg_stat_activity WHERE backend_xid IS NOT NULL"
        own = "application_name = 'gatepass' AND datname = current_database()"
        eventually(lambda: query(where, f"{writers} AND {own}"))
    else:
        log = where.with_name(f"{where.name}-wal")
        eventually(lambda: log.exists() and log.stat().st_size > 1_000_000)


def wait_for_nobody(where: Where) -> None:
    """Return when the server has noticed that the process is gone."""
    if isinstance(where, str):
        own = "application_name = 'gatepass' AND datname = current_database()"
        eventually(lambda: not query(where, f"SELECT 1 FROM pg_stat_activity WHERE {own}"))  # noqa: S608


def version(where: Where) -> object:
    return query(where, "SELECT version_num FROM gatepass_schema")[0][0]


@pytest.mark.rounds(10)
def test_an_upgrade_that_is_killed_halfway_has_changed_nothing(
    where: Where, tmp_path: Path
) -> None:
    make_first_version(where)
    with upgrading(where, tmp_path) as process:
        wait_for_writing(where)
        process.kill()
    wait_for_nobody(where)
    assert version(where) == "0001"
    assert count(where, "users") == PEOPLE
    with pytest.raises(Exception, match="home_issuer"):
        query(where, "SELECT home_issuer FROM users")
    with upgrading(where, tmp_path) as process:
        assert process.wait(60) == 0
    assert version(where) == newest()
    assert count(where, "users") == PEOPLE
    states = query(where, "SELECT DISTINCT home_issuer, email_state FROM users")
    assert states == [("https://idp.example", "verified")]


def test_an_upgrade_whose_server_is_killed_says_so_and_has_changed_nothing(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url = mortal.new_database(empty=True)
    make_first_version(url)
    with upgrading(url, tmp_path) as process:
        wait_for_writing(url)
        mortal.stop(signal.SIGKILL)
        said = process.communicate(timeout=30)[0]
    assert process.returncode != 0
    assert "Traceback" not in said
    mortal.start()
    assert (version(url), count(url, "users")) == ("0001", PEOPLE)
    with upgrading(url, tmp_path) as process:
        assert process.wait(60) == 0
    assert (version(url), count(url, "users")) == (newest(), PEOPLE)


class Load:
    """People nobody has seen before, asking one after the other in a few threads."""

    def __init__(self, served: "Served") -> None:
        self._served = served
        self._going_on = True
        self.statuses: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(4)]

    def _ask(self, worker: int) -> None:
        number = 0
        while self._going_on:
            number += 1
            name = f"w{worker}-{number}"
            reply = self._served.ask(KEY.token({"sub": name, "user": name}))
            code = "" if reply.status == 200 else json.loads(reply.body)["error"]["code"]
            self.statuses[f"{reply.status} {code}".strip()] += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going_on = False
        for thread in self._threads:
            thread.join(SECONDS)


@pytest.mark.rounds(10)
def test_sec_59_a_server_killed_under_load_makes_it_503_and_nothing_else_until_it_is_back(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url = mortal.new_database()
    with (
        serving(tmp_path, stores={"database": url}, budgets={"engine": "none"}) as served,
        Load(served) as load,
    ):
        eventually(lambda: load.statuses["200"] > 20)
        mortal.stop(signal.SIGKILL)
        eventually(lambda: load.statuses["503 store_error"] > 5)
        before = load.statuses["200"]
        mortal.start()
        eventually(lambda: load.statuses["200"] > before + 20)
        assert served.ask(token()).status == 200
    assert set(load.statuses) == {"200", "503 store_error"}
    assert served.process.poll() is not None
    assert query(url, "SELECT user_id FROM users GROUP BY user_id HAVING count(*) > 1") == []
    assert count(url, "users") >= load.statuses["200"], "who was let in is stored"
