"""Keys that came by a way which is trusted no more serve nowhere (SEC-16, SEC-20, SEC-26)."""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from gatepass.jwks import Issuer, KeySourceUnavailable, UrlKeys, Verifier
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.source import DiscoveredKeys
from support.certificates import server_context
from support.clock import ManualClock
from support.jwks_server import JwksServer, ok
from support.keys_over_time import FRESHNESS, KEY, KEYS, rules

PRIVATE = ip_network("10.0.0.0/8")
MORE = ip_network("fd00::/8")


def test_sec_16_every_part_of_the_way_counts(tmp_path: Path) -> None:
    cas = tmp_path / "ca.pem"
    cas.write_text("one")
    fetchers = [
        HttpFetcher(),
        HttpFetcher(allow_http_loopback=True),
        HttpFetcher(allow_networks=[PRIVATE]),
        HttpFetcher(allow_networks=[PRIVATE, MORE]),
        HttpFetcher(proxy="http://proxy.corp:3128"),
        HttpFetcher(proxy="http://user:canary@proxy.corp:3128"),
        HttpFetcher(proxy="http://user:other@proxy.corp:3128"),
        HttpFetcher(ca_file=cas),
        HttpFetcher(ca_file=tmp_path / "missing.pem"),
    ]
    cas.write_text("two")
    fetchers.append(HttpFetcher(ca_file=cas))
    assert len(set(fetchers)) == len(fetchers)
    url = "https://idp.example/keys"
    assert len({UrlKeys(url, fetcher) for fetcher in fetchers}) == len(fetchers)
    assert len({UrlKeys(url, fetcher).place for fetcher in fetchers}) == len(fetchers)
    assert len({DiscoveredKeys(url, fetcher).place for fetcher in fetchers}) == len(fetchers)
    assert HttpFetcher(allow_networks=[MORE, PRIVATE]) == fetchers[3]
    assert HttpFetcher(ca_file=cas) == fetchers[-1]
    assert HttpFetcher(timeout_seconds=1, max_bytes=9) == fetchers[0]
    assert fetchers[0] != object()


def test_sec_60_the_way_shows_no_password() -> None:
    fetcher = HttpFetcher(proxy="http://user:canary@proxy.corp:3128")
    source = UrlKeys("https://idp.example/keys", fetcher)
    assert "canary" not in f"{fetcher.route} {source.place} {source!r}"


def test_a_ca_file_that_cannot_be_read_stops_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for odd in (pipe, Path("/proc/self/mem"), tmp_path):
        assert HttpFetcher(ca_file=odd) == HttpFetcher(ca_file=odd)


@pytest.mark.parametrize("by", ["memory", "disk"])
async def test_sec_16_sec_26_keys_by_a_ca_that_was_withdrawn_do_not_serve_on(
    tmp_path: Path, clock: ManualClock, by: str
) -> None:
    (tmp_path / "other").mkdir()
    context, cas = server_context(tmp_path)
    _, other = server_context(tmp_path / "other")
    async with JwksServer(context) as server:
        url = server.serve("/keys", ok(KEYS))

        def make() -> Verifier:
            folder = tmp_path / "keys" if by == "disk" else None
            source = UrlKeys(url, HttpFetcher(timeout_seconds=5.0, ca_file=cas))
            return Verifier([Issuer(rules(), source, FRESHNESS, folder)], clock=clock)

        async def follow(before: Verifier) -> Verifier:
            after = make()
            if by == "memory":
                after.inherit(before)
            await after.start()
            return after

        first = make()
        await first.start()
        await first.close()
        server.serve("/keys", ok(b"away"))
        second = await follow(first)
        assert second.verify_warm(KEY.token()) is not None, "by the same way they serve on"
        await second.close()
        cas.write_bytes(other.read_bytes())
        third = await follow(second)
        with pytest.raises(KeySourceUnavailable) as unavailable:
            await third.verify(KEY.token())
        assert unavailable.value.detail == "TLS handshake failed"
        await third.close()
