"""What waits beside a path: who counts, and what may be removed without removing a server."""

import os
import socket
from pathlib import Path

import pytest

from gatepass.plugin.gateways import beside as module
from gatepass.plugin.gateways.beside import (
    beside,
    clear_abandoned,
    identity,
    name_beside,
    somebody_listens,
)
from support.unix_sockets import leave, names_in

NEVER_A_PID = 2**22 + 1
HERE = Path("/proc/self/ns/pid").stat().st_ino
ELSEWHERE = HERE + 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kong.sock"


def leave_beside(path: Path, pid: int, namespace: int = HERE) -> Path:
    return leave(path.with_name(f"{path.name}.{pid}.{namespace:x}.abc123.next"))


def test_the_names_of_one_process_differ_and_are_found_again(path: Path) -> None:
    names = {name_beside(path) for _ in range(16)}
    assert len(names) == 16
    left = leave(names.pop())
    assert left.name.startswith(f"kong.sock.{os.getpid()}.{HERE:x}.")
    leave(path)
    leave_beside(path.with_name("kong.sock2"), 1)
    path.with_name("kong.sock.1.next").touch()
    assert beside(path) == [left]
    assert beside(path / "no folder" / "kong.sock") == []


@pytest.mark.parametrize(
    "pid", [NEVER_A_PID, 2**31, os.getpid()], ids=["never", "too large", "ours"]
)
def test_what_dead_processes_of_our_own_left_is_removed(path: Path, pid: int) -> None:
    leave_beside(path, pid)
    clear_abandoned(path)
    assert names_in(path.parent) == []


def test_what_belongs_to_another_path_stays(path: Path) -> None:
    theirs = leave_beside(path.with_name("kong.sock2"), NEVER_A_PID)
    clear_abandoned(path)
    assert theirs.exists()


@pytest.mark.parametrize(
    ("pid", "namespace"),
    [(os.getppid(), HERE), (NEVER_A_PID, ELSEWHERE), (os.getpid(), ELSEWHERE), (1, 0)],
    ids=["alive", "elsewhere", "ours elsewhere", "nowhere"],
)
def test_one_that_may_be_about_to_listen_is_left_alone_until_it_is_old(
    path: Path, pid: int, namespace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting = leave_beside(path, pid, namespace)
    clear_abandoned(path)
    assert starting.exists()
    monkeypatch.setattr(module, "_ABANDONED_SECONDS", -1.0)
    clear_abandoned(path)
    assert not starting.exists()


def test_where_no_namespace_is_known_the_same_nothing_is_no_evidence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_NAMESPACE", path / "not there")
    starting = leave_beside(path, NEVER_A_PID, 0)
    clear_abandoned(path)
    assert starting.exists()


def test_whoever_listens_is_never_removed_whatever_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ABANDONED_SECONDS", -1.0)
    listening = path.with_name(f"kong.sock.{NEVER_A_PID}.{HERE:x}.abc123.next")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(listening))
        assert not somebody_listens(listening)
        listener.listen()
        clear_abandoned(path)
        assert somebody_listens(listening)


def test_without_a_free_descriptor_somebody_may_listen(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(path: Path) -> bool:
        raise OSError(24, "Too many open files", str(path))

    monkeypatch.setattr(module, "listens", exhausted)
    left = leave_beside(path, NEVER_A_PID)
    clear_abandoned(path)
    assert left.exists()


def test_a_socket_keeps_its_identity_when_it_moves_and_shares_it_with_no_other(path: Path) -> None:
    assert identity(path) is None
    leave(path)
    before = identity(path)
    other = leave(path.with_name("other"))
    moved = path.rename(path.with_name("moved"))
    assert identity(moved) == before != identity(other)
