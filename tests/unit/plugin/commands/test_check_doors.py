"""`gatepass check` about the sockets of the doors: what a start would refuse is said before it."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_doors import door_findings
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import compile_settings, load_settings
from support.gates import settings_file

EVERY_DOOR = pytest.mark.parametrize("door", ["kong", "apisix"])


def findings(folder: Path, **doors: Mapping[str, Any]) -> list[Finding]:
    found = door_findings(compile_settings(load_settings(settings_file(folder, doors=doors))))
    assert all(finding.advice or finding.ok for finding in found)
    return found


def said(found: list[Finding]) -> list[tuple[str, bool, str]]:
    return [(finding.subject, finding.ok, finding.found) for finding in found]


def test_without_such_a_door_nothing_is_said(tmp_path: Path) -> None:
    assert not findings(tmp_path)
    assert not findings(tmp_path, http={"listen": "unix:/nowhere/gate.sock"})


@EVERY_DOOR
def test_a_socket_that_can_be_had(tmp_path: Path, door: str) -> None:
    path = tmp_path / "a.sock"
    well = [(f"doors.{door}", True, f"{path} can be had")]
    assert said(findings(tmp_path, **{door: {"socket": str(path)}})) == well
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    before = path.stat()
    assert said(findings(tmp_path, **{door: {"socket": str(path)}})) == well
    assert path.stat() == before


def test_a_socket_that_apisix_names(tmp_path: Path) -> None:
    assert said(findings(tmp_path, apisix={})) == [("doors.apisix", True, "the gateway says where")]
    (wrong,) = findings(tmp_path, apisix={"group": "no-such-group"})
    assert (wrong.subject, wrong.ok) == ("doors.apisix.group", False)


ROOTS = "doors.apisix.owner"


@pytest.mark.parametrize(
    ("door", "told"),
    [
        ({}, [ROOTS]),
        ({"mode": "0600"}, [ROOTS]),
        ({"owner": "nobody"}, []),
        ({"group": "root"}, []),
    ],
)
def test_roots_own_socket_keeps_nginxs_workers_out(
    tmp_path: Path, door: dict[str, str], told: list[str]
) -> None:
    compiled = compile_settings(load_settings(settings_file(tmp_path, doors={"apisix": door})))
    assert [one.subject for one in door_findings(compiled, as_root=True) if one.note] == told
    assert not [one for one in door_findings(compiled) if one.note]
    kong = {"kong": {"socket": f"{tmp_path}/a.sock"}}
    compiled = compile_settings(load_settings(settings_file(tmp_path, doors=kong)))
    assert not [one for one in door_findings(compiled, as_root=True) if one.note]


@EVERY_DOOR
def test_sec_62_a_folder_that_everybody_may_write(tmp_path: Path, door: str) -> None:
    """Somebody else could listen there, and be asked in our place."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for mode in (0o777, 0o1777, 0o702):
        shared.chmod(mode)
        (wrong,) = findings(tmp_path, **{door: {"socket": f"{shared}/a.sock"}})
        assert (wrong.subject, wrong.ok) == (f"doors.{door}.socket", False)
        assert "everybody may write" in wrong.found
    shared.chmod(0o775)
    assert all(finding.ok for finding in findings(tmp_path, **{door: {"socket": f"{shared}/a"}}))


@EVERY_DOOR
def test_what_stands_in_the_way(tmp_path: Path, door: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere.sock")
    for place, found in (
        (f"{tmp_path}/file", f"{tmp_path}/file is there and is no socket"),
        (f"{tmp_path}/link", f"{tmp_path}/link is there and is no socket"),
        (str(tmp_path), f"{tmp_path} is there and is no socket"),
        (f"{tmp_path}/no/a.sock", f"{tmp_path}/no is not there"),
        (f"{tmp_path}/file/a", f"{tmp_path}/file cannot be looked into: Not a directory"),
    ):
        assert said(findings(tmp_path, **{door: {"socket": place}})) == [
            (f"doors.{door}.socket", False, found)
        ]


@pytest.mark.parametrize("place", ["/run", "/var/run"])
def test_a_folder_that_systemd_makes_is_noted(tmp_path: Path, place: str) -> None:
    (noted,) = findings(tmp_path, kong={"socket": f"{place}/gatepass-is-not-there/kong.sock"})
    assert (noted.ok, noted.note) == (True, True)
    assert "RuntimeDirectory=" in noted.advice


def test_accounts_that_do_not_exist_are_said_with_the_rest(tmp_path: Path) -> None:
    door = {"socket": f"{tmp_path}/no/a.sock", "owner": "no-such-account"}
    assert said(findings(tmp_path, kong=door, apisix={**door, "socket": f"{tmp_path}/b"})) == [
        ("doors.kong.owner", False, "there is no such account on this machine"),
        ("doors.kong.socket", False, f"{tmp_path}/no is not there"),
        ("doors.apisix.owner", False, "there is no such account on this machine"),
    ]


def test_the_report_holds_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings_file(tmp_path, doors={"kong": {"socket": f"{tmp_path}/no/a.sock"}})
    assert run_check(path, as_json=False) == 1
    assert f"WRONG doors.kong.socket: {tmp_path}/no is not there\n" in capsys.readouterr().out
