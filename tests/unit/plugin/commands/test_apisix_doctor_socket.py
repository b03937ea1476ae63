"""`gatepass apisix doctor`: whom the runner's socket lets in, as far as this machine shows it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin.commands.apisix_doctor_socket import (
    SocketModes,
    beside_findings,
    socket_findings,
    spawned_findings,
)

NOBODY = "nobody"
ROOTS = SocketModes(0o140660, 0, 0)
STRANGERS = SocketModes(0o140660, 4_000_000, 4_000_000)


@contextmanager
def listening(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        yield


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [
        *((0o660, 7, 70, True), (0o060, 7, 70, False), (0o660, 8, 70, True)),
        *((0o600, 8, 70, False), (0o606, 8, 70, False), (0o666, 8, 80, True)),
        (0o660, 8, 80, False),
    ],
)
def test_who_may_write(mode: int, uid: int, gid: int, may: bool) -> None:  # noqa: FBT001 - a row
    assert SocketModes(mode, uid, gid).may_write(7, {70, 71}) is may
    assert SocketModes(0, 1, 1).may_write(0, {0})


def test_roots_own_socket_keeps_nobody_out() -> None:
    """A spawned runner with neither owner nor group: 503 for all."""
    (wrong,) = spawned_findings(ROOTS, "")
    assert (wrong.subject, wrong.ok) == ("ext-plugin", False)
    assert "owner" in wrong.advice
    assert not list(spawned_findings(ROOTS, "root"))
    assert not list(spawned_findings(ROOTS._replace(mode=0o140666), ""))
    assert not list(spawned_findings(STRANGERS, "")), "its master may be no root"
    assert not list(spawned_findings(ROOTS, "no-such-account"))


def test_a_socket_beside_apisix_is_compared_with_the_account_that_is_named() -> None:
    (told,) = beside_findings(STRANGERS, NOBODY)
    assert told.note
    assert not list(beside_findings(STRANGERS, "root"))
    assert not list(beside_findings(ROOTS, "nobody root")), "its second word is the group"


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"ext-plugin": None, "nginx_config": []},
        {"ext-plugin": {"path_for_test": "/nowhere/a.sock"}, "nginx_config": {"user": NOBODY}},
        {"ext-plugin": {"path_for_test": "/etc/passwd"}, "nginx_config": {"user": NOBODY}},
        {"ext-plugin": {"path_for_test": "/a\0b"}, "nginx_config": {"user": NOBODY}},
        {"ext-plugin": {"cmd": ["gatepass"]}},
    ],
)
def test_nothing_is_said_of_what_is_not_there(tmp_path: Path, config: dict[str, Any]) -> None:
    assert not list(socket_findings(config, tmp_path / "config.yaml"))


def test_the_sockets_of_this_machine_are_looked_at(tmp_path: Path) -> None:
    with listening(tmp_path / "a.sock"), listening(tmp_path / "apisix-1.sock"):
        beside = {"path_for_test": f"{tmp_path}/a.sock"}
        config = {"ext-plugin": beside, "nginx_config": {"user": NOBODY}}
        (told,) = socket_findings(config, tmp_path / "config.yaml")
        assert told.subject == "path_for_test"
        assert not list(socket_findings({"ext-plugin": beside}, tmp_path / "config.yaml"))
        spawned = {"ext-plugin": {"cmd": ["gatepass"]}}
        found = list(socket_findings(spawned, tmp_path / "config.yaml"))
        is_root = (tmp_path / "apisix-1.sock").stat().st_uid == 0
        assert [one.subject for one in found] == (["ext-plugin"] if is_root else [])
