"""Several processes at one database."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.directories import query

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
    directory = SqlDirectory("sqlite:///" + sys.argv[1], rules)
    await directory.open()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    red = TeamChoice(("red",), required=True, creatable=True)
    callers = [caller("s", "ann")] * 25 + [caller(f"s{n}", f"u{n}") for n in range(25)]
    answers = await asyncio.gather(*(directory.resolve(who, red) for who in callers))
    await directory.close()
    made = [effect.subject_id for answer in answers for effect in answer.effects]
    print(json.dumps([made, sorted({answer.principals.user.user_id for answer in answers})]))

asyncio.run(race())
"""


@contextmanager
def racer(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that waits for the word; it does not outlive the block."""
    with subprocess.Popen(
        [sys.executable, "-c", RACE, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.rounds(20)
def test_sec_55_first_requests_in_four_processes_make_one_row_each(tmp_path: Path) -> None:
    new_file = tmp_path / "gatepass.db"
    with ExitStack() as stack:
        processes = [stack.enter_context(racer(new_file)) for _ in range(4)]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        results = [json.loads(process.communicate("go\n", timeout=60)[0]) for process in processes]
        assert [process.returncode for process in processes] == [0] * 4
    people = sorted(["ann", *(f"u{number}" for number in range(25))])
    made = sorted(subject_id for made, _ in results for subject_id in made)
    assert made == sorted([*people, "red"])
    assert all(seen == people for _, seen in results)
    assert query(new_file, "SELECT user_id FROM users ORDER BY user_id") == [
        (who,) for who in people
    ]
    assert query(new_file, "SELECT team_id FROM teams") == [("red",)]
