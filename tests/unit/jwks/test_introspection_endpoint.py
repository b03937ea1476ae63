"""Where an issuer is asked about tokens."""

import asyncio
import json

import pytest

from gatepass.jwks import DiscoveredEndpoint, KeySourceUnavailable, Metadata, NamedEndpoint
from gatepass.jwks.introspection_endpoint import Endpoint, KnownEndpoint
from support.clock import ManualClock
from support.fetching import ScriptedFetcher
from support.introspection import FRESHNESS
from support.tokens import ISSUER

URL = f"{ISSUER}/introspect"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
OAUTH = f"{ISSUER}/.well-known/oauth-authorization-server"


def metadata(**changes: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "introspection_endpoint": URL} | changes).encode()


def known(endpoint: Endpoint, clock: ManualClock) -> KnownEndpoint:
    return KnownEndpoint(endpoint, clock, FRESHNESS)


async def detail(endpoint: KnownEndpoint) -> str:
    with pytest.raises(KeySourceUnavailable) as unavailable:
        await endpoint.url()
    return unavailable.value.detail


async def test_an_address_of_the_settings_is_that(clock: ManualClock) -> None:
    endpoint = known(NamedEndpoint(URL), clock)
    assert await endpoint.url() == URL
    await endpoint.close()


@pytest.mark.parametrize(("kind", "place"), [(Metadata.OPENID, OPENID), (Metadata.OAUTH, OAUTH)])
async def test_metadata_names_the_address(kind: Metadata, place: str) -> None:
    fetcher = ScriptedFetcher({place: metadata()})
    assert await DiscoveredEndpoint(ISSUER, fetcher, metadata=kind).find() == URL
    assert fetcher.asked == [place]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (metadata(issuer=f"{ISSUER}/"), "discovery: the document of another issuer"),
        (metadata(introspection_endpoint=None), "discovery: no introspection_endpoint"),
        (metadata(introspection_endpoint=[URL]), "discovery: no introspection_endpoint"),
        (metadata(introspection_endpoint="http://idp.example/i"), "address: not https"),
        (metadata(introspection_endpoint="https://169.254.169.254/"), "address: link-local"),
        (
            metadata(introspection_endpoint="https://evil.example/i"),
            "discovery: introspection_endpoint on another host",
        ),
        (b"<html>", "discovery: not a metadata document"),
        (None, "discovery: not a metadata document"),
    ],
)
async def test_sec_21_metadata_cannot_send_tokens_and_our_secret_elsewhere(
    clock: ManualClock, document: bytes | None, expected: str
) -> None:
    endpoint = known(DiscoveredEndpoint(ISSUER, ScriptedFetcher({OPENID: document})), clock)
    assert await detail(endpoint) == expected


async def test_sec_21_another_host_counts_where_it_is_allowed() -> None:
    elsewhere = "https://tokens.example/introspect"
    fetcher = ScriptedFetcher({OPENID: metadata(introspection_endpoint=elsewhere)})
    hosts = frozenset({"tokens.example"})
    assert await DiscoveredEndpoint(ISSUER, fetcher, allowed_hosts=hosts).find() == elsewhere


async def test_an_address_is_looked_for_anew_once_in_a_while(clock: ManualClock) -> None:
    fetcher = ScriptedFetcher({OPENID: metadata()})
    endpoint = known(DiscoveredEndpoint(ISSUER, fetcher), clock)
    assert {await endpoint.url() for _ in range(3)} == {URL}
    assert len(fetcher.asked) == 1
    clock.advance(300)
    fetcher.documents[OPENID] = metadata(introspection_endpoint=f"{URL}/2")
    assert await endpoint.url() == f"{URL}/2"


async def test_sec_26_the_last_address_serves_while_metadata_is_away_but_not_for_ever(
    clock: ManualClock,
) -> None:
    fetcher = ScriptedFetcher({OPENID: metadata()})
    endpoint = known(DiscoveredEndpoint(ISSUER, fetcher), clock)
    await endpoint.url()
    fetcher.documents[OPENID] = KeySourceUnavailable("timeout")
    clock.advance(3599)
    assert await endpoint.url() == URL
    assert await endpoint.url() == URL
    assert len(fetcher.asked) == 2
    clock.advance(1)
    assert await detail(endpoint) == "timeout"


async def test_sec_25_metadata_that_is_away_is_asked_for_ever_less_often(
    clock: ManualClock,
) -> None:
    fetcher = ScriptedFetcher({OPENID: KeySourceUnavailable("status")})
    endpoint = known(DiscoveredEndpoint(ISSUER, fetcher), clock)
    for _ in range(100):
        assert await detail(endpoint) == "status"
        clock.advance(1)
    assert len(fetcher.asked) == 8, "after 1, 2, 4, 8, 16, 30, 30 seconds"
    fetcher.documents[OPENID] = metadata()
    clock.advance(30)
    assert await endpoint.url() == URL


async def test_sec_24_one_search_serves_all_who_wait_and_outlives_those_who_give_up(
    clock: ManualClock,
) -> None:
    fetcher = ScriptedFetcher({OPENID: metadata()})
    fetcher.gate.clear()
    endpoint = known(DiscoveredEndpoint(ISSUER, fetcher), clock)
    waiting = [asyncio.create_task(endpoint.url()) for _ in range(5)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    await asyncio.sleep(0)
    fetcher.gate.set()
    assert await asyncio.gather(*waiting[1:]) == [URL] * 4
    assert len(fetcher.asked) == 1


async def test_closing_gives_up_the_search(clock: ManualClock) -> None:
    fetcher = ScriptedFetcher({OPENID: metadata()})
    fetcher.gate.clear()
    endpoint = known(DiscoveredEndpoint(ISSUER, fetcher), clock)
    await endpoint.close()
    waiting = asyncio.create_task(endpoint.url())
    await asyncio.sleep(0.01)
    await endpoint.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
