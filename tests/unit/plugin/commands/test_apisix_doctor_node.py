"""`gatepass apisix doctor`: the node, its config.yaml, and what is no APISIX."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.admin_server import hello
from support.apisix_admin import ApisixAdmin, apisix_admin
from support.apisix_doctor import Patient, noted, subjects
from support.ports import free_port

GUARD = "ext-plugin-pre-req"


@pytest.fixture(params=["control", "admin"])
def patient(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Patient]:
    with apisix_admin() as admin:
        admin.control = request.param == "control"
        yield Patient(admin, capsys, tmp_path)


@pytest.fixture
def admin(patient: Patient) -> ApisixAdmin:
    return patient.admin


@pytest.mark.parametrize(
    ("version", "wrong", "told"),
    [
        ("2.11.1", ["version"], []),
        ("3.8.0", [], []),
        ("3.9.1", [], ["HTTP/2"]),
        ("3.16.0", [], ["HTTP/2"]),
        ("3.17.0", [], []),
        ("4.0.0-dev", [], []),
    ],
)
def test_versions(patient: Patient, version: str, wrong: list[str], told: list[str]) -> None:
    patient.admin.version = version
    assert subjects(patient.wrong()) == wrong
    assert subjects(noted(patient)) == told


@pytest.mark.parametrize(
    "server", ["openresty", "", "APISIX", "nginx/1.27.1", "APISIX/x", "APISIX/3.-1"]
)
def test_a_version_that_is_none_is_not_guessed(patient: Patient, server: str) -> None:
    patient.admin.server = server
    assert noted(patient) == [("version", "not known")]


def test_sec_44_forward_auth_before_3_17(patient: Patient, admin: ApisixAdmin) -> None:
    admin.plugins["forward-auth"] = {"uri": "http://x"}
    assert not patient.wrong()
    admin.version = "3.16.0"
    assert subjects(patient.wrong()) == ["forward-auth"]


CONFIG: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"ext-plugin": {}}, ["ext-plugin"], []),
    ({"ext-plugin": {"cmd": ["x"]}}, [], ["ext-plugin"]),
    ({"ext-plugin": {"cmd": ["x"], "path_for_test": "/x"}}, [], ["ext-plugin"]),
    ({"nginx_config": {}}, [], ["client_max_body_size", "envs"]),
    ({"nginx_config": None}, [], ["client_max_body_size", "envs"]),
    ({"plugins": ["prometheus"]}, ["plugins"], []),
    ({"plugins": ["prometheus", GUARD]}, [], []),
]


@pytest.mark.parametrize(("members", "wrong", "told"), CONFIG)
def test_what_stands_in_config_yaml(
    patient: Patient, members: dict[str, Any], wrong: list[str], told: list[str]
) -> None:
    document = yaml.safe_load(patient.file.read_text())
    patient.file.write_text(yaml.safe_dump({**document, **members}))
    assert subjects(patient.wrong()) == wrong
    assert subjects(noted(patient)) == told


def test_sec_62_everybody_says_where_they_come_from(patient: Patient) -> None:
    document = yaml.safe_load(patient.file.read_text())
    document["nginx_config"]["http"]["real_ip_from"] = ["10.0.0.0/8", "0.0.0.0/0"]
    patient.file.write_text(yaml.safe_dump(document))
    assert subjects(patient.wrong()) == ["real_ip_from"]


@pytest.mark.parametrize("octets", [b"", b"[]", b"a: [", b"\xff", b" " * 2_000_000, b"[" * 2_000])
def test_a_config_yaml_that_is_none(patient: Patient, octets: bytes) -> None:
    patient.file.write_bytes(octets)
    assert patient.wrong() == [("config.yaml", "cannot be read as YAML")]
    patient.file.unlink()
    assert patient.wrong() == [("config.yaml", "cannot be read as YAML")]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (hello(b"{}", 500), "answered 500"),
        (hello(b"<html>"), "the answer is not what APISIX's API says"),
        (hello(b'{"plugins": []}'), "the answer is not what APISIX's API says"),
        (b"220 smtp ready\r\n", "no answer in HTTP"),
    ],
)
def test_what_is_no_apisix(patient: Patient, answer: bytes, found: str) -> None:
    patient.admin.answers["/v1/schema"] = answer
    (finding,) = patient.findings()
    assert (finding["subject"], finding["found"]) == ("API", f"GET /v1/schema: {found}")


def test_nobody_there(patient: Patient) -> None:
    (finding,) = patient.findings(f"http://127.0.0.1:{free_port()}")
    assert finding["found"] == "GET /v1/schema: connection refused"
    patient.admin.answers |= dict.fromkeys(("/v1/schema", "/apisix/admin/routes"), hello(b"", 404))
    (finding,) = patient.findings()
    assert finding["found"] == "GET /apisix/admin/routes: answered 404"
    assert "9180" in finding["advice"]


@pytest.mark.parametrize("answer", [hello(b"{}", 500), hello(b'{"a": 1}'), hello(b"[1]")])
def test_a_list_that_is_none_is_said_and_nothing_concluded(
    patient: Patient, admin: ApisixAdmin, answer: bytes
) -> None:
    path = "/v1/routes" if admin.control else "/apisix/admin/plugins"
    admin.answers[path] = answer
    ((subject, found),) = patient.wrong()
    assert subject == "API"
    assert found.startswith(f"GET {path}: ")
