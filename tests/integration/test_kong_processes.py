"""A real `gatepass kong`, as Kong treats it: started beside the last one, ended, killed."""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.gatepass_process import refused
from support.gates import settings_file
from support.kong_process import (
    KongServed,
    ask_once,
    call,
    connected,
    hammering,
    kong_process,
    workers_of,
)
from support.ports import free_port

PROMPTLY_SECONDS = 4
"""Less than the 5 s that a server gives to what is under way."""

WAITING = "gatepass: waiting for another process to let go of the budgets\n"
CONTAINED = ("unshare", "--pid", "--fork", "--kill-child")
UNCOUNTED = {"engine": "none"}
CUT_OFF = "reached by nobody"
LOST_AND_SEEN_SECONDS = 4.2
CUT_OFF_SECONDS = 6
"""Three without anybody, one until it is seen, and what it takes to end."""


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sec_62_it_serves_its_socket_alone_and_leaves_with_status_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    with kong_process(tmp_path) as served:
        served.wait_until_it_answers()
        ask_once(served.path)
        for name, mode in (
            ("kong.sock", 0o660),
            ("gatepass.db", 0o600),
            ("gatepass.db.lock", 0o600),
        ):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
        with connected(served.path) as idle:
            call(idle)
            began = time.monotonic()
            assert served.stop(number) == 0
            assert time.monotonic() - began < PROMPTLY_SECONDS
            assert idle.recv(1) == b""
        assert served.errors == f"gatepass: answering at unix:{served.path}\n"
    assert names_in(tmp_path) == {"gatepass.yaml", "gatepass.db", "gatepass.db.lock", "stderr"}


def test_serve_opens_both_doors(tmp_path: Path) -> None:
    port = free_port()
    doors = {"http": {"listen": f"127.0.0.1:{port}"}, "kong": {"socket": f"{tmp_path}/kong.sock"}}
    with kong_process(tmp_path, command="serve", doors=doors) as served:
        served.wait_until_it_answers()
        ask_once(served.path)
        socket.create_connection(("127.0.0.1", port)).close()
        assert f"gatepass: answering at 127.0.0.1:{port}\n" in served.errors
        assert served.stop() == 0


def test_sec_41_the_next_one_takes_over_while_every_call_is_answered(tmp_path: Path) -> None:
    with (
        kong_process(tmp_path) as old,
        hammering(old) as hammer,
        connected(old.path) as pooled,
        kong_process(tmp_path, log="next") as new,
    ):
        call(pooled)
        new.wait_for(WAITING)
        hammer.wait_for_more()
        assert "answering" not in new.errors
        assert old.stop() == 0
        assert pooled.recv(1) == b""
        new.wait_until_it_answers()
        hammer.wait_for_more()
        assert hammer.failures == []
        first, told, last = new.errors.splitlines(keepends=True)
        assert first == WAITING
        assert "this one has taken it over" in told
        assert last == f"gatepass: answering at unix:{new.path}\n"
        assert not list(tmp_path.glob("*.next"))
        ask_once(new.path)
        hammer.end()
        assert new.stop() == 0
        assert not new.path.exists()


def test_sec_41_one_in_another_container_takes_over_like_any_other(tmp_path: Path) -> None:
    """Each of the two is process 1 of its own PID namespace."""
    if subprocess.run([*CONTAINED, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("NOT TESTED: this account may make no PID namespace")
    with (
        kong_process(tmp_path, *CONTAINED) as old,
        hammering(old) as hammer,
        kong_process(tmp_path, *CONTAINED, log="next") as new,
    ):
        new.wait_for(WAITING)
        assert len(list(tmp_path.glob("kong.sock.1.*.next"))) == 1
        (inner,) = workers_of(old.process.pid)
        os.kill(inner, signal.SIGTERM)
        assert old.process.wait(PROMPTLY_SECONDS) == 0
        new.wait_until_it_answers()
        hammer.wait_for_more()
        assert hammer.failures == []


def test_who_waits_can_be_ended_and_disturbs_nobody(tmp_path: Path) -> None:
    with kong_process(tmp_path) as old:
        old.wait_until_it_answers()
        with kong_process(tmp_path, log="next") as new:
            new.wait_for(WAITING)
            assert new.stop() == 0
        assert new.errors == WAITING
        assert not list(tmp_path.glob("*.next"))
        ask_once(old.path)
        assert old.stop() == 0
        assert not old.path.exists()


@pytest.mark.parametrize("victim", ["the one that serves", "the one that waits"])
def test_what_a_killed_server_leaves_keeps_nobody_out(tmp_path: Path, victim: str) -> None:
    with kong_process(tmp_path) as old:
        old.wait_until_it_answers()
        with kong_process(tmp_path, log="next") as new:
            new.wait_for(WAITING)
            killed, alive = (new, old) if victim.endswith("waits") else (old, new)
            killed.process.kill()
            killed.process.wait()
            if killed is old:
                new.wait_until_it_answers()
            else:
                assert list(tmp_path.glob("*.next"))
            ask_once(alive.path)
            began = time.monotonic()
            assert alive.stop() == 0
            assert time.monotonic() - began < PROMPTLY_SECONDS


def test_the_sockets_that_killed_servers_leave_are_replaced_and_removed(tmp_path: Path) -> None:
    with kong_process(tmp_path) as old:
        old.wait_until_it_answers()
        with kong_process(tmp_path, log="next") as new:
            new.wait_for(WAITING)
            new.process.kill()
        old.process.kill()
    assert len(list(tmp_path.glob("kong.sock*"))) == 2
    with kong_process(tmp_path, log="third") as third:
        third.wait_until_it_answers()
        ask_once(third.path)
        assert list(tmp_path.glob("kong.sock*")) == [third.path]
        assert "taken it over" not in third.errors


def test_without_counting_nobody_waits_and_the_old_one_leaves_the_path_alone(
    tmp_path: Path,
) -> None:
    with (
        kong_process(tmp_path, budgets=UNCOUNTED) as old,
        hammering(old) as hammer,
        connected(old.path) as pooled,
        kong_process(tmp_path, log="next", budgets=UNCOUNTED) as new,
    ):
        new.wait_until_it_answers()
        hammer.wait_for_more()
        call(pooled)
        assert old.stop() == 0
        assert new.path.exists()
        hammer.wait_for_more()
        assert hammer.failures == []
    assert not (tmp_path / "gatepass.db.lock").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_sec_41_who_is_left_without_a_path_ends_as_a_failure(
    tmp_path: Path, number: signal.Signals
) -> None:
    with kong_process(tmp_path, budgets=UNCOUNTED) as old:
        old.wait_until_it_answers()
        with kong_process(tmp_path, log="next", budgets=UNCOUNTED) as new:
            new.wait_until_it_answers()
            new.stop(number)
        assert old.process.poll() is None
        assert old.process.wait(CUT_OFF_SECONDS) == 1
        _, told = old.errors.splitlines()
        assert CUT_OFF in json.loads(told)["event"]
        assert json.loads(told)["settings"] == ["doors.kong.socket"]


def test_who_loses_a_path_that_is_taken_anew_at_once_stays_and_drains(tmp_path: Path) -> None:
    with (
        kong_process(tmp_path, budgets=UNCOUNTED) as old,
        ExitStack() as stack,
    ):
        old.wait_until_it_answers()
        pooled = stack.enter_context(connected(old.path))
        call(pooled)
        with kong_process(tmp_path, log="next", budgets=UNCOUNTED) as new:
            new.wait_until_it_answers()
            new.stop(signal.SIGKILL)
        with kong_process(tmp_path, log="third", budgets=UNCOUNTED) as third:
            third.wait_until_it_answers()
            until = time.monotonic() + LOST_AND_SEEN_SECONDS
            while time.monotonic() < until:
                call(pooled)
                ask_once(third.path)
                time.sleep(0.02)
            assert old.stop() == 0
            assert pooled.recv(1) == b""
            assert CUT_OFF not in old.errors
            ask_once(third.path)


def limits_of(served: KongServed) -> tuple[int, int]:
    return resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)


def test_it_takes_all_descriptors_that_it_may_have(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard // 2), hard))
    try:
        with kong_process(tmp_path, budgets=UNCOUNTED) as served:
            served.wait_until_it_answers()
            assert limits_of(served) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def answered_again(path: Path) -> None:
    """Ask until there is an answer: the server may not have seen yet that others have hung up."""
    until = time.monotonic() + PROMPTLY_SECONDS
    while True:
        try:
            ask_once(path)
        except ConnectionError:
            assert time.monotonic() < until
            time.sleep(0.01)
        else:
            return


def test_sec_41_connections_beyond_its_descriptors_are_told_of_and_it_goes_on(
    tmp_path: Path,
) -> None:
    with kong_process(tmp_path, budgets=UNCOUNTED) as served:
        served.wait_until_it_answers()
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (64, 64))
        with ExitStack() as stack:
            for _ in range(64):
                stack.enter_context(connected(served.path))
            served.wait_for("no descriptors left")
        answered_again(served.path)
        assert served.errors.count("no descriptors left") == 1
        assert served.stop() == 0


def test_kong_without_its_door(tmp_path: Path) -> None:
    told = refused(settings_file(tmp_path), "kong")
    assert told.startswith("gatepass: doors.kong: not there")


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.parametrize(
    ("door", "problem"),
    [
        ({"group": "gatepass-nobody"}, "doors.kong.group: there is no such group"),
        ({"socket": "{folder}/stderr"}, "doors.kong.socket: {folder}/stderr is there and is no"),
        ({"socket": "{folder}/open/kong.sock"}, "doors.kong.socket: everybody may write in "),
    ],
)
def test_a_socket_that_cannot_be_had(short_path: Path, door: dict[str, str], problem: str) -> None:
    folder = short_path
    values = {"socket": "{folder}/kong.sock"} | door
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    kong = {name: value.format(folder=folder) for name, value in values.items()}
    told = refused(settings_file(folder, doors={"kong": kong}), "kong")
    assert told.startswith("gatepass: " + problem.format(folder=folder))
    assert not (folder / "gatepass.db").exists()
    assert not list(folder.glob("kong.sock*"))
