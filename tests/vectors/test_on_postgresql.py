"""The cases of both corpora that speak of stored people, once more on a real PostgreSQL.

Everything else in them never looks at a row in a way of its own; the whole corpora run on SQLite.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from vectors.test_behaviour import NOT_MET

from support.case_databases import SERVER

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
STORED = ("user", "team", "org", "enduser", "admin")


def ids(corpus: str) -> list[str]:
    return [case["id"] for case in json.loads((HERE / f"{corpus}.json").read_text())["cases"]]


PEOPLE = [name for name in ids("attacks") if name.startswith("ident-")]
ROWS = [name for name in ids("behaviour") if name.startswith(STORED)]


def run(corpus: str, server: "PostgresqlProcess", *options: str) -> str:
    """Return what the runner of a corpus says."""
    finished = subprocess.run(
        [
            sys.executable,
            HERE / f"run_{corpus}.py",
            "--adapter",
            HERE / f"{corpus}_adapter.py",
            *options,
        ],
        check=False,
        env={"PYTHONPATH": str(TESTS), SERVER: server.url("postgres")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not finished.stderr, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def attacks(
    postgresql: "PostgresqlProcess", tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    report = tmp_path_factory.mktemp("attacks") / "report.json"
    run("attacks", postgresql, "--kind", "identity", "--json", str(report))
    return {case["id"]: case["verdict"] for case in json.loads(report.read_text())}


@pytest.fixture(scope="module")
def behaviour(postgresql: "PostgresqlProcess") -> dict[str, str]:
    said = run("behaviour", postgresql, "--only", f"^({'|'.join(STORED)})-", "-v")
    found = re.findall(r"(?m)^(ok   |FAIL |CRASH) ([a-z]+-[0-9]+): ", said)
    return {name: verdict.strip() for verdict, name in found}


@pytest.mark.timeout(300)
def test_sec_52_to_55_the_corpora_have_what_this_test_believes(
    attacks: dict[str, str], behaviour: dict[str, str]
) -> None:
    assert len(PEOPLE) == len(attacks) == 14
    assert len(ROWS) == len(behaviour) == 44


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PEOPLE)
def test_attack_on_postgresql(name: str, attacks: dict[str, str]) -> None:
    assert attacks[name] == "pass"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ROWS)
def test_behaviour_on_postgresql(name: str, behaviour: dict[str, str]) -> None:
    assert behaviour[name] == ("FAIL" if name in NOT_MET else "ok")
