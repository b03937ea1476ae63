"""Two servers on one path: nobody is sent away, and nothing that is not a socket is touched."""

import os
import socket
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways import takeover
from gatepass.plugin.gateways.accounts import Accounts, SocketFile
from gatepass.plugin.gateways.takeover import SocketPlace, handing_over, waiting_beside
from support.unix_sockets import connect, leave, names_in


def problem_of(file: SocketFile) -> str:
    with pytest.raises(ConfigurationError) as caught, waiting_beside(file) as place:
        place.claim()
    (problem,) = caught.value.problems
    return problem


def answers(place: SocketPlace) -> bool:
    """Whether a connection to the path reaches this server."""
    place.listener.settimeout(0)
    with suppress(BlockingIOError):
        while True:  # probes of other servers
            place.listener.accept()[0].close()
    with connect(place.file.path), suppress(BlockingIOError):
        place.listener.accept()[0].close()
        return True
    return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kong.sock"


@pytest.fixture
def file(path: Path) -> SocketFile:
    return SocketFile("doors.kong", path)


def test_it_listens_before_it_is_there_and_is_gone_with_the_end(
    file: SocketFile, path: Path
) -> None:
    with waiting_beside(file) as place:
        assert not path.exists()
        (waiting,) = path.parent.glob(f"kong.sock.{os.getpid()}.*.next")
        with connect(waiting) as early:
            assert not place.claim()
            place.listener.accept()[0].close()
            assert early.recv(1) == b""
        assert place.is_ours()
        assert answers(place)
        assert names_in(path.parent) == ["kong.sock"]
    assert names_in(path.parent) == []


def test_sec_62_nobody_can_connect_before_mode_and_owner_are_set(
    file: SocketFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def give_to(waiting: Path, file: SocketFile, accounts: Accounts) -> None:
        del file, accounts
        with pytest.raises(ConnectionRefusedError):
            connect(waiting)
        refused.append(waiting)

    monkeypatch.setattr(takeover, "give_to", give_to)
    with waiting_beside(file) as place:
        connect(refused[0]).close()
        assert not place.claim()
        connect(path).close()


def test_a_socket_that_was_left_behind_is_replaced(file: SocketFile, path: Path) -> None:
    leave(path)
    with waiting_beside(file) as place:
        assert not place.claim()
        assert answers(place)


def test_a_live_one_is_replaced_and_told_of_even_if_both_are_process_1(file: SocketFile) -> None:
    """Two containers: to each the other one has the same process id as itself."""
    with waiting_beside(file) as old:
        old.claim()
        with waiting_beside(file) as new:
            assert answers(old)
            assert old.successor_waits()
            assert not new.successor_waits()
            assert new.claim()
            assert (old.is_ours(), new.is_ours()) == (False, True)
            assert answers(new)
            old.withdraw()
            assert answers(new)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to a socket"])
def test_what_is_no_socket_is_never_replaced(file: SocketFile, path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        path.symlink_to(leave(path.with_name("elsewhere")).name)
    assert problem_of(file).startswith(f"doors.kong.socket: {path} is there and is no socket")
    assert path.is_symlink() or path.exists()
    assert not list(path.parent.glob("*.next"))


def test_a_file_that_comes_while_we_wait_is_not_replaced_either(
    file: SocketFile, path: Path
) -> None:
    with waiting_beside(file) as place:
        path.write_text("precious")
        with pytest.raises(ConfigurationError, match="is no socket"):
            place.claim()
    assert path.read_text() == "precious"
    assert names_in(path.parent) == ["kong.sock"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "kong.sock"
    told = problem_of(SocketFile("doors.apisix", missing))
    assert told == f"doors.apisix.socket: {missing}: No such file or directory"


def test_a_path_that_is_too_long_beside_it(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    told = problem_of(SocketFile("doors.kong", long))
    assert told.startswith(f"doors.kong.socket: {long}: ")


def test_whose_waiting_socket_is_gone_says_so_and_does_not_serve_unseen(
    file: SocketFile, path: Path
) -> None:
    with waiting_beside(file) as place:
        next(path.parent.glob("*.next")).unlink()
        with pytest.raises(ConfigurationError, match="No such file"):
            place.claim()


def test_without_a_successor_the_path_is_free_at_once(file: SocketFile, path: Path) -> None:
    with waiting_beside(file) as place:
        place.claim()
        assert list(handing_over([place], lambda: pytest.fail("nobody waits"))) == []
        assert not path.exists()


def test_the_old_one_lets_go_and_goes_on_until_the_new_one_has_every_path(
    file: SocketFile, path: Path
) -> None:
    """Two doors; beside one of them waits nobody, and it is kept as long as the other."""
    released = []
    alone = SocketFile("doors.apisix", path.with_name("apisix.sock"))
    with ExitStack() as stack:
        old = [stack.enter_context(waiting_beside(each)) for each in (alone, file)]
        for place in old:
            place.claim()
        new = stack.enter_context(waiting_beside(file))
        pauses = handing_over(old, lambda: released.append(True))
        for _ in range(3):
            assert 0 < next(pauses) < 0.1
            assert [answers(place) for place in old] == [True, True]
        assert released == [True]
        new.claim()
        assert list(pauses) == []
        assert answers(new)
        assert names_in(path.parent) == ["kong.sock"]


def test_a_successor_that_never_comes_is_not_waited_for_without_end(
    file: SocketFile, path: Path
) -> None:
    with waiting_beside(file) as old, waiting_beside(file):
        old.claim()
        assert list(handing_over([old], lambda: None, 0.0)) == []
        assert not path.exists()


def test_who_was_replaced_before_has_nothing_to_hand_over(file: SocketFile) -> None:
    with waiting_beside(file) as old, waiting_beside(file) as new:
        old.claim()
        new.claim()
        assert list(handing_over([old], lambda: pytest.fail("nothing to let go"))) == []
        assert answers(new)


class Overtaken(SocketPlace):
    """Others take the path just after this one has seen that it is its own."""

    def __init__(self, place: SocketPlace, successors: list[SocketPlace]) -> None:
        super().__init__(place.file, place._waiting, place.listener)
        self._successors = successors

    def is_ours(self) -> bool:
        answer = super().is_ours()
        if self._successors:
            self._successors.pop().claim()
        return answer


@pytest.mark.parametrize("links", [True, False])
def test_a_successor_that_claims_while_we_withdraw_keeps_the_path(
    file: SocketFile, path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError))
    with waiting_beside(file) as place, waiting_beside(file) as new:
        old = Overtaken(place, [new])
        assert not old.claim()
        old.withdraw()
        assert new.is_ours()
        assert answers(new)
        assert names_in(path.parent) == ["kong.sock"]


def test_a_path_that_leads_to_nobody_is_known_from_one_that_leads_to_another(
    file: SocketFile, path: Path
) -> None:
    with waiting_beside(file) as old:
        old.claim()
        assert not old.is_cut_off()
        with waiting_beside(file) as new:
            new.claim()
            assert not old.is_cut_off()
        assert old.is_cut_off()
        leave(path)
        assert old.is_cut_off()
        path.unlink()
        path.write_text("no socket")
        assert old.is_cut_off()


def test_a_path_that_cannot_be_asked_is_not_held_for_lost(file: SocketFile, path: Path) -> None:
    with waiting_beside(file) as old, socket.socket(socket.AF_UNIX) as full:
        old.claim()
        path.unlink()
        full.bind(str(path))
        full.listen(0)
        with connect(path):  # its queue has no place left
            assert not old.is_cut_off()
