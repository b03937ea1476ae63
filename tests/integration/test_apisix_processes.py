"""A real `gatepass apisix` beside APISIX, and one that is not able to start."""

import socket
import time
from pathlib import Path

import pytest

from support.apisix_callers import ask_once, calling, errors_of, wait_for_more
from support.apisix_process import apisix_process, refused_at
from support.gates import settings_file
from support.kong_process import SECONDS, open_sockets
from support.ports import free_port

PROMPTLY_SECONDS = 4
"""Less than the 5 s that a runner gives to what is under way."""


def test_serve_opens_this_door_too(tmp_path: Path) -> None:
    port = free_port()
    doors = {
        "http": {"listen": f"127.0.0.1:{port}"},
        "apisix": {"socket": f"{tmp_path}/apisix.sock"},
    }
    with apisix_process(tmp_path, command="serve", doors=doors) as served:
        served.wait_until_it_answers()
        ask_once(served.path)
        socket.create_connection(("127.0.0.1", port)).close()
        assert served.stop() == 0
        assert not served.path.exists()


def test_it_keeps_nothing_of_connections_that_went_and_ends_at_once(tmp_path: Path) -> None:
    with apisix_process(tmp_path) as served:
        served.wait_until_it_answers()
        before = open_sockets(served.process.pid)
        with calling(served) as callers:
            wait_for_more(callers)
            assert errors_of(callers) == []
        deadline = time.monotonic() + SECONDS
        while open_sockets(served.process.pid) > before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS
        assert served.errors == f"gatepass: answering at unix:{served.path}\n"


def test_apisix_without_its_door(tmp_path: Path) -> None:
    told = refused_at(settings_file(tmp_path))
    assert told.startswith("gatepass: doors.apisix: not there")


def test_a_runner_beside_apisix_without_a_socket(tmp_path: Path) -> None:
    told = refused_at(settings_file(tmp_path, doors={"apisix": {}}))
    assert told.startswith("gatepass: doors.apisix.socket: not there")
    assert "path_for_test" in told


@pytest.mark.parametrize("address", ["unix:conf/apisix.sock", "127.0.0.1:9000"])
def test_an_address_of_apisixs_that_is_no_socket(tmp_path: Path, address: str) -> None:
    told = refused_at(settings_file(tmp_path, doors={"apisix": {}}), address)
    assert told.startswith("gatepass: APISIX_LISTEN_ADDRESS: expected unix:/absolute/path")


@pytest.mark.parametrize(
    ("door", "problem"),
    [
        ({"group": "gatepass-nobody"}, "doors.apisix.group: there is no such group"),
        ({"owner": "gatepass-nobody"}, "doors.apisix.owner: there is no such account"),
        ({"mode": "0x1"}, "doors.apisix.mode: "),
        ({"socket": "{folder}/taken"}, "doors.apisix.socket: {folder}/taken is there and is no"),
        ({"socket": "{folder}/open/a.sock"}, "doors.apisix.socket: everybody may write in "),
        ({"socket": "{folder}/none/a.sock"}, "doors.apisix.socket: {folder}/none/a.sock: No such"),
    ],
)
@pytest.mark.parametrize("spawned", [True, False])
def test_a_socket_that_cannot_be_had(
    tmp_path: Path, door: dict[str, str], problem: str, *, spawned: bool
) -> None:
    values = {"socket": "{folder}/a.sock"} | door
    (tmp_path / "taken").write_text("another program's file")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    apisix = {name: value.format(folder=tmp_path) for name, value in values.items()}
    address = f"unix:{apisix.pop('socket')}" if spawned else None
    told = refused_at(settings_file(tmp_path, doors={"apisix": apisix}), address)
    assert problem.format(folder=tmp_path) in told
    assert (tmp_path / "taken").read_text() == "another program's file"
    assert not (tmp_path / "gatepass.db").exists()
    assert not list(tmp_path.glob("**/*.sock*"))
