"""Children end, whatever happens: by themselves, by force, with all that they started."""

import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatepass.plugin.demo import processes
from gatepass.plugin.demo.processes import Children, ServerFailed, Stopped, free_ports

SLEEPER = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(60)"
)
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c',"
    " 'import time; time.sleep(60)']); print(child.pid, flush=True); time.sleep(60)"
)
CRASHING = "print('no such setting'); raise SystemExit(3)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_running(pid: int) -> bool:
    """A process that nobody has reaped yet counts as ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_log(path: Path) -> str:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        text = path.read_text(encoding="utf-8")
        if text.endswith("\n"):
            return text.strip()
        time.sleep(0.01)
    raise AssertionError("the child said nothing")


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_leaving_the_context_ends_every_child(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        started = [children.start(name, python(SLEEPER)) for name in ("one", "two")]
        assert all(is_running(child.process.pid) for child in started)
    assert [child.process.returncode for child in started] == [-signal.SIGTERM] * 2


def start_and_wait(folder: Path, command: list[str]) -> None:
    with Children(folder) as children:
        children.start("one", command)
        for _ in range(200):
            time.sleep(0.05)


def test_an_exception_ends_every_child(tmp_path: Path) -> None:
    children = Children(tmp_path)
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(ValueError, match="in the middle"))
        stack.enter_context(children)
        child = children.start("one", python(SLEEPER))
        raise ValueError("in the middle")
    assert child.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_child_and_the_old_handlers_come_back(
    tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    signaling = ["/bin/sh", "-c", f"echo $$; kill -{number.value} $PPID; sleep 60"]
    with pytest.raises(Stopped) as caught:
        start_and_wait(tmp_path, signaling)
    assert caught.value.signal_number == number
    assert not is_running(int((tmp_path / "one.log").read_text(encoding="ascii")))
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_does_not_disturb_the_ending(tmp_path: Path) -> None:
    twice = ["/bin/sh", "-c", "echo $$; kill -INT $PPID; kill -INT $PPID; sleep 60"]
    with pytest.raises(Stopped):
        start_and_wait(tmp_path, twice)
    assert not is_running(int((tmp_path / "one.log").read_text(encoding="ascii")))


@pytest.mark.parametrize("attempt", range(10))
def test_a_signal_while_a_child_starts_leaves_no_child(tmp_path: Path, attempt: int) -> None:
    interrupting = ["/bin/sh", "-c", "echo $$; kill -INT $PPID; sleep 60"]
    with pytest.raises(Stopped):
        start_and_wait(tmp_path, interrupting)
    log = (tmp_path / "one.log").read_text(encoding="ascii")
    assert log, f"attempt {attempt}: the child did not run"
    assert not is_running(int(log))


def test_a_child_that_ignores_the_request_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.05)
    with Children(tmp_path) as children:
        child = children.start("stubborn", python(STUBBORN))
        wait_for_log(child.log)
    assert child.process.returncode == -signal.SIGKILL


def test_what_a_child_has_started_ends_too(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("parent", python(PARENT))
        grandchild = int(wait_for_log(child.log))
        assert is_running(grandchild)
    wait_until_ended(grandchild)


def test_what_a_crashed_child_has_started_ends_too(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("parent", python(PARENT))
        grandchild = int(wait_for_log(child.log))
        os.kill(child.process.pid, signal.SIGKILL)
        wait_until_ended(child.process.pid)
        assert is_running(grandchild)
    wait_until_ended(grandchild)


def test_a_server_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Children(tmp_path) as children:
        child = children.start("crashing", python(CRASHING))
        with pytest.raises(ServerFailed, match="crashing ended by itself") as caught:
            child.wait_until_answers(f"http://127.0.0.1:{port}/")
    assert caught.value.log == ("no such setting",)


def test_a_server_that_stays_silent_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "START_SECONDS", 0.05)
    (port,) = free_ports(1)
    with Children(tmp_path) as children:
        child = children.start("silent", python(SLEEPER))
        with pytest.raises(ServerFailed, match="did not answer"):
            child.wait_until_answers(f"http://127.0.0.1:{port}/")


def test_a_command_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(ServerFailed, match="cannot be executed"):
        children.start("absent", [str(tmp_path / "absent")])


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
