"""Whose a socket is: its mode, its accounts, and the folder that it stands in."""

import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.accounts import SocketFile
from gatepass.plugin.gateways.takeover import waiting_beside
from support.unix_sockets import names_in

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kong.sock"


def problem_of(file: SocketFile) -> str:
    with pytest.raises(ConfigurationError) as caught, waiting_beside(file):
        pytest.fail("it listens")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("mode", [0o660, 0o600])
@pytest.mark.parametrize("umask", [0, 0o077, 0o777])
def test_sec_62_the_mode_is_that_of_the_settings_whatever_the_umask(
    path: Path, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        with waiting_beside(SocketFile("doors.kong", path, mode)) as place:
            place.claim()
            assert stat.S_IMODE(path.stat().st_mode) == mode
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_sec_62_a_folder_in_which_everybody_may_put_a_socket_is_refused(
    path: Path, mode: int
) -> None:
    path.parent.chmod(mode)
    told = problem_of(SocketFile("doors.kong", path))
    assert told.startswith(f"doors.kong.socket: everybody may write in {path.parent}, ")
    assert "RuntimeDirectory=" in told
    assert "mkdir -m 750" in told
    assert names_in(path.parent) == []


def test_sec_62_a_link_does_not_hide_such_a_folder(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(open_to_all)
    assert "everybody may write" in problem_of(SocketFile("doors.apisix", link / "apisix.sock"))


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o770])
def test_a_folder_of_a_few_is_fine(path: Path, mode: int) -> None:
    path.parent.chmod(mode)
    with waiting_beside(SocketFile("doors.kong", path)) as place:
        assert not place.claim()


@pytest.mark.parametrize("setting", ["group", "owner"])
def test_an_account_that_does_not_exist(path: Path, setting: str) -> None:
    nobody = {setting: "gatepass-nobody"}
    told = problem_of(SocketFile("doors.apisix", path, **nobody))  # type: ignore[arg-type]
    assert told.startswith(f"doors.apisix.{setting}: there is no such ")
    assert names_in(path.parent) == []


def test_our_own_account_can_always_have_it(path: Path) -> None:
    with waiting_beside(SocketFile("doors.kong", path, owner=ME)) as place:
        place.claim()
        assert path.stat().st_uid == os.getuid()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_another_account_gets_it(path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    with waiting_beside(SocketFile("doors.kong", path, 0o640, "nobody", "daemon")) as place:
        place.claim()
        found = path.stat()
        assert found.st_uid == nobody.pw_uid
        assert stat.S_IMODE(found.st_mode) == 0o640


GIVE_AWAY = """
import os, sys
from pathlib import Path
from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.accounts import SocketFile
from gatepass.plugin.gateways.takeover import waiting_beside
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
os.chdir("/")
try:
    with waiting_beside(SocketFile("doors.kong", Path(sys.argv[1]), **{sys.argv[2]: "root"})):
        pass
except ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize("setting", ["owner", "group"])
def test_an_account_that_may_not_give_it_away(setting: str) -> None:
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to other accounts
        if os.getuid() == 0:
            os.chown(folder, 65534, 65534)
        done = subprocess.run(
            [sys.executable, "-c", GIVE_AWAY, f"{folder}/kong.sock", setting],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.startswith(f"doors.kong.{setting}: the socket cannot be given away: ")
        assert names_in(Path(folder)) == []
