"""A real `gatepass kong`, as Kong treats it: started beside the last one, ended, killed."""

import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from support.gatepass_process import refused
from support.gates import settings_file
from support.kong_process import ask_once, call, connected, hammering, kong_process
from support.ports import free_port

PROMPTLY_SECONDS = 4
"""Less than the 5 s that a server gives to what is under way."""

WAITING = "gatepass: waiting for another process to let go of the budgets\n"
UNCOUNTED = {"engine": "none"}


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


def test_kong_without_its_door(tmp_path: Path) -> None:
    told = refused(settings_file(tmp_path), "kong")
    assert told.startswith("gatepass: doors.kong: not there")


@pytest.mark.parametrize(
    ("door", "problem"),
    [
        ({"group": "gatepass-nobody"}, "doors.kong.group: there is no such group"),
        ({"socket": "{folder}/stderr"}, "doors.kong.socket: {folder}/stderr is there and is no"),
    ],
)
def test_a_socket_that_cannot_be_had(tmp_path: Path, door: dict[str, str], problem: str) -> None:
    values = {"socket": "{folder}/kong.sock"} | door
    kong = {name: value.format(folder=tmp_path) for name, value in values.items()}
    told = refused(settings_file(tmp_path, doors={"kong": kong}), "kong")
    assert told.startswith("gatepass: " + problem.format(folder=tmp_path))
    assert not (tmp_path / "gatepass.db").exists()
    assert not list(tmp_path.glob("kong.sock*"))
