"""`gatepass kong config`: what it prints, and every option that cannot be used in one go."""

import json
import sys
from pathlib import Path

import pytest
import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.config_options import read_services, running_program
from gatepass.plugin.commands.kong_config import run_kong_config
from gatepass.plugin.gateways.upstreams import Service
from support.settings import LEAST_TEXT

DOOR = "  other: {}\ndoors:\n  kong: {socket: /run/gatepass/kong.sock, deadline: 4s}\n"
LLM = "llm=http://127.0.0.1:4000"


def settings(folder: Path, more: str = DOOR) -> Path:
    path = folder / "gatepass.yaml"
    path.write_text(LEAST_TEXT + more)
    return path


def problems(services: list[str], *routes: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        read_services(services, routes)
    return list(refused.value.problems)


def test_it_prints_the_whole_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = run_kong_config(settings(tmp_path), [LLM], "other", ["/v1"], Path("/opt/bin/gatepass"))
    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    document = yaml.safe_load(printed.out)
    assert document["services"][0]["routes"][0]["paths"] == ["/v1"]
    assert document["plugins"][0] == {"name": "gatepass", "config": {"profile": "other"}}
    assert "#   pluginserver_gatepass_socket = /run/gatepass/kong.sock\n" in printed.out
    assert "#   nginx_http_lua_socket_read_timeout = 7s\n" in printed.out
    assert f"/opt/bin/gatepass kong -c {tmp_path}/gatepass.yaml\n" in printed.out


def test_a_relative_settings_file_is_printed_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path)
    monkeypatch.chdir(tmp_path)
    run_kong_config(Path("gatepass.yaml"), [LLM])
    assert f"kong -c {tmp_path}/gatepass.yaml\n" in capsys.readouterr().out


@pytest.mark.parametrize("profile", ["", "Default", "x: y", "default\n"])
def test_an_unknown_profile_is_refused_with_those_that_exist(tmp_path: Path, profile: str) -> None:
    with pytest.raises(ConfigurationError, match="there are: default, other"):
        run_kong_config(settings(tmp_path), [LLM], profile)


def test_without_a_door_there_is_no_socket_to_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="kong: not there"):
        run_kong_config(settings(tmp_path, ""), [LLM])


def test_settings_that_are_wrong_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        run_kong_config(tmp_path / "missing.yaml", [LLM])


@pytest.mark.parametrize("program", ["gatepass", "./gatepass", "/opt/a b", "/opt/a\nb", "/a;b"])
def test_kong_needs_the_whole_path_of_the_program(tmp_path: Path, program: str) -> None:
    with pytest.raises(ConfigurationError, match="--program"):
        run_kong_config(settings(tmp_path), [LLM], program=Path(program))


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_kong_is_told_of_the_program_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment that somebody installed it into may be anywhere."""
    installed = executable(tmp_path / "venv" / "bin" / "gatepass")
    monkeypatch.setattr(sys, "argv", [str(installed), "kong", "config"])
    run_kong_config(settings(tmp_path), [LLM])
    assert f"#   pluginserver_gatepass_query_cmd = {installed} kong --dump\n" in (
        capsys.readouterr().out
    )


def test_the_program_is_looked_for_where_it_was_called_beside_python_and_in_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_path = executable(tmp_path / "path" / "gatepass")
    monkeypatch.setenv("PATH", str(in_path.parent))
    monkeypatch.chdir(tmp_path)
    python = tmp_path / "python" / "python3"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", [str(executable(tmp_path / "gatepass" / "__main__.py"))])
    assert running_program() == in_path
    beside_python = executable(python.with_name("gatepass"))
    assert running_program() == beside_python
    monkeypatch.setattr(sys, "argv", ["gatepass"])
    assert running_program() == in_path
    called = executable(tmp_path / "bin" / "gatepass")
    monkeypatch.setattr(sys, "argv", ["bin/gatepass"])
    assert running_program() == called
    monkeypatch.setattr(sys, "argv", ["/nowhere/gatepass"])
    beside_python.unlink()
    in_path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="--program"):
        running_program()


@pytest.mark.parametrize(
    "folder", ["a\nnginx_http_include = x", "a b", 'a"b', "a;b", "a'b", "\u00e9"]
)
def test_a_path_cannot_leave_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    """Whoever may name a folder must not write Kong's configuration."""
    (tmp_path / folder).mkdir()
    with pytest.raises(ConfigurationError, match="-c: Kong's files take paths of plain characters"):
        run_kong_config(settings(tmp_path / folder), [LLM])
    door = json.dumps({"kong": {"socket": f"/run/{folder}/kong.sock"}})
    with pytest.raises(ConfigurationError, match=r"doors\.kong\.socket: "):
        run_kong_config(settings(tmp_path, f"doors: {door}\n"), [LLM])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("services", "routes", "expected"),
    [
        (["a=http://a"], [], [Service("a", "http://a", ("/",))]),
        (["a=http://a"], ["/v1", "a=/v2"], [Service("a", "http://a", ("/v1", "/v2"))]),
        (
            ["a=http://a:80/x_y~z", "b.c=https://[fd00::1]:8443"],
            ["b.c=/b", "a=/a-b/"],
            [
                Service("a", "http://a:80/x_y~z", ("/a-b/",)),
                Service("b.c", "https://[fd00::1]:8443", ("/b",)),
            ],
        ),
    ],
)
def test_services_and_their_routes(
    services: list[str], routes: list[str], expected: list[Service]
) -> None:
    assert read_services(services, routes) == tuple(expected)


@pytest.mark.parametrize(
    "service",
    [
        *("", "llm", "=http://a", "llm=", "llm=a", "llm=ftp://a", "llm=http://", "llm=http://a?b"),
        *("llm=http://a#b", "llm=http://u:p@a", "llm=http://a b", 'llm=http://a"', "a b=http://a"),
        *(
            "llm=http://a\n",
            "llm=http://a/\u00e9",
            "llm=http://a/%2f",
            "-a=http://a",
            "llm=http:/a",
            "llm=http://a:99999",
            "llm=http://a:0",
            "llm=http://a:080",
            "llm=http://[1::2::3]:4000",
            "llm=http://a//b",
            "llm=http://a/../b",
        ),
    ],
)
def test_a_service_is_a_name_and_a_plain_url(service: str) -> None:
    """Nothing of it could leave its place in the YAML."""
    assert any("NAME=URL" in problem for problem in problems([service]))


@pytest.mark.parametrize(
    "route",
    [
        "",
        "v1",
        "~/v1",
        "/v1 x",
        '/v1"',
        "/v1]",
        "/v1\n",
        "/v1?x",
        "/v1#",
        "/%2f",
        "llm=",
        "//",
        "/../y",
        "/a//b",
    ],
)
def test_a_route_is_a_plain_prefix(route: str) -> None:
    assert problems([LLM], route) == [
        "--route: write /PATH or NAME=/PATH; the path is a plain prefix"
    ]


def test_every_problem_is_said_at_once() -> None:
    assert problems([LLM, LLM, "b=http://b", "c"], "/v1", "d=/d", "b=/b", "b") == [
        "--service: llm stands there twice",
        "--service: write NAME=URL, such as llm=http://127.0.0.1:4000",
        "--route: there are several services; write NAME=/PATH",
        "--route: names a service that no --service names",
        "--route: write /PATH or NAME=/PATH; the path is a plain prefix",
        "--route: there is none for llm; write llm=/PATH",
    ]
    assert problems([]) == [
        "--service: name one at least; write NAME=URL, such as llm=http://127.0.0.1:4000"
    ]
