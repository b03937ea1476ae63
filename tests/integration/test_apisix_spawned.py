"""A real `gatepass apisix` as APISIX starts and ends it: umask 0, open descriptors, one second."""

import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support.apisix_callers import ask_once, calling, wait_for_more
from support.apisix_process import ApisixServed, refused_at, spawned_process
from support.gates import settings_file
from support.kong_process import SECONDS, connected

KILLED_AFTER_SECONDS = 1.0
WELL_BEFORE_SECONDS = 0.3
LEAKED = (251, 64)


def vanished(path: Path) -> None:
    """Wait until the socket is gone."""
    deadline = time.monotonic() + SECONDS
    while path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def spawned(tmp_path: Path) -> Iterator[ApisixServed]:
    with spawned_process(tmp_path) as served:
        served.wait_until_it_answers()
        yield served


def test_0h_umask_0_opens_neither_the_socket_nor_any_file(
    spawned: ApisixServed, tmp_path: Path
) -> None:
    ask_once(spawned.path)
    assert stat.S_IMODE(spawned.path.stat().st_mode) == 0o660
    made_by_the_test = {"gatepass.yaml", "stderr"}
    files = {entry.name: entry.stat().st_mode for entry in tmp_path.iterdir() if entry.is_file()}
    assert files.keys() >= {"gatepass.db", "gatepass.db.lock"}
    assert {name for name, mode in files.items() if mode & 0o077} == made_by_the_test
    owner = spawned.path.stat()
    assert (owner.st_uid, owner.st_gid) == (os.geteuid(), os.getegid())
    assert spawned.errors == f"gatepass: answering at unix:{spawned.path}\n"


def test_0h_the_socket_belongs_to_nginxs_workers_where_the_settings_say_so(tmp_path: Path) -> None:
    """They may not open that of root, and every request would be 503."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: this account may give nothing away")
    doors = {"apisix": {"owner": "nobody", "mode": "0600"}}
    with spawned_process(tmp_path, doors=doors) as served:
        served.wait_until_it_answers()
        found = served.path.stat()
        assert found.st_uid != 0
        assert stat.S_IMODE(found.st_mode) == 0o600
        ask_once(served.path)


def test_0h_nginxs_descriptors_are_closed_and_the_three_streams_stay(tmp_path: Path) -> None:
    """A listening socket of nginx's in our hands would keep its port when nginx has ended."""
    with ExitStack() as stack:
        nginx = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        for number, held in zip(LEAKED, (nginx.fileno(), writing), strict=True):
            os.dup2(held, number)
        os.close(writing)
        try:
            served = stack.enter_context(spawned_process(tmp_path, leaked=LEAKED))
        finally:
            for number in LEAKED:
                os.close(number)
        served.wait_until_it_answers()
        assert os.read(reading, 1) == b""
        ask_once(served.path)
        numbers = {int(entry.name) for entry in Path(f"/proc/{served.process.pid}/fd").iterdir()}
        assert numbers >= {0, 1, 2}
        assert not numbers & set(LEAKED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sec_62_an_end_without_calls_is_over_at_once(
    spawned: ApisixServed, number: signal.Signals
) -> None:
    ask_once(spawned.path)
    began = time.monotonic()
    spawned.process.send_signal(number)
    vanished(spawned.path)
    assert time.monotonic() - began < WELL_BEFORE_SECONDS
    assert spawned.process.wait(SECONDS) == 0
    assert time.monotonic() - began < KILLED_AFTER_SECONDS


def test_sec_62_an_end_under_load_is_over_before_apisix_kills(
    spawned: ApisixServed, tmp_path: Path
) -> None:
    with calling(spawned) as callers:
        wait_for_more(callers)
        began = time.monotonic()
        spawned.process.terminate()
        vanished(spawned.path)
        assert time.monotonic() - began < WELL_BEFORE_SECONDS
        assert spawned.stop_in_time(KILLED_AFTER_SECONDS) == 0
        wait_for_more(callers, errors=1)
    assert not list(tmp_path.glob("*.sock*"))


def test_sec_62_a_call_that_is_half_there_keeps_no_runner_from_ending(
    spawned: ApisixServed,
) -> None:
    with connected(spawned.path) as half, connected(spawned.path) as idle:
        half.sendall(b"\x02\x00")
        assert spawned.stop_in_time(KILLED_AFTER_SECONDS) == 0
        assert idle.recv(1) == b""


def test_the_next_one_starts_where_a_killed_one_left_its_socket(tmp_path: Path) -> None:
    with spawned_process(tmp_path) as old:
        old.wait_until_it_answers()
        old.process.kill()
        old.process.wait()
    assert old.path.is_socket()
    with spawned_process(tmp_path, log="next") as new:
        new.wait_until_it_answers()
        ask_once(new.path)
        assert "taken it over" not in new.errors
        assert list(tmp_path.glob("*.sock*")) == [new.path]
        assert new.stop() == 0
    assert not new.path.exists()


def test_a_runner_whose_apisix_died_goes_on_without_its_log(tmp_path: Path) -> None:
    """Both streams are one pipe of APISIX's, and nobody reads it any more."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as log, spawned_process(tmp_path, output=writing) as served:
        os.close(writing)
        assert log.readline().startswith("gatepass: answering at unix:")
        log.close()
        served.process.send_signal(signal.SIGHUP)
        ask_once(served.path)
        served.stop()
        assert not served.path.exists()


AGENT = (
    "import subprocess, sys\n"
    "child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)\n"
    "open(sys.argv[1], 'w').write(str(child.pid))\n"
    "child.wait()\n"
)


@pytest.mark.parametrize("workers", [1, 2])
def test_sec_62_a_runner_whose_agent_was_killed_ends_by_itself(
    tmp_path: Path, workers: int
) -> None:
    """Nobody would end it, and it would hold the budgets against the next agent's runner."""
    child = tmp_path / "child"
    doors = {"apisix": {}, "workers": workers}
    budgets = {"engine": "memory" if workers == 1 else "none"}
    inside = [sys.executable, "-c", AGENT, str(child)]
    with spawned_process(tmp_path, inside=inside, doors=doors, budgets=budgets) as agent:
        agent.wait_until_it_answers()
        ask_once(agent.path)
        agent.process.kill()
        try:
            vanished(agent.path)
        finally:
            with suppress(ProcessLookupError):
                os.kill(int(child.read_text()), signal.SIGKILL)
        assert "the process that started this runner has ended" in agent.errors


def test_a_variable_that_nginx_hides_from_the_runner_is_named(tmp_path: Path) -> None:
    doors = {"apisix": {}, "http": {"usage_token": "${GATEPASS_USAGE_TOKEN}"}}
    told = refused_at(settings_file(tmp_path, doors=doors), f"unix:{tmp_path}/spawned.sock")
    assert "doors.http.usage_token: the environment variable GATEPASS_USAGE_TOKEN" in told
