"""Starts that cannot succeed: a sentence, exit status 2, and nobody else disturbed."""

import signal
import socket
import time
from pathlib import Path

import pytest

from support.databases import first_version
from support.directories import query
from support.gatepass_process import SECONDS, refused, serving, start
from support.gates import OUR_ISSUER, WITHOUT_KEYS, settings_file
from support.ports import free_port


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = settings_file(tmp_path, doors={"http": {"listen": f"127.0.0.1:{port}"}})
        told = refused(path)
    assert told.startswith(f"gatepass: doors.http.listen: 127.0.0.1:{port}: Address already in use")
    assert not (tmp_path / "gatepass.db").exists()


@pytest.mark.parametrize("kind", ["no folder", "a folder", "no database", "a file as folder"])
def test_a_database_that_cannot_be_written(tmp_path: Path, kind: str) -> None:
    name = {"no folder": "missing/gate.db", "a file as folder": "stderr/gate.db"}.get(
        kind, "gate.db"
    )
    if kind == "a folder":
        (tmp_path / name).mkdir()
    elif kind == "no database":
        (tmp_path / name).write_bytes(b"this is no database" * 100)
    listen = f"127.0.0.1:{free_port()}"
    path = settings_file(
        tmp_path,
        stores={"database": f"sqlite:///{name}"},
        doors={"http": {"listen": listen}},
    )
    told = refused(path)
    assert "stores" in told
    assert str(tmp_path) in told


def test_a_database_of_an_older_version_is_left_alone_and_the_command_is_named(
    tmp_path: Path,
) -> None:
    first_version(tmp_path / "gatepass.db")
    path = settings_file(tmp_path, doors={"http": {"listen": f"127.0.0.1:{free_port()}"}})
    assert "run `gatepass db upgrade`" in refused(path)
    assert query(tmp_path / "gatepass.db", "SELECT version_num FROM gatepass_schema") == [("0001",)]


def test_a_second_process_on_the_same_database(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert served.ask().status == 200
        second = tmp_path / "second"
        second.mkdir()
        path = settings_file(
            second,
            stores={"database": f"sqlite:///{tmp_path}/gatepass.db"},
            doors={"http": {"listen": f"127.0.0.1:{free_port()}"}},
        )
        told = refused(path)
        assert "another process holds" in told
        assert str(tmp_path / "gatepass.db.lock") in told
        assert served.ask().status == 200


def test_malformed_settings_are_all_told_at_once(tmp_path: Path) -> None:
    path = settings_file(
        tmp_path, issuers=[{**OUR_ISSUER, "audiense": "x", "algorithms": ["none"]}], prices=1
    )
    told = refused(path)
    assert told.count(str(path)) == 3


@pytest.mark.parametrize("arguments", [["--log-level", "loud"], ["-c", "/no/such/file.yaml"]])
def test_wrong_options(tmp_path: Path, arguments: list[str]) -> None:
    process = start(settings_file(tmp_path), *arguments)
    assert process.wait(SECONDS) == 2
    assert "Traceback" not in (tmp_path / "stderr").read_text()


def test_an_issuer_that_hangs_can_be_interrupted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = {
            **WITHOUT_KEYS,
            "jwks_uri": f"http://127.0.0.1:{silent.getsockname()[1]}/keys",
            "allow_http_loopback": True,
            "fetch_timeout": "30s",
        }
        listen = f"unix:{tmp_path}/gate.sock"
        path = settings_file(tmp_path, issuers=[away], doors={"http": {"listen": listen}})
        process = start(path)
        silent.settimeout(SECONDS)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
    assert (tmp_path / "stderr").read_text() == ""
    assert not (tmp_path / "gate.sock").exists()
