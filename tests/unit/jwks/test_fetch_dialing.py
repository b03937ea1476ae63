"""Which machine is really spoken to: names, what they resolve to, certificates."""

import asyncio
import gc
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetch import HttpFetcher, resolve
from gatepass.jwks.networks import Address
from support.certificates import server_context
from support.jwks_server import JwksServer, ok

BODY = b'{"keys": []}'
LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


class Names:
    """A resolver that says another thing at every question, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        del port
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ipaddress.ip_address(text) for text in answer]


async def _refused(fetcher: HttpFetcher, url: str) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        await fetcher.get(url)
    return refused.value.detail


@pytest.mark.parametrize(
    ("address", "detail"),
    [
        ("127.0.0.1", "address: this machine by another name"),
        ("::1", "address: this machine by another name"),
        ("10.1.2.3", "address: private network"),
        ("100.64.0.1", "address: private network"),
        ("fd00::1", "address: private network"),
        ("169.254.169.254", "address: link-local"),
        ("fd00:ec2::254", "address: metadata service"),
        ("0.0.0.1", "address: not of a machine"),
    ],
)
async def test_sec_21_a_name_that_resolves_into_a_private_network_is_not_asked(
    address: str, detail: str
) -> None:
    fetcher = HttpFetcher(timeout_seconds=5.0, resolve=Names([address]))
    assert await _refused(fetcher, "https://keys.example/") == detail


async def test_sec_21_the_address_that_was_judged_is_the_one_that_is_dialed(
    tmp_path: Path,
) -> None:
    context, ca_file = server_context(tmp_path, "keys.example")
    async with JwksServer(context) as server:
        names = Names(["127.0.0.1"], ["169.254.169.254"])
        fetcher = HttpFetcher(
            timeout_seconds=5.0, allow_networks=LOOPBACK, ca_file=ca_file, resolve=names
        )
        server.serve("/keys", ok(BODY))
        url = f"https://keys.example:{server.port}/keys"
        assert (await fetcher.get(url)).body == BODY
        assert names.asked == ["keys.example"], "one question, and its answer is dialed"
        assert server.headers[0]["host"] == f"keys.example:{server.port}"
        assert await _refused(fetcher, url) == "address: link-local"
        assert len(server.hits) == 1


async def test_sec_20_tls_verifies_the_name_and_not_the_address(tmp_path: Path) -> None:
    context, ca_file = server_context(tmp_path, "other.example")
    async with JwksServer(context) as server:
        fetcher = HttpFetcher(
            timeout_seconds=5.0,
            allow_networks=LOOPBACK,
            ca_file=ca_file,
            resolve=Names(["127.0.0.1"]),
        )
        url = f"https://keys.example:{server.port}/keys"
        assert await _refused(fetcher, url) == "TLS handshake failed"
        assert server.hits == []


async def test_sec_21_of_several_addresses_only_those_that_may_be_are_dialed() -> None:
    async with JwksServer() as server:
        server.serve("/keys", ok(BODY))
        names = Names(["169.254.169.254", "10.0.0.1", "::1", "127.0.0.1"])
        fetcher = HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True, resolve=names)
        # nobody listens at ::1, so the next one is tried
        assert (await fetcher.get(f"http://localhost:{server.port}/keys")).body == BODY


@pytest.mark.parametrize("address", ["198.51.100.1", "8.8.8.8", "10.0.0.1"])
async def test_sec_20_plain_http_to_localhost_stays_on_this_machine(address: str) -> None:
    fetcher = HttpFetcher(
        timeout_seconds=5.0,
        allow_http_loopback=True,
        allow_networks=[
            ipaddress.ip_network("10.0.0.0/8"),
            ipaddress.ip_network("198.51.100.0/24"),
        ],
        resolve=Names([address]),
    )
    assert await _refused(fetcher, "http://localhost/keys") == "address: not https"


async def test_sec_21_an_address_in_the_url_is_judged_as_well() -> None:
    fetcher = HttpFetcher(timeout_seconds=5.0)
    for host in ("10.0.0.1", "192.168.1.1", "[fd00::1]", "[::ffff:172.16.0.1]"):
        assert await _refused(fetcher, f"https://{host}/") == "address: private network"


async def test_a_resolver_that_takes_too_long_meets_the_deadline() -> None:
    async def never(_host: str, _port: int) -> Sequence[Address]:
        await asyncio.sleep(30)
        return []

    began = time.monotonic()
    fetcher = HttpFetcher(timeout_seconds=0.1, resolve=never)
    assert await _refused(fetcher, "https://keys.example/") == "timeout"
    assert time.monotonic() - began < 1.5


async def test_a_name_without_addresses_is_not_known() -> None:
    fetcher = HttpFetcher(timeout_seconds=5.0, resolve=Names([]))
    assert await _refused(fetcher, "https://keys.example/") == "name not known"


async def test_the_system_resolves_what_is_not_said_otherwise() -> None:
    found = await resolve("localhost", 443)
    assert all(address.is_loopback for address in found)
    assert await resolve("127.0.0.2", 443) == [ipaddress.ip_address("127.0.0.2")]


async def test_sec_20_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = server_context(tmp_path)
    async with JwksServer(context) as server:
        url = server.serve("/keys", ok(BODY))
        assert await _refused(HttpFetcher(timeout_seconds=5.0), url) == "TLS handshake failed"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        fetcher = HttpFetcher(timeout_seconds=5.0)
        assert (await fetcher.get(url)).body == BODY
        trusted = fetcher._tls
        assert trusted is not None
        assert len(trusted.get_ca_certs()) == 1
        assert (await fetcher.get(url)).body == BODY
        assert fetcher._tls is trusted


async def test_sec_20_the_cas_of_the_settings_take_the_place_of_the_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = server_context(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = server_context(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with JwksServer(context) as server:
        url = server.serve("/keys", ok(BODY))
        good = HttpFetcher(timeout_seconds=5.0, ca_file=certificate)
        assert (await good.get(url)).body == BODY
        wrong = HttpFetcher(timeout_seconds=5.0, ca_file=other)
        assert await _refused(wrong, url) == "TLS handshake failed"


async def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for path in (empty, tmp_path / "missing.pem", tmp_path):
        fetcher = HttpFetcher(timeout_seconds=5.0, ca_file=path)
        assert await _refused(fetcher, "https://127.0.0.1:1/") == "CA file: not readable"


async def test_sec_22_a_silent_tls_handshake_meets_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fetcher = HttpFetcher(timeout_seconds=0.2)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        assert await _refused(fetcher, url) == "timeout"
    gc.collect()  # a socket left open is an error here


async def test_sec_23_a_tls_record_that_does_not_decipher_is_no_answer(tmp_path: Path) -> None:
    context, certificate = server_context(tmp_path)

    async def garble(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        os.write(writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x20" + b"x" * 32)

    async with JwksServer(context) as server:
        fetcher = HttpFetcher(timeout_seconds=5.0, ca_file=certificate)
        assert await _refused(fetcher, server.serve("/keys", garble)) == "no answer"


async def test_sec_20_old_tls_is_refused(tmp_path: Path) -> None:
    context, certificate = server_context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    async with JwksServer(context) as server:
        fetcher = HttpFetcher(timeout_seconds=5.0, ca_file=certificate)
        assert await _refused(fetcher, server.serve("/keys", ok(BODY))) == "TLS handshake failed"
