"""How `make test-apisix` starts APISIX, with a stand-in for its launcher that checks its files."""

import socket
import sys
from pathlib import Path

import pytest

from support import apisix_real, apisix_stand_in
from support.apisix_door import ApisixService, running_apisix_service
from support.apisix_real import LAUNCHER, LUA, doors, running_real_apisix
from support.echo import EchoUpstream
from support.raw_http import ask
from support.servers import FolderFactory, NotStarted, free_port


def install(
    home: Path, command: str = f'"{sys.executable}" "{apisix_stand_in.__file__}" "$@"'
) -> str:
    """Put a launcher and its surroundings into a folder, with what an earlier run left there."""
    for name, text in (
        (LUA, "-- Lua\n"),
        ("conf/mime.types", "types {}\n"),
        ("conf/apisix.yaml", ""),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(home / "conf" / "apisix-1.sock"))
    launcher = home / LAUNCHER
    launcher.parent.mkdir()
    launcher.write_text(f"#!/bin/sh\nexec {command}\n")
    launcher.chmod(0o755)
    return str(launcher)


def settings_of(service: ApisixService) -> Path:
    return service.socket.with_name("gatepass.yaml")


def test_it_starts_with_what_is_printed_and_leaves_the_installation_alone(
    tmp_path: Path, folders: FolderFactory, upstream: EchoUpstream
) -> None:
    home, folder = folders(), folders()
    launcher = install(home)
    installed = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    with (
        running_apisix_service(tmp_path, doors=doors(tmp_path, free_port())) as service,
        running_real_apisix(launcher, folder, settings_of(service), upstream.port) as port,
    ):
        assert ask(port, "GET", "/v1/models").status == 401
        printed = (folder / "conf" / "config.yaml").read_text()
        assert f'\n  path_for_test: "{service.socket}"\n' in printed
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == installed


def test_what_a_launcher_says_when_it_does_not_start_is_shown(
    tmp_path: Path, folders: FolderFactory
) -> None:
    launcher = install(folders(), 'echo "no openresty" >&2')
    with (
        running_apisix_service(tmp_path, doors=doors(tmp_path, free_port())) as service,
        pytest.raises(NotStarted, match="no openresty"),
        running_real_apisix(launcher, folders(), settings_of(service), free_port()),
    ):
        pass


def test_an_installation_that_is_not_found_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apisix_real, "PACKAGED", tmp_path / "packaged")
    launcher = tmp_path / LAUNCHER
    with (
        pytest.raises(FileNotFoundError, match=str(launcher)),
        running_real_apisix(str(launcher), tmp_path, tmp_path / "gatepass.yaml", free_port()),
    ):
        pass
