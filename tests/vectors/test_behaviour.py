"""The corpus of behaviour, run through the importer and the public Gate by its own runner.

The cases, the runner and what an adapter is are described at the head of run_behaviour.py.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent

CASES = json.loads((HERE / "behaviour.json").read_text())["cases"]

NOT_MET = {
    "verify-04": "the key of the case says alg RS256 and the token PS256: that is refused, as "
    "verify-20 wants it of RS512 and RS256",
}
"""Cases that we answer differently, each with the reason. One that begins to pass must go."""

_LINE = re.compile(r"(ok   |FAIL |CRASH) ([a-z]+-[0-9]+): (.*)")


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[str, str]]:
    run = subprocess.run(
        [
            sys.executable,
            HERE / "run_behaviour.py",
            "--adapter",
            HERE / "behaviour_adapter.py",
            "--cases",
            HERE / "behaviour.json",
            "-v",
        ],
        check=False,  # it says 1 while there is anything in NOT_MET
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not run.stderr
    found = [match.groups() for match in map(_LINE.fullmatch, run.stdout.splitlines()) if match]
    return {name: (verdict.strip(), words) for verdict, name, words in found}


@pytest.mark.timeout(300)
def test_the_corpus_has_what_this_test_believes(answers: dict[str, tuple[str, str]]) -> None:
    assert len(CASES) == len(answers) == 118
    assert answers.keys() >= NOT_MET.keys()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [case["id"] for case in CASES])
def test_behaviour(name: str, answers: dict[str, tuple[str, str]]) -> None:
    verdict, words = answers[name]
    assert verdict == ("FAIL" if name in NOT_MET else "ok"), words
