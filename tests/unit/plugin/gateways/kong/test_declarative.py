"""What `gatepass kong config` writes, and examples/kong/, which must be the same and must load."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from gatepass.plugin.commands.config_options import read_services
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.declarative import Surroundings, declare, kong_conf
from gatepass.plugin.gateways.kong.lua import guard, usage_snippet
from gatepass.plugin.gateways.upstreams import Service
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.settings import compile_settings, load_settings
from support.units import check_unit, needs_systemd

EXAMPLES = Path(__file__).resolve().parents[5] / "examples" / "kong"
PROGRAM = PurePosixPath("/usr/local/bin/gatepass")
SETTINGS = PurePosixPath("/etc/gatepass/gatepass.yaml")
DOOR = KongDoor(Path("/run/x/kong.sock"), deadline_seconds=10, max_body_bytes=4 * 1024 * 1024)
AROUND = Surroundings(DOOR, SETTINGS, PurePosixPath("/opt/gatepass"))


def example_door() -> KongDoor:
    door = compile_settings(load_settings(EXAMPLES / "gatepass.yaml")).kong
    assert door is not None
    return door


def example_around() -> Surroundings:
    return Surroundings(example_door(), SETTINGS, PROGRAM)


def as_map(lines: list[str]) -> dict[str, str]:
    """Read lines of kong.conf as Kong does: comments go, the rest is NAME = VALUE."""
    pairs = (line.partition(" = ") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def declared(*services: Service, profile: str = "default") -> dict[str, Any]:
    text = declare(services, profile, AROUND)
    assert max(map(len, text.splitlines())) < 200
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_the_whole_document() -> None:
    document = declared(
        Service("llm", "http://127.0.0.1:4000/base", ("/v1", "/openai")),
        Service("123", "https://[::1]", ("/files",)),
    )
    times = {"connect_timeout": 5000, "write_timeout": 60000, "read_timeout": 600000}
    assert document == {
        "_format_version": "3.0",
        "services": [
            {
                "name": "llm",
                "url": "http://127.0.0.1:4000/base",
                **times,
                "routes": [{"name": "llm", "paths": ["/v1", "/openai"], "strip_path": False}],
            },
            {
                "name": "123",
                "url": "https://[::1]",
                **times,
                "routes": [{"name": "123", "paths": ["/files"], "strip_path": False}],
            },
        ],
        "plugins": [
            {"name": "gatepass", "config": {"profile": "default"}},
            {
                "name": "post-function",
                "config": {"access": [guard()], "body_filter": [usage_snippet()]},
            },
        ],
    }


@pytest.mark.parametrize("profile", ["1e3", "0x10", "no", "null", "a.b-c_d", "2026-01-01"])
def test_names_stay_text(profile: str) -> None:
    document = declared(Service(profile, "http://a", (f"/{profile}",)), profile=profile)
    assert document["plugins"][0]["config"]["profile"] == profile
    assert document["services"][0]["name"] == profile


def test_the_lines_of_kong_conf_follow_the_settings() -> None:
    assert as_map(kong_conf(AROUND)) == {
        "plugins": "bundled,gatepass",
        "pluginserver_names": "gatepass",
        "pluginserver_gatepass_socket": "/run/x/kong.sock",
        "pluginserver_gatepass_query_cmd": "/opt/gatepass kong --dump",
        "nginx_http_lua_socket_read_timeout": "13s",
        "nginx_http_client_body_buffer_size": "4096k",
    }
    text = declare([Service("a", "http://a", ("/",))], "default", AROUND)
    for line in kong_conf(AROUND):
        assert f"#   {line}".rstrip() in text


def test_files_may_still_be_uploaded() -> None:
    """Kong's own limit counts on every route: who sets it must have meant it."""
    assert "# nginx_http_client_max_body_size = 4096k" in kong_conf(AROUND)


def test_kong_waits_longer_than_we_take() -> None:
    for seconds in (1, 2, 2.5, 60):
        around = Surroundings(KongDoor(Path("/s"), deadline_seconds=seconds), SETTINGS, SETTINGS)
        waits = as_map(kong_conf(around))["nginx_http_lua_socket_read_timeout"]
        assert float(waits.removesuffix("s")) >= seconds + 2


def test_the_example_is_what_the_command_prints() -> None:
    services = read_services(["llm=http://llm.internal:4000"], ["/v1"])
    assert (EXAMPLES / "kong.yml").read_text() == declare(services, "default", example_around())


def test_the_kong_conf_of_the_example_is_what_the_command_prints() -> None:
    text = (EXAMPLES / "kong.conf").read_text()
    assert text.endswith("\n\n" + "\n".join(kong_conf(example_around())) + "\n")
    assert as_map(text.splitlines())["declarative_config"] == "/etc/kong/kong.yml"


def test_the_containers_are_configured_alike() -> None:
    document = yaml.safe_load((EXAMPLES / "compose.yaml").read_text())
    kong, ours = document["services"]["kong"], document["services"]["gatepass"]
    lines = as_map((EXAMPLES / "kong.conf").read_text().splitlines())
    expected = {f"KONG_{name.upper()}": value for name, value in lines.items()}
    expected["KONG_PLUGINSERVER_GATEPASS_QUERY_CMD"] = "cat /run/gatepass/dump.json"
    expected["KONG_ADMIN_LISTEN"] = "127.0.0.1:8001"
    assert kong["environment"] == expected
    assert kong["ports"] == ["8000:8000"], "the Admin API is for Kong's own container alone"
    doctor = document["services"]["doctor"]
    assert (doctor["network_mode"], doctor["image"]) == ("service:kong", ours["image"])
    assert doctor["command"] == ["gatepass", "kong", "doctor", "http://127.0.0.1:8001"]
    assert doctor["profiles"], "it is run when it is asked for"
    for service in (kong, ours):
        shared = [volume for volume in service["volumes"] if volume.startswith("socket:")]
        assert [volume.split(":")[1] for volume in shared] == [str(example_door().socket.parent)]
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            named = source in document["volumes"]
            assert named or (EXAMPLES / source).is_file()
    containerfile = (EXAMPLES / "Containerfile").read_text()
    command = re.search(r"^CMD .*$", containerfile, re.MULTILINE)
    assert command is not None
    assert f"gatepass kong --dump > {example_door().socket.parent}/dump.json" in command[0]
    assert str(SETTINGS) in command[0]
    assert f"--gid {kong['group_add'][0]} {example_door().group}" in containerfile
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", containerfile, re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert all((EXAMPLES.parents[1] / name).exists() for name in names)
    assert "." not in names, "nobody wants a virtual environment, or a database, in an image"


def test_the_unit_runs_where_the_settings_say() -> None:
    unit = (EXAMPLES / "gatepass.service").read_text()
    assert f"ExecStart={PROGRAM} kong -c {SETTINGS}\n" in unit
    assert f"SupplementaryGroups={example_door().group}\n" in unit
    assert f"/run/{re.findall('^RuntimeDirectory=(.*)$', unit, re.MULTILINE)[0]}" == str(
        example_door().socket.parent
    )
    assert "\nUMask=0077\n" in unit


@needs_systemd
def test_systemd_knows_every_line_of_the_unit(tmp_path: Path) -> None:
    check_unit((EXAMPLES / "gatepass.service").read_text(), PROGRAM, tmp_path)


def test_the_answer_in_the_documentation_is_ours() -> None:
    page = (EXAMPLES.parents[1] / "docs" / "gateways" / "kong.md").read_text()
    refusal = refuse_for(Reason.NO_TOKEN)
    assert f"    {refusal.body.decode()}\n" in page
    for name, value in refusal.response_headers:
        assert f"    {name.decode()}: {value.decode()}\n".lower() in page.lower()
