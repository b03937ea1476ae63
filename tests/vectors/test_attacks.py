"""The corpus of attacks, run through the public API by its own runner: what must be refused is.

The cases, the runner and what an adapter is are described at the head of run_attacks.py.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
KINDS = ("token", "request", "identity", "jwks_http")

CASES = [
    case
    for case in json.loads((HERE / "attacks.json").read_text())["cases"]
    if case["kind"] in KINDS
]

NOT_MET: dict[str, str] = {}
"""`should` cases that we answer differently, each with the reason."""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    report = tmp_path_factory.mktemp("attacks") / "report.json"
    subprocess.run(
        [
            sys.executable,
            HERE / "run_attacks.py",
            "--adapter",
            HERE / "attacks_adapter.py",
            "--corpus",
            HERE / "attacks.json",
            "--kind",
            ",".join(KINDS),
            "--json",
            report,
        ],
        check=True,
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        timeout=300,
    )
    return {result["id"]: result["verdict"] for result in json.loads(report.read_text())}


@pytest.mark.timeout(300)
def test_the_corpus_has_what_this_test_believes(verdicts: dict[str, str]) -> None:
    assert len(CASES) == len(verdicts) == 284
    assert {case["level"] for case in CASES} == {"must", "should", "interop", "info"}
    assert not {name for name in NOT_MET if verdicts[name] == "pass"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_attack(case: dict[str, str], verdicts: dict[str, str]) -> None:
    if case["level"] == "should" and case["id"] in NOT_MET:
        assert verdicts[case["id"]] != "CRASH"
        return
    assert verdicts[case["id"]] == "pass"
