"""Good tokens while strangers send tokens whose keys nobody has, with a real server of keys.

Calm and flood take turns. In each turn new good tokens are verified one by one; in a flood ten
strangers send bogus ones meanwhile. When the server is asked for keys is noted over all turns.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence

from bench.figures import Figure, Reading
from bench.jwks import claims, rules

from gatepass.jwks import HttpFetcher, Issuer, TokenRefused, UrlKeys, Verifier
from support.jwks_server import JwksServer, ok
from support.tokens import b64, key_set, signing_key

BOGUS = 50_000
TURNS = 5
STRANGERS = 10
GOOD = 1_000
"""Good tokens in a turn."""

SLOWER_BOUND = 1.5
"""By how much the p99 of good tokens may grow; noise included."""

FETCHES_A_SECOND = 1
PAUSE_SECONDS = 0.001
"""Between two tokens of one sender, so that the floods last for many refetch times."""


async def flood() -> list[Figure | Reading]:
    """Measure the slowest good tokens with and without a flood, and the questions it causes."""
    key = signing_key("RS256")
    _header, payload, signature = key.token(claims(0)).split(b".")
    good = iter([key.token(claims(number)) for number in range(2 * TURNS * GOOD)])
    bogus = iter([_bogus(number, payload, signature) for number in range(BOGUS)])
    share = BOGUS // TURNS // STRANGERS
    fetches: list[float] = []
    published = ok(key_set(key))

    async def answer(writer: asyncio.StreamWriter) -> None:
        fetches.append(time.monotonic())
        await published(writer)

    async with JwksServer() as server:
        url = server.serve("/keys", answer)
        source = UrlKeys(url, HttpFetcher(allow_http_loopback=True))
        verifier = Verifier([Issuer(rules("RS256"), source)])
        await verifier.start()
        began = time.monotonic()
        calm, flooded = [], []
        for _ in range(TURNS):
            calm.append(await _p99(verifier, [next(good) for _ in range(GOOD)]))
            strangers = [
                asyncio.create_task(_send(verifier, [next(bogus) for _ in range(share)]))
                for _ in range(STRANGERS)
            ]
            flooded.append(await _p99(verifier, [next(good) for _ in range(GOOD)]))
            assert sum(await asyncio.gather(*strangers)) == share * STRANGERS
        seconds = time.monotonic() - began
        await verifier.close()
    ratio = statistics.median(a / b for a, b in zip(flooded, calm, strict=True))
    return [
        Figure("p99 of new RS256 tokens, calm", statistics.median(calm), 1.0, 1.0),
        Figure(
            f"p99 in a flood of {BOGUS} bogus kids", statistics.median(flooded), ratio, SLOWER_BOUND
        ),
        Reading(
            f"fetches in any one second ({len(fetches)} in {seconds:.0f} s)",
            max(sum(first <= later < first + 1 for later in fetches) for first in fetches),
            "",
            FETCHES_A_SECOND,
        ),
    ]


def _bogus(number: int, payload: bytes, signature: bytes) -> bytes:
    header = b'{"alg":"RS256","kid":"bogus-%d","typ":"JWT"}' % number
    return b".".join((b64(header).encode(), payload, signature))


async def _p99(verifier: Verifier, tokens: Sequence[bytes]) -> float:
    """Return the time that one in a hundred takes longer than, in microseconds."""
    times = []
    for token in tokens:
        start = time.perf_counter()
        await verifier.verify(token)
        times.append((time.perf_counter() - start) * 1e6)
        await asyncio.sleep(PAUSE_SECONDS)
    return statistics.quantiles(times, n=100)[-1]


async def _send(verifier: Verifier, tokens: Sequence[bytes]) -> int:
    """Return how many were refused."""
    refused = 0
    for token in tokens:
        try:
            await verifier.verify(token)
        except TokenRefused:
            refused += 1
        await asyncio.sleep(PAUSE_SECONDS)
    return refused
