"""Bodies in files: what is read, and that nothing else is, and nothing waited for."""

import os
import socket
from pathlib import Path

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.kong import spool
from gatepass.plugin.gateways.kong.calls import SpooledBody
from gatepass.plugin.gateways.kong.spool import read_spooled
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

LIMIT = 1000


def spooled(path: Path | bytes) -> bytes | BodyState:
    return read_spooled(SpooledBody(path if isinstance(path, bytes) else os.fsencode(path)), LIMIT)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def refused(path: Path | bytes) -> None:
    before = open_files()
    with pytest.raises(RequestRefused) as error:
        spooled(path)
    assert error.value.code == Reason.GATEWAY_ERROR.code
    assert "spool" not in str(error.value)
    assert open_files() == before


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "0000000001"
    path.write_bytes(b"\xff{}" * 10)
    return path


def test_the_body_is_what_the_file_holds(body: Path) -> None:
    before = open_files()
    assert spooled(body) == b"\xff{}" * 10
    assert open_files() == before
    assert body.exists()


def test_a_path_is_bytes_like_all_that_kong_says(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(path)).write_bytes(b"x")
    assert spooled(path) == b"x"


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
def test_up_to_the_limit(body: Path, size: int) -> None:
    body.write_bytes(b"x" * size)
    assert spooled(body) == b"x" * size


@pytest.mark.parametrize("size", [LIMIT + 1, 10**12])
def test_above_the_limit_nothing_is_read(
    body: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(body, size)  # without filling a disk

    def never(_descriptor: int, _size: int) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(spool, "_read_whole", never)
    assert spooled(body) is BodyState.TOO_LARGE


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    refused(tmp_path)
    refused(b"/dev/zero")
    refused(b"/dev/null")


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        refused(tmp_path / "s")


def test_a_link_is_not_followed(body: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(body)
    refused(link)
    link.unlink()
    link.symlink_to(tmp_path / "nothing")
    refused(link)


@pytest.mark.parametrize(
    "path", [b"", b"/nowhere/1", b"/etc/passwd/1", b"/etc/\0passwd", b"/" + b"x" * 5000]
)
def test_a_file_that_is_not_there_is_refused(path: bytes) -> None:
    refused(path)


def test_a_file_that_went_away_is_refused(body: Path) -> None:
    body.unlink()
    refused(body)


@pytest.mark.skipif(os.geteuid() == 0, reason="ROOT MAY READ EVERYTHING: run as another user")
def test_a_file_of_another_account_is_refused(body: Path) -> None:
    body.chmod(0)
    refused(body)


@pytest.mark.parametrize("change", [1, 10_000, -1, -30])
def test_a_file_that_changes_its_size_is_refused(
    body: Path, change: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_whole = spool._read_whole

    def change_first(descriptor: int, size: int) -> bytes:
        os.truncate(body, size + change)
        return read_whole(descriptor, size)

    monkeypatch.setattr(spool, "_read_whole", change_first)
    refused(body)


def test_no_more_is_read_than_one_octet_above_the_size(body: Path) -> None:
    with body.open("rb") as file:
        assert spool._read_whole(file.fileno(), 5) == body.read_bytes()[:6]


def test_a_file_that_says_it_is_empty_and_is_not_is_refused() -> None:
    refused(b"/proc/self/status")
