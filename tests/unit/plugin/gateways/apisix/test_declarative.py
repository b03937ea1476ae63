"""What `gatepass apisix config` writes, and examples/apisix/, which must be the same and load."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.config_lines import Machine, config_yaml
from gatepass.plugin.gateways.apisix.declarative import (
    RECORDS,
    RETRIES,
    Form,
    Surroundings,
    Way,
    declare,
)
from gatepass.plugin.gateways.apisix.forward_auth import DecidingHeaders
from gatepass.plugin.gateways.apisix.lua import MOST_BYTES, mark_snippet, usage_snippet
from gatepass.plugin.gateways.apisix.tokens import profile_of
from gatepass.plugin.gateways.apisix.yaml_text import yaml_text
from gatepass.plugin.gateways.upstreams import Service
from gatepass.plugin.gateways.usage_reports import MAX_BODY_BYTES, MAX_RECORDS

CHECKOUT = Path(__file__).resolve().parents[5]
EXAMPLES = CHECKOUT / "examples" / "apisix"
SETTINGS = PurePosixPath("/etc/gatepass/gatepass.yaml")
PROGRAM = Path("/usr/local/bin/gatepass")
TOKEN = "0123456789abcdef0123456789abcdef"
HEADERS = DecidingHeaders(
    ["authorization", "x-api-key"],
    ["x-who", "x-a-b", "x-gatepass-request"],
    ["authorization", "x-api-key"],
)
AROUND = Surroundings("default", "http://127.0.0.1:8700", reports=True, headers=HEADERS)
DOOR = ApisixDoor(socket=Path("/run/x/apisix.sock"), max_body_bytes=4 * 1024 * 1024)
MACHINE = Machine(DOOR, DOOR.max_body_bytes, SETTINGS, PROGRAM, reports=True)


def declared(
    *services: Service, way: Way = Way.RUNNER, around: Surroundings = AROUND
) -> dict[str, Any]:
    text = declare(services, way, Form.STANDALONE, around)
    assert max(map(len, text.splitlines())) < 120
    assert text.endswith("\n#END\n")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_the_whole_document() -> None:
    document = declared(
        Service("llm", "http://127.0.0.1:4000", ("/v1", "/openai/")),
        Service("123", "https://[fd00::1]", ("/",)),
    )
    timeout = {"connect": 5, "send": 60, "read": 600}
    upstream = {"type": "roundrobin", "pass_host": "node", "timeout": timeout}
    plugins = {
        "ext-plugin-pre-req": {
            "conf": [{"name": "gatepass", "value": '{"profile": "default"}'}],
            "allow_degradation": False,
        },
        "serverless-pre-function": {"phase": "rewrite", "functions": [mark_snippet()]},
        "serverless-post-function": {"phase": "body_filter", "functions": [usage_snippet()]},
        "http-logger": {
            "uri": "http://127.0.0.1:8700/usage",
            "auth_header": "${{GATEPASS_USAGE_AUTHORIZATION}}",
            "log_format": {
                "request_id": "$gatepass_request",
                "status": "$status",
                "bytes_sent": "$upstream_bytes_sent",
                "usage": "$llm_usage",
                "usage_head": "$llm_usage_head",
            },
            "batch_max_size": 50,
            "inactive_timeout": 1,
            "buffer_duration": 2,
            "max_retry_count": 60,
            "retry_delay": 1,
        },
    }
    assert document == {
        "services": [
            {
                "id": "llm",
                "name": "llm",
                "upstream": {
                    **upstream,
                    "scheme": "http",
                    "nodes": [{"host": "127.0.0.1", "port": 4000, "weight": 1}],
                },
                "plugins": plugins,
            },
            {
                "id": "123",
                "name": "123",
                "upstream": {
                    **upstream,
                    "scheme": "https",
                    "nodes": [{"host": "[fd00::1]", "port": 443, "weight": 1}],
                },
                "plugins": plugins,
            },
        ],
        "routes": [
            {
                "id": "llm",
                "name": "llm",
                "uris": ["/v1", "/v1/*", "/openai/*"],
                "service_id": "llm",
            },
            {"id": "123", "name": "123", "uris": ["/*"], "service_id": "123"},
        ],
    }


def test_ai_proxy_counts_and_the_mark_names_the_call() -> None:
    service = Service("llm", "https://api.example/v1/chat/completions", ("/v1",))
    (entity,) = declared(service, way=Way.AI_PROXY)["services"]
    assert "upstream" not in entity
    plugins = entity["plugins"]
    assert list(plugins) == [
        "ext-plugin-pre-req",
        "serverless-pre-function",
        "http-logger",
        "ai-proxy",
    ]
    mark = {"phase": "rewrite", "functions": [mark_snippet()]}
    assert plugins["serverless-pre-function"] == mark
    assert plugins["http-logger"]["log_format"] == {
        "request_id": "$gatepass_request",
        "status": "$upstream_status",
        "prompt_tokens": "$llm_prompt_tokens",
        "completion_tokens": "$llm_completion_tokens",
    }
    assert plugins["ai-proxy"]["override"]["endpoint"] == service.url


def test_post_resp_needs_neither_lua_nor_reports() -> None:
    (entity,) = declared(Service("a", "http://a", ("/",)), way=Way.POST_RESP)["services"]
    conf = [{"name": "gatepass", "value": '{"profile": "default"}'}]
    asks = {"conf": conf, "allow_degradation": False}
    assert entity["plugins"] == {"ext-plugin-pre-req": asks, "ext-plugin-post-resp": asks}
    assert entity["upstream"]["nodes"]


def test_forward_auth_takes_away_first_and_tells_the_raw_path() -> None:
    (entity,) = declared(Service("a", "http://a", ("/",)), way=Way.FORWARD_AUTH)["services"]
    assert entity["plugins"] == {
        "proxy-rewrite": {
            "headers": {
                "remove": [
                    *("x-a-b", "x-a_b", "x-api_key", "x-gatepass-request", "x-gatepass_request"),
                    *("x-who", "x_a-b", "x_a_b", "x_api-key", "x_api_key", "x_gatepass-request"),
                    *("x_gatepass_request", "x_who"),
                ],
            }
        },
        "forward-auth": {
            "uri": "http://127.0.0.1:8700/traefik/default",
            "request_method": "POST",
            "request_headers": ["authorization", "x-api-key"],
            "extra_headers": {"X-Forwarded-Uri": "$real_request_uri"},
            "upstream_headers": [
                *("x-who", "x-a-b", "x-gatepass-request", "authorization", "x-api-key"),
            ],
            "client_headers": [
                "Content-Type",
                "Cache-Control",
                "Retry-After",
                "WWW-Authenticate",
                "RateLimit",
                "RateLimit-Policy",
            ],
            "timeout": 5000,
            "status_on_error": 503,
            "allow_degradation": False,
        },
    }


def test_where_nobody_may_report_nothing_reports() -> None:
    around = Surroundings("default", AROUND.gatepass_url, reports=False, headers=HEADERS)
    for way in (Way.RUNNER, Way.AI_PROXY):
        (entity,) = declared(Service("a", "http://a", ("/",)), way=way, around=around)["services"]
        assert set(entity["plugins"]) <= {"ext-plugin-pre-req", "ai-proxy"}


@pytest.mark.parametrize("name", ["1e3", "0x10", "no", "null", "a.b-c_d", "2026-01-01"])
def test_names_stay_text(name: str) -> None:
    around = Surroundings(name, AROUND.gatepass_url, reports=False, headers=HEADERS)
    document = declared(Service(name, "http://a", (f"/{name}",)), around=around)
    (service,), (route,) = document["services"], document["routes"]
    assert service["id"] == route["id"] == route["service_id"] == name
    (conf,) = service["plugins"]["ext-plugin-pre-req"]["conf"]
    assert profile_of([(conf["name"].encode(), conf["value"].encode())]) == name


LONGEST = {
    "gatepass_request": "x" * 64,
    "status": "504",
    "upstream_status": "502, " * 99 + "504",
    "upstream_bytes_sent": "9" * 20 + ", " * 99,
    "llm_usage": '"' * MOST_BYTES,
    "llm_usage_head": '"' * MOST_BYTES,
    "llm_prompt_tokens": "9" * 20,
    "llm_completion_tokens": "9" * 20,
    # nginx takes a header of 8000 such octets, each of which JSON writes as six, and four of them
    "http_x_gatepass_request": "\x7f" * 32_000,
}
"""The longest that APISIX's variables can be."""


@pytest.mark.parametrize("way", [Way.RUNNER, Way.AI_PROXY])
def test_sec_59_no_batch_is_longer_than_what_is_taken(way: Way) -> None:
    """Refused calls are logged too: a client without a token must not drown the others' records."""
    (entity,) = declared(Service("a", "http://a", ("/",)), way=way)["services"]
    logger = entity["plugins"]["http-logger"]
    record = {name: LONGEST[value[1:]] for name, value in logger["log_format"].items()}
    batch = [{**record, "route_id": "r" * 64, "service_id": "s" * 64}] * logger["batch_max_size"]
    assert len(json.dumps(batch).replace("\x7f", "\\u007f")) < MAX_BODY_BYTES
    assert RECORDS <= MAX_RECORDS
    assert RETRIES > 30, "a restart takes less than half a minute"


@pytest.mark.parametrize(
    "document",
    [
        {"a": "x", "b": 1, "c": True, "d": ["x", 1, False], "e": {"f": {"g": []}}},
        {"a": "${{X}}", "b": "a: b # c", "c": "\u00e9\u2028\u0085", "d": '"\\', "e": ""},
        {"a": [{"b": "x", "c": ["y", {"d": "z"}]}, {"e": 1}], "f": ["  lines\n\n\n and\nmore\n"]},
        {"lua": 'a = "b"\n-- c: d\n  return [==[ # ]==]\n'},
    ],
)
def test_yaml_reads_what_was_written(document: dict[str, Any]) -> None:
    text = yaml_text(document)
    assert text.isascii()
    assert yaml.safe_load(text) == document


BASIC = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])


@given(st.one_of(st.text(BASIC), st.text(alphabet=" a\n#:-\t\"'|"), st.text(alphabet=" ab\n")))
def test_yaml_reads_any_text(text: str) -> None:
    assert yaml.safe_load(yaml_text({"a": text, "b": [text], "c": 1})) == {
        "a": text,
        "b": [text],
        "c": 1,
    }


def test_the_lines_of_config_yaml_follow_the_settings() -> None:
    text = config_yaml(Way.RUNNER, MACHINE)
    assert max(map(len, text.splitlines())) <= 100
    assert yaml.safe_load(text) == {
        "deployment": {"role": "data_plane", "role_data_plane": {"config_provider": "yaml"}},
        "ext-plugin": {"path_for_test": "/run/x/apisix.sock"},
        "nginx_config": {
            "envs": ["GATEPASS_USAGE_AUTHORIZATION"],
            "http": {"client_max_body_size": "4096k"},
        },
    }
    for name in ("ext-plugin-pre-req", "serverless-pre-function", "http-logger", "prometheus"):
        assert name in text


def test_config_yaml_of_the_other_ways() -> None:
    ai = yaml.safe_load(config_yaml(Way.AI_PROXY, MACHINE))
    assert ai["nginx_config"]["envs"] == ["GATEPASS_USAGE_AUTHORIZATION", "UPSTREAM_AUTHORIZATION"]
    text = config_yaml(Way.POST_RESP, MACHINE)
    assert "envs" not in yaml.safe_load(text)["nginx_config"]
    assert "#   ext-plugin-pre-req, ext-plugin-post-resp\n" in text
    assert "nothing is settled here" not in text
    assert "nothing is settled here" in config_yaml(Way.RUNNER, MACHINE)
    asked = yaml.safe_load(config_yaml(Way.FORWARD_AUTH, MACHINE))
    assert "ext-plugin" not in asked
    assert "envs" not in asked["nginx_config"]
