"""`gatepass apisix config`: what it prints, and every option that cannot be used."""

import json
from pathlib import Path

import pytest
import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.apisix_config import ConfigOptions, run_apisix_config
from support.settings import LEAST_TEXT

TOKEN = "0123456789abcdef0123456789abcdef"
DOORS = (
    "  other: {}\ndoors:\n"
    f"  http: {{listen: 127.0.0.1:8700, usage_token: {TOKEN}}}\n"
    "  apisix: {socket: /run/gatepass/apisix.sock, max_body: 4MiB}\n"
)
LLM = ("llm=http://127.0.0.1:4000",)
PROGRAM = Path("/opt/bin/gatepass")


def settings(folder: Path, more: str = DOORS) -> Path:
    path = folder / "gatepass.yaml"
    path.write_text(LEAST_TEXT + more)
    return path


def printed(path: Path, capsys: pytest.CaptureFixture[str], options: ConfigOptions) -> str:
    assert run_apisix_config(path, options) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert TOKEN not in captured.out
    return captured.out


def test_it_prints_services_and_routes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ConfigOptions(LLM, ["/v1"], profile="other")
    document = yaml.safe_load(printed(settings(tmp_path), capsys, options))
    plugins = document["services"][0]["plugins"]
    assert plugins["ext-plugin-pre-req"] == {
        "conf": [{"name": "gatepass", "value": '{"profile": "other"}'}],
        "allow_degradation": False,
    }
    assert plugins["http-logger"]["uri"] == "http://127.0.0.1:8700/usage"
    assert document["routes"][0]["uris"] == ["/v1", "/v1/*"]


def test_both_forms_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings(tmp_path, DOORS.replace("4MiB", "4MiB, read_responses: true"))
    for way in ("runner", "ai-proxy", "post-resp", "forward-auth"):
        options = ConfigOptions(LLM, way=way)
        text = printed(path, capsys, options)
        assert text.endswith("\n#END\n"), "without it APISIX does not read the file"
        options = ConfigOptions(LLM, way=way, form="admin.json")
        document = json.loads(printed(path, capsys, options))
        for name in ("GATEPASS_USAGE_AUTHORIZATION", "UPSTREAM_AUTHORIZATION"):
            text = text.replace(f"${{{{{name}}}}}", f"$ENV://{name}")
        assert yaml.safe_load(text) == document


def test_config_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings(tmp_path)
    options = ConfigOptions(form="config.yaml", program=PROGRAM)
    text = printed(path, capsys, options)
    document = yaml.safe_load(text)
    assert document["ext-plugin"] == {"path_for_test": "/run/gatepass/apisix.sock"}
    assert document["nginx_config"] == {
        "envs": ["GATEPASS_USAGE_AUTHORIZATION"],
        "http": {"client_max_body_size": "4096k"},
    }
    assert f'# cmd: ["/opt/bin/gatepass", "apisix", "-c", "{path}"]\n' in text


def test_without_a_socket_apisix_starts_the_runner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(tmp_path, "doors:\n  apisix: {}\n")
    options = ConfigOptions(form="config.yaml", program=PROGRAM)
    document = yaml.safe_load(printed(path, capsys, options))
    assert document["ext-plugin"] == {"cmd": [str(PROGRAM), "apisix", "-c", str(path)]}
    assert "envs" not in document["nginx_config"]
    services = yaml.safe_load(printed(path, capsys, ConfigOptions(LLM)))["services"]
    assert list(services[0]["plugins"]) == ["ext-plugin-pre-req"], "nobody may report"


UNREPORTED = "# doors.http.usage_token is not set: every call is charged by its estimate.\n"


@pytest.mark.parametrize(("way", "said"), [("runner", 1), ("ai-proxy", 1), ("post-resp", 0)])
def test_metering_is_not_left_out_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, said: int
) -> None:
    path = settings(tmp_path, "doors:\n  apisix: {read_responses: true}\n")
    assert printed(path, capsys, ConfigOptions(LLM, way=way)).count(UNREPORTED) == said
    path = settings(tmp_path, DOORS.replace("4MiB", "4MiB, read_responses: true"))
    assert UNREPORTED not in printed(path, capsys, ConfigOptions(LLM, way=way))


def test_a_relative_settings_file_is_printed_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(tmp_path)
    monkeypatch.chdir(tmp_path)
    options = ConfigOptions(form="config.yaml", program=PROGRAM)
    assert f'"{tmp_path}/gatepass.yaml"' in printed(Path("gatepass.yaml"), capsys, options)


def test_forward_auth_needs_no_door_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings(tmp_path, "teams: {header: X-Team}\nheaders: {user: X-Who-Am-I}\n")
    options = ConfigOptions(LLM, way="forward-auth", gatepass_url="http://gatepass:8700")
    plugins = yaml.safe_load(printed(path, capsys, options))["services"][0]["plugins"]
    asked = plugins["forward-auth"]
    assert asked["uri"] == "http://gatepass:8700/traefik/default"
    assert asked["request_method"] == "POST"
    assert {"authorization", "content-type", "x-team", "x-http-method-override"} <= set(
        asked["request_headers"]
    )
    assert {"x-who-am-i", "x-gatepass-role", "authorization", "x-team"} <= set(
        asked["upstream_headers"]
    )
    assert not {"connection", "upgrade"} & set(asked["request_headers"])
    removed = set(plugins["proxy-rewrite"]["headers"]["remove"])
    assert {"x-who-am-i", "x_who_am_i", "x-who_am-i", "x_gatepass-role"} <= removed
    assert not {"authorization", "x-team"} & removed
    options = ConfigOptions(form="config.yaml", way="forward-auth", program=PROGRAM)
    assert "ext-plugin" not in yaml.safe_load(printed(path, capsys, options))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ConfigOptions(LLM, way="lua"),
            "--way: write one of runner, ai-proxy, post-resp, forward-auth",
        ),
        (ConfigOptions(LLM, form="yaml"), "--print: write one of apisix.yaml, admin.json"),
        (ConfigOptions(LLM, profile="Default"), "there are: default, other"),
        (ConfigOptions(LLM, gatepass_url="gatepass:8700"), "--gatepass"),
        (ConfigOptions(LLM, gatepass_url="http://gatepass/x"), "--gatepass"),
        (ConfigOptions(LLM, gatepass_url='http://gatepass"'), "--gatepass"),
        (ConfigOptions(LLM, gatepass_url="http://gatepass:99999"), "--gatepass: the port must be"),
        (
            ConfigOptions(form="config.yaml", gatepass_url="http://x:0"),
            "--gatepass: the port must be",
        ),
        (ConfigOptions(("a=http://a:99999",)), "--service: a: the port must be from 1 to 65535"),
        (ConfigOptions(("a=http://[1::2::3]:4000",)), "--service: a: the host is neither"),
        (ConfigOptions(LLM, ["/v1", "/v1"]), "--route: /v1 stands there twice"),
        (
            ConfigOptions(("a=http://a", "b=http://b"), ["a=/v1", "b=/v1"]),
            "--route: /v1 stands there twice",
        ),
        (ConfigOptions(LLM, ["/../y"]), "--route"),
        (ConfigOptions(("junk",), form="config.yaml"), "--service: write NAME=URL"),
        (ConfigOptions(LLM, ["//"], form="config.yaml"), "--route"),
        (ConfigOptions(()), "--service: name one at least"),
        (ConfigOptions(("a=http://a\n",)), "--service"),
        (ConfigOptions(("a=http://a/base",)), "APISIX puts no path in front"),
        (ConfigOptions(form="config.yaml", program=Path("gatepass")), "--program"),
        (ConfigOptions(form="config.yaml", program=Path('/a"b')), "--program"),
    ],
)
def test_options_that_cannot_be_used(tmp_path: Path, options: ConfigOptions, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        run_apisix_config(settings(tmp_path), options)


def test_responses_are_read_where_the_settings_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ConfigOptions(LLM, way="post-resp")
    with pytest.raises(ConfigurationError, match=r"doors\.apisix\.read_responses: is false"):
        run_apisix_config(settings(tmp_path), options)
    path = settings(tmp_path, "doors:\n  apisix: {read_responses: yes}\n")
    plugins = yaml.safe_load(printed(path, capsys, options))["services"][0]["plugins"]
    assert list(plugins) == ["ext-plugin-pre-req", "ext-plugin-post-resp"]


def test_ai_proxy_takes_an_endpoint_with_a_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ConfigOptions(["llm=https://api.example/v1/chat/completions"], way="ai-proxy")
    plugins = yaml.safe_load(printed(settings(tmp_path), capsys, options))["services"][0]["plugins"]
    endpoint = "https://api.example/v1/chat/completions"
    assert plugins["ai-proxy"]["override"]["endpoint"] == endpoint


@pytest.mark.parametrize("listen", ["0.0.0.0:8700", "[::]:8700", "unix:/run/gatepass/http.sock"])
def test_an_address_that_apisix_cannot_reach_must_be_said(tmp_path: Path, listen: str) -> None:
    doors = f'doors:\n  apisix: {{}}\n  http: {{listen: "{listen}"}}\n'
    with pytest.raises(ConfigurationError, match="--gatepass: say where"):
        run_apisix_config(settings(tmp_path, doors), ConfigOptions(LLM))


def test_without_a_door_there_is_no_runner(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"doors\.apisix: not there"):
        run_apisix_config(settings(tmp_path, ""), ConfigOptions(LLM))


@pytest.mark.parametrize("folder", ["a b", 'a"b', "a#b", "\u00e9"])
def test_a_path_cannot_leave_its_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    options = ConfigOptions(form="config.yaml", program=PROGRAM)
    with pytest.raises(ConfigurationError, match="-c: APISIX's files take plain characters"):
        run_apisix_config(settings(tmp_path / folder), options)
    doors = json.dumps({"apisix": {"socket": f"/run/{folder}/apisix.sock"}})
    with pytest.raises(ConfigurationError, match=r"doors\.apisix\.socket: "):
        run_apisix_config(settings(tmp_path, f"doors: {doors}\n"), options)
