"""Several processes at one database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.callers import SOMEBODY
from support.directories import UPSERT, Where, one, open_directory, query, url_of

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

RACE = """
import asyncio, json, sys
from gatepass.jwks.errors import GatepassError
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.rbac.identity import Identity
from gatepass.rbac.teams import TeamChoice

def caller(subject, user_id):
    return Identity(
        issuer="https://idp.example", subject=subject, user_id=user_id, email=None,
        email_verified=False, team="red", teams=(), organization=None, end_user=None,
        roles=(), scopes=frozenset(), role=None,
    )

async def race():
    rules = DirectoryRules(user_upsert=True, team_upsert=True)
    directory = SqlDirectory(sys.argv[1], rules)
    await directory.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    red = TeamChoice(("red",), required=True, creatable=True)
    callers = [caller("s", "ann")] * 25 + [caller(f"s{n}", f"u{n}") for n in range(25)]
    answers = await asyncio.gather(*(directory.resolve(who, red) for who in callers))
    await directory.close()
    made = [effect.subject_id for answer in answers for effect in answer.effects]
    print(json.dumps([made, sorted({answer.candidates[0].user.user_id for answer in answers})]))

asyncio.run(race())
"""


@contextmanager
def racer(where: Where) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that waits for the word; it does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "-c", RACE, url_of(where)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """A database that nobody has opened yet, once in a file and once on a server."""
    if request.param == "sqlite":
        return tmp_path / "gatepass.db"
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.new_database(empty=True)


@pytest.mark.rounds(20)
def test_sec_55_first_requests_in_four_processes_make_one_row_each(where: Where) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(racer(where)) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        results = [json.loads(process.communicate("go\n", timeout=60)[0]) for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
    people = sorted(["ann", *(f"u{number}" for number in range(25))])
    made = sorted(subject_id for made, _ in results for subject_id in made)
    assert made == sorted([*people, "red"])
    assert all(seen == people for _, seen in results)
    assert query(where, "SELECT user_id FROM users ORDER BY user_id") == [(who,) for who in people]
    assert query(where, "SELECT team_id FROM teams") == [("red",)]


HALF_DONE = """
import asyncio, sys
from sqlalchemy import insert
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.tables import teams

async def stop_halfway():
    database = Database(sys.argv[1])
    await database.open()
    async with database.writing() as connection:
        await connection.execute(insert(teams).values(team_id="red", created_at=0))
        print("halfway", flush=True)
        await asyncio.sleep(60)

asyncio.run(stop_halfway())
"""


def kill_halfway(where: Where) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HALF_DONE, url_of(where)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()


async def test_sec_55_a_process_that_is_killed_inside_an_upsert_leaves_nothing(
    where: Where,
) -> None:
    kill_halfway(where)
    async with open_directory(where, UPSERT) as directory:
        assert query(where, "SELECT * FROM teams") == []
        _, effects = await directory.resolve(SOMEBODY, one("red"))
    assert [effect.kind for effect in effects] == ["user_created", "team_created"]
