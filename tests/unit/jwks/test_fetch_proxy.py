"""Fetching through the proxy of the settings."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.networks import Address
from support.certificates import server_context
from support.connect_proxy import proxying
from support.jwks_server import JwksServer, ok, redirect

BODY = b'{"keys": []}'
URL = "https://keys.example/keys"


async def proxies_only(host: str, _port: int) -> Sequence[Address]:
    """Know the proxy alone: whoever asks for another name gives it away to the wrong server."""
    assert host in {"127.0.0.1", "proxy.corp"}
    return [ipaddress.ip_address("127.0.0.1")]


def _fetcher(proxy: str, ca_file: Path | None = None) -> HttpFetcher:
    return HttpFetcher(
        timeout_seconds=5.0,
        proxy=proxy,
        ca_file=ca_file,
        allow_http_loopback=True,
        resolve=proxies_only,
    )


async def _refused(fetcher: HttpFetcher, url: str = URL) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        await fetcher.get(url)
    return refused.value.detail


async def test_a_proxy_sees_the_name_alone_and_tls_goes_through_it(tmp_path: Path) -> None:
    context, ca_file = server_context(tmp_path, "keys.example")
    async with JwksServer(context) as server, proxying(server.port) as proxy:
        server.serve("/keys", ok(BODY))
        fetcher = _fetcher(f"http://proxy.corp:{proxy.port}", ca_file)
        assert (await fetcher.get(URL)).body == BODY
        assert proxy.targets == ["keys.example:443"]
        assert "authorization" not in proxy.requests[0].lower()
        server.serve("/keys", redirect("https://elsewhere.example/"))
        assert await _refused(fetcher) == "redirect"
        assert set(proxy.targets) == {"keys.example:443"}


async def test_a_proxy_is_told_the_name_and_password_of_the_settings(tmp_path: Path) -> None:
    context, ca_file = server_context(tmp_path, "keys.example")
    async with JwksServer(context) as server, proxying(server.port) as proxy:
        server.serve("/keys", ok(BODY))
        fetcher = _fetcher(f"http://us%40er:pass%3Aword@127.0.0.1:{proxy.port}/", ca_file)
        assert (await fetcher.get(URL)).body == BODY
        assert "Proxy-Authorization: Basic dXNAZXI6cGFzczp3b3Jk\r\n" in proxy.requests[0]
        assert "proxy-authorization" not in server.headers[0]


async def test_sec_20_a_proxy_cannot_stand_in_for_the_issuer(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    context, _ = server_context(tmp_path / "other", "keys.example")
    _, ca_file = server_context(tmp_path, "keys.example")
    async with JwksServer(context) as server, proxying(server.port) as proxy:
        server.serve("/keys", ok(BODY))
        fetcher = _fetcher(f"http://127.0.0.1:{proxy.port}", ca_file)
        assert await _refused(fetcher) == "TLS handshake failed"
        assert server.hits == []


async def test_a_proxy_may_speak_tls_itself(tmp_path: Path) -> None:
    context, ca_file = server_context(tmp_path, "proxy.corp")
    (tmp_path / "issuer").mkdir()
    issuer, issuer_ca = server_context(tmp_path / "issuer", "keys.example")
    both = tmp_path / "both.pem"
    both.write_bytes(ca_file.read_bytes() + issuer_ca.read_bytes())
    async with JwksServer(issuer) as server, proxying(server.port, tls=context) as proxy:
        server.serve("/keys", ok(BODY))
        assert (await _fetcher(f"https://proxy.corp:{proxy.port}", both).get(URL)).body == BODY
        wrong = _fetcher(f"https://proxy.corp:{proxy.port}", issuer_ca)
        assert await _refused(wrong) == "TLS handshake failed"


@pytest.mark.parametrize("status", [301, 403, 407, 502])
async def test_a_proxy_that_refuses_is_named(status: int) -> None:
    async with proxying(1, status) as proxy:
        assert await _refused(_fetcher(f"http://127.0.0.1:{proxy.port}")) == "refused by the proxy"


@pytest.mark.parametrize(
    ("host", "detail"),
    [
        ("169.254.169.254", "address: link-local"),
        ("10.0.0.1", "address: private network"),
        ("[fd00::1]", "address: private network"),
    ],
)
async def test_sec_21_a_private_address_is_not_asked_through_a_proxy_either(
    host: str, detail: str
) -> None:
    async with proxying(1) as proxy:
        fetcher = _fetcher(f"http://127.0.0.1:{proxy.port}")
        assert await _refused(fetcher, f"https://{host}/keys") == detail
        assert proxy.requests == []


async def test_sec_20_this_machine_is_asked_without_the_proxy() -> None:
    async with JwksServer() as server, proxying(1) as proxy:
        fetcher = _fetcher(f"http://127.0.0.1:{proxy.port}")
        assert (await fetcher.get(server.serve("/keys", ok(BODY)))).body == BODY
        assert proxy.requests == []


async def test_a_proxy_that_is_away_is_no_connection() -> None:
    assert await _refused(_fetcher("http://127.0.0.1:1")) == "connection refused"
    # the system refuses to connect to a broadcast address, without a packet
    unreachable = HttpFetcher(timeout_seconds=5.0, proxy="http://255.255.255.255:3128")
    assert await _refused(unreachable) == "no answer"


def test_what_is_no_proxy_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        HttpFetcher(proxy="socks5://proxy.corp:1080")


def test_sec_60_the_password_of_a_proxy_shows_nowhere() -> None:
    fetcher = _fetcher("http://user:canary@proxy.corp:3128")
    assert "canary" not in repr(fetcher._proxy)
    with pytest.raises(ConfigurationError) as refused:
        HttpFetcher(proxy="http://user:canary@proxy corp")
    assert "canary" not in str(refused.value)
