"""Keys that rotate at a real OpenID provider, seen by a verifier that found them by discovery."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from gatepass.jwks import (
    DiscoveredKeys,
    Freshness,
    HttpFetcher,
    Issuer,
    IssuerRules,
    TokenFault,
    TokenRefused,
    Verifier,
)
from gatepass.plugin.demo.accounts import AUDIENCE, SEARCH_INDEXER
from support.demo import RunningProvider, running_provider
from support.tokens import b64

AT_MOST_SECONDS = 1.0 + 0.2
"""From publication to passing: the time between two questions, and what a question takes."""

SHORT = Freshness(
    refresh_seconds=1.0, min_refetch_seconds=0.5, max_stale_seconds=10.0, min_refresh_seconds=0.5
)
"""For a test that waits for the timer."""

Start = Callable[[Freshness], Verifier]


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
async def start(provider: RunningProvider) -> AsyncIterator[Start]:
    verifiers = []

    def started(freshness: Freshness) -> Verifier:
        rules = IssuerRules(provider.issuer, frozenset({AUDIENCE}), frozenset({"RS256"}))
        fetcher = HttpFetcher(allow_http_loopback=True)
        source = DiscoveredKeys(provider.issuer, fetcher, allow_http_loopback=True)
        verifiers.append(Verifier([Issuer(rules, source, freshness)]))
        return verifiers[-1]

    yield started
    for verifier in verifiers:
        await verifier.close()


async def token(provider: RunningProvider) -> bytes:
    return (await asyncio.to_thread(provider.client.machine_token, SEARCH_INDEXER)).encode()


async def rotate(provider: RunningProvider) -> None:
    await asyncio.to_thread(provider.client.rotate)


async def seconds_until(verifier: Verifier, token: bytes, *, passes: bool) -> float:
    """Return after what time the verdict changes to what it must become."""
    began = time.monotonic()
    while await _passes(verifier, token) is not passes:
        assert time.monotonic() < began + 10
        await asyncio.sleep(0.005)
    return time.monotonic() - began


async def _passes(verifier: Verifier, token: bytes) -> bool:
    try:
        await verifier.verify(token)
    except TokenRefused as refused:
        assert refused.fault is TokenFault.UNKNOWN_KEY  # noqa: PT017 - the loop above is the test
        return False
    return True


async def test_sec_24_a_token_of_a_new_key_passes_within_a_second_of_its_publication(
    provider: RunningProvider, start: Start
) -> None:
    verifier = start(Freshness())
    await verifier.verify(await token(provider))
    # the worst moment: the keys were asked for a little before
    await rotate(provider)
    published = time.monotonic()
    await seconds_until(verifier, await token(provider), passes=True)
    assert time.monotonic() - published < AT_MOST_SECONDS


async def test_sec_24_a_flood_of_made_up_keys_does_not_hold_up_a_new_one(
    provider: RunningProvider, start: Start
) -> None:
    verifier = start(Freshness())
    old = await token(provider)
    await verifier.verify(old)
    _header, payload, signature = old.split(b".")
    stop = asyncio.Event()

    async def flood() -> None:
        while not stop.is_set():
            header = b64(b'{"alg":"RS256","kid":"%s"}' % secrets.token_hex(8).encode())
            with pytest.raises(TokenRefused):
                await verifier.verify(b".".join((header.encode(), payload, signature)))
            await asyncio.sleep(0.001)

    strangers = asyncio.create_task(flood())
    await rotate(provider)
    published = time.monotonic()
    await seconds_until(verifier, await token(provider), passes=True)
    assert time.monotonic() - published < AT_MOST_SECONDS
    stop.set()
    await strangers


async def test_sec_26_a_withdrawn_key_stops_with_the_first_token_of_its_successor(
    provider: RunningProvider, start: Start
) -> None:
    verifier = start(Freshness())
    old = await token(provider)
    await verifier.verify(old)
    await rotate(provider)
    await rotate(provider)  # the provider publishes two keys
    assert verifier.verify_warm(old) is not None
    await seconds_until(verifier, await token(provider), passes=True)
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(old)
    assert refused.value.fault is TokenFault.UNKNOWN_KEY


async def test_sec_26_a_withdrawn_key_stops_with_the_next_refresh(
    provider: RunningProvider, start: Start
) -> None:
    verifier = start(SHORT)
    old = await token(provider)
    await verifier.start()
    await verifier.verify(old)
    await rotate(provider)
    young = await token(provider)
    await rotate(provider)
    assert await seconds_until(verifier, old, passes=False) < SHORT.refresh_seconds + 0.5
    assert await _passes(verifier, young)
