"""`gatepass apisix doctor`: the node, its config.yaml, and what is no APISIX."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.apisix_doctor import run_apisix_doctor
from gatepass.plugin.gateways.apisix.declarative import Way
from support.admin_server import hello
from support.apisix_admin import ApisixAdmin, apisix_admin, configured
from support.apisix_doctor import Patient, noted, subjects
from support.gates import settings_file
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
        ("2.12.0", ["version", "version"], []),
        ("2.15.0", ["version"], []),
        ("3.1.9", ["version"], []),
        ("3.2.0", [], []),
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
    ("way", "version", "wrong"),
    [
        (Way.POST_RESP, "2.15.3", "version"),
        (Way.POST_RESP, "3.0.0", None),
        (Way.AI_PROXY, "3.13.0", "version"),
        (Way.AI_PROXY, "3.14.0", None),
        (Way.FORWARD_AUTH, "3.13.0", "version"),
    ],
)
def test_what_is_printed_needs_a_version(
    patient: Patient, way: Way, version: str, wrong: str | None
) -> None:
    patient.admin.services = configured(way)["services"]
    patient.admin.version = version
    found = subjects(patient.wrong())
    assert ("version" in found) == (wrong is not None)
    patient.admin.version = "3.17.0"
    assert "version" not in subjects(patient.wrong())


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


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"[]", "holds no settings by their names"),
        (b" " * 2_000_000, "is longer than 1 MiB"),
        *((octets, "cannot be read as YAML") for octets in (b"a: [", b"\xff", b"[" * 2_000)),
    ],
)
def test_a_config_yaml_that_is_none(patient: Patient, octets: bytes, found: str) -> None:
    patient.file.write_bytes(octets)
    assert patient.wrong() == [("config.yaml", found)]


def test_a_config_yaml_that_is_not_there(patient: Patient) -> None:
    patient.file.unlink()
    assert patient.wrong() == [("config.yaml", "is not there")]
    patient.file.mkdir()
    assert patient.wrong() == [("config.yaml", "cannot be read: Is a directory")]


def test_without_config_yaml_it_is_asked_for(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_apisix_doctor(patient.admin.url, as_json=True) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    (told,) = [finding for finding in findings if finding["subject"] == "config.yaml"]
    assert (told["ok"], told["note"]) == (True, True)
    assert told["advice"] == "give it with --config-yaml"
    assert {finding["subject"] for finding in findings}.isdisjoint({"ext-plugin", "envs"})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999", "http://[1::2::3]:4000", "http://a:0", "http://a//b"]
)
def test_an_address_that_cannot_be_asked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL: "):
        run_apisix_doctor(url, as_json=False)


def test_a_profile_that_the_settings_do_not_have(
    patient: Patient, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = settings_file(tmp_path)

    def looked() -> list[str]:
        run_apisix_doctor(patient.admin.url, as_json=True, file=patient.file, settings=settings)
        findings = json.loads(capsys.readouterr().out)["findings"]
        return [finding["found"] for finding in findings if not finding["ok"]]

    assert looked() == []
    conf = [{"name": "gatepass", "value": '{"profile": "admins"}'}]
    patient.admin.plugins[GUARD]["conf"] = conf
    assert looked() == ["the settings have none called admins: every request gets 503, on llm"]
    assert not patient.wrong(), "without our settings nobody knows"


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
