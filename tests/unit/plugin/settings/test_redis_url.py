"""The address of a Redis: written in one way, and never repeated."""

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings import compile_settings
from gatepass.plugin.settings.redis_url import server_name
from support.settings import settings_with

SECRET = "canary-7f3a"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://cache.example.com", "cache.example.com:6379"),
        ("redis://127.0.0.1:6380/3", "127.0.0.1:6380"),
        (f"rediss://gate:{SECRET}@cache.example.com:6380/0", "cache.example.com:6380"),
        (f"redis://:{SECRET}%40@[::1]:6379", "::1:6379"),
        ("redis://redis_1/", "redis_1:6379"),
    ],
)
def test_a_server_is_named_as_it_stands(url: str, name: str) -> None:
    compiled = compile_settings(settings_with(stores={"redis": url}))
    assert compiled.redis == (url, "gatepass")
    assert server_name(url) == name
    assert SECRET not in repr(compiled)


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{SECRET}@cache.example.com",
        f"redis:{SECRET}",
        f"redis://:{SECRET}@",
        f"redis://:{SECRET}@cache.example.com:0",
        f"redis://:{SECRET}@cache.example.com:65536",
        f"redis://:{SECRET}@cache.example.com:port",
        f"redis://:{SECRET}@cache.example.com/db",
        f"redis://:{SECRET}@cache.example.com/0/1",
        f"redis://:{SECRET}@cache.example.com?ssl_cert_reqs=none",
        f"redis://:{SECRET}@cache.example.com?",
        f"redis://:{SECRET}@cache.example.com#",
        f"redis://:{SECRET}#@cache.example.com",
        f"redis://:{SECRET}%zz@cache.example.com",
        f"redis://:{SECRET}@[::1",
        f"redis://:{SECRET}@ca che.example.com",
        f"redis://{'h' * 254}",
    ],
)
def test_sec_60_what_cannot_be_one_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stores\.redis: must be redis://") as caught:
        settings_with(stores={"redis": url})
    assert SECRET not in str(caught.value)


def test_there_is_none_by_default_and_rows_serve_a_minute_longer() -> None:
    compiled = compile_settings(settings_with())
    assert compiled.redis is None
    assert compiled.serve_stale_seconds == 60


@pytest.mark.parametrize(
    ("written", "seconds"), [("0", 0), ("0s", 0), ("5m", 300), ("24h", 86_400)]
)
def test_how_long_rows_serve_on(written: str, seconds: int) -> None:
    settings = settings_with(stores={"serve_stale_for": written})
    assert compile_settings(settings).serve_stale_seconds == seconds


def test_they_never_serve_for_ever() -> None:
    with pytest.raises(ConfigurationError, match=r"stores\.serve_stale_for: must be from"):
        settings_with(stores={"serve_stale_for": "25h"})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "{a}", "ü"])
def test_a_deployment_has_a_plain_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stores\.deployment"):
        settings_with(stores={"deployment": name})


def test_routes_that_pass_without_rows_are_routes() -> None:
    profiles = {"default": {"unsafe_routes_without_store": ["info_routes", "/v1/x"]}}
    policy = compile_settings(settings_with(profiles=profiles)).policy
    opened = policy.profiles["default"].routes_without_store
    assert opened.allows("GET", "/v1/models")
    assert opened.allows("GET", "/v1/x")
    assert not opened.allows("GET", "/v1/y")
    closed = compile_settings(settings_with()).policy.profiles["default"].routes_without_store
    assert not closed.allows("GET", "/v1/models")
