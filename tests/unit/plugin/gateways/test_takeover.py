"""Two servers on one path: nobody is sent away, and nothing that is not a socket is touched."""

import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways import takeover
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.takeover import SocketPlace, waiting_beside

NEVER_A_PID = 2**22 + 1
ME = pwd.getpwuid(os.getuid()).pw_name


def problem_of(door: KongDoor) -> str:
    with pytest.raises(ConfigurationError) as caught, waiting_beside(door) as place:
        place.claim()
    (problem,) = caught.value.problems
    return problem


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


def answers(place: SocketPlace) -> bool:
    """Whether a connection to the path reaches this server."""
    place.listener.settimeout(0)
    with suppress(BlockingIOError):
        while True:  # probes of other servers
            place.listener.accept()[0].close()
    with connect(place.path), suppress(BlockingIOError):
        place.listener.accept()[0].close()
        return True
    return False


@contextmanager
def another_process(path: Path) -> Iterator[SocketPlace]:
    """A server of another process id that waits beside the path."""
    beside = path.with_name(f"{path.name}.{os.getppid()}.next")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(beside))
        listener.listen()
        yield SocketPlace(path, beside, listener)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kong.sock"


@pytest.fixture
def door(path: Path) -> KongDoor:
    return KongDoor(path)


def test_it_listens_before_it_is_there_and_is_gone_with_the_end(door: KongDoor, path: Path) -> None:
    with waiting_beside(door) as place:
        assert not path.exists()
        with connect(path.with_name(f"kong.sock.{os.getpid()}.next")) as early:
            assert not place.claim()
            place.listener.accept()[0].close()
            assert early.recv(1) == b""
        assert place.is_ours()
        assert answers(place)
        assert names_in(path.parent) == ["kong.sock"]
    assert names_in(path.parent) == []


@pytest.mark.parametrize("mode", [0o660, 0o600])
@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_sec_62_the_mode_is_that_of_the_settings_whatever_the_umask(
    path: Path, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with waiting_beside(KongDoor(path, mode=mode)) as place:
            place.claim()
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


def test_sec_62_nobody_can_connect_before_mode_and_owner_are_set(
    door: KongDoor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []

    def give_to(waiting: Path, door: KongDoor) -> None:
        del door
        with pytest.raises(ConnectionRefusedError):
            connect(waiting)
        refused.append(waiting)

    monkeypatch.setattr(takeover, "give_to", give_to)
    with waiting_beside(door) as place:
        connect(refused[0]).close()
        assert not place.claim()
        connect(path).close()


def test_a_socket_that_was_left_behind_is_replaced(door: KongDoor, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with waiting_beside(door) as place:
        assert not place.claim()
        assert answers(place)


def test_a_live_one_is_replaced_and_told_of(door: KongDoor, path: Path) -> None:
    with another_process(path) as old:
        old.claim()
        with waiting_beside(door) as new:
            assert answers(old)
            assert old.successor_waits()
            assert not new.successor_waits()
            assert new.claim()
            assert (old.is_ours(), new.is_ours()) == (False, True)
            assert answers(new)
            old.withdraw()
            assert answers(new)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to a socket"])
def test_what_is_no_socket_is_never_replaced(door: KongDoor, path: Path, kind: str) -> None:
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("nowhere")
    else:
        with socket.socket(socket.AF_UNIX) as elsewhere:
            elsewhere.bind(str(path.with_name("elsewhere")))
        path.symlink_to("elsewhere")
    assert problem_of(door).startswith(f"doors.kong.socket: {path} is there and is no socket")
    assert path.is_symlink() or path.exists()
    assert not list(path.parent.glob("*.next"))


def test_a_file_that_comes_while_we_wait_is_not_replaced_either(door: KongDoor, path: Path) -> None:
    with waiting_beside(door) as place:
        path.write_text("precious")
        with pytest.raises(ConfigurationError, match="is no socket"):
            place.claim()
    assert path.read_text() == "precious"
    assert names_in(path.parent) == ["kong.sock"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "kong.sock"
    told = problem_of(KongDoor(missing))
    assert told == f"doors.kong.socket: {missing}: No such file or directory"


def test_a_path_that_is_too_long_beside_it(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    assert problem_of(KongDoor(long)).startswith(f"doors.kong.socket: {long}: ")


@pytest.mark.parametrize(
    ("setting", "door"),
    [
        ("group", KongDoor(Path(), group="gatepass-nobody")),
        ("owner", KongDoor(Path(), owner="gatepass-nobody")),
    ],
)
def test_an_account_that_does_not_exist(path: Path, setting: str, door: KongDoor) -> None:
    told = problem_of(KongDoor(path, group=door.group, owner=door.owner))
    assert told.startswith(f"doors.kong.{setting}: there is no such ")
    assert names_in(path.parent) == []


def test_our_own_account_can_always_have_it(path: Path) -> None:
    with waiting_beside(KongDoor(path, owner=ME)) as place:
        place.claim()
        assert path.stat().st_uid == os.getuid()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_another_account_gets_it(path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    door = KongDoor(path, owner="nobody", group="daemon", mode=0o640)
    with waiting_beside(door) as place:
        place.claim()
        found = path.stat()
        assert found.st_uid == nobody.pw_uid
        assert stat.S_IMODE(found.st_mode) == 0o640


GIVE_AWAY = """
import os, sys
from pathlib import Path
from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.takeover import waiting_beside
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
os.chdir("/")
try:
    with waiting_beside(KongDoor(Path(sys.argv[1]), **{sys.argv[2]: "root"})):
        pass
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize("setting", ["owner", "group"])
def test_an_account_that_may_not_give_it_away(setting: str) -> None:
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to other accounts
        Path(folder).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", GIVE_AWAY, f"{folder}/kong.sock", setting],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith(f"doors.kong.{setting}: the socket cannot be given away: ")
        assert names_in(Path(folder)) == []


def leave(path: Path, pid: int) -> Path:
    """Leave beside the path what a killed process leaves."""
    stale = path.with_name(f"{path.name}.{pid}.next")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(stale))
    return stale


def test_what_killed_processes_left_counts_for_nothing_and_goes(door: KongDoor, path: Path) -> None:
    with another_process(path) as old:
        old.claim()
        stale = leave(path, NEVER_A_PID)
        ours = leave(path, os.getpid())
        theirs = leave(path.with_name("kong.sock2"), NEVER_A_PID)
        assert not old.successor_waits()
        with waiting_beside(door) as place:
            assert not stale.exists()
            place.claim()
        assert not ours.exists()
        assert theirs.exists()


def test_one_that_is_about_to_listen_is_left_alone(door: KongDoor, path: Path) -> None:
    starting = leave(path, os.getppid())
    with waiting_beside(door):
        assert starting.exists()


def test_without_a_successor_the_path_is_free_at_once(door: KongDoor, path: Path) -> None:
    with waiting_beside(door) as place:
        place.claim()
        assert list(place.handing_over(lambda: pytest.fail("nobody waits"))) == []
        assert not path.exists()


def test_the_old_one_lets_go_and_goes_on_until_the_new_one_is_there(
    door: KongDoor, path: Path
) -> None:
    released = []
    with ExitStack() as stack:
        old = stack.enter_context(another_process(path))
        old.claim()
        new = stack.enter_context(waiting_beside(door))
        pauses = old.handing_over(lambda: released.append(True))
        for _ in range(3):
            assert 0 < next(pauses) < 0.1
            assert answers(old)
        assert released == [True]
        new.claim()
        assert list(pauses) == []
        assert answers(new)


def test_a_successor_that_never_comes_is_not_waited_for_without_end(
    door: KongDoor, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "HAND_OVER_SECONDS", 0.0)
    with another_process(path) as old, waiting_beside(door):
        old.claim()
        assert list(old.handing_over(lambda: None)) == []
        assert not path.exists()


def test_who_was_replaced_before_has_nothing_to_hand_over(door: KongDoor, path: Path) -> None:
    with another_process(path) as old, waiting_beside(door) as new:
        old.claim()
        new.claim()
        assert list(old.handing_over(lambda: pytest.fail("nothing to let go"))) == []
        assert answers(new)
