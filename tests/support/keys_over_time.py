"""Keepers and verifiers of one make, for the tests of how keys come, age and go."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gatepass.jwks import Freshness, IssuerRules, TokenFault, TokenRefused, Verifier
from gatepass.jwks.keeper import Keeper
from gatepass.jwks.keyset import KeySet
from support.tokens import AUDIENCE, ISSUER, key_set, signing_key

MakeKeeper = Callable[..., Keeper]
MakeVerifier = Callable[..., Verifier]

OTHER_ISSUER = "https://other.example"
KEY = signing_key("ES256", "key-1")
NEXT = signing_key("ES256", "key-2")
KEYS = key_set(KEY)
FRESHNESS = Freshness(refresh_seconds=300, min_refetch_seconds=10, max_stale_seconds=3600)


def rules(
    issuer: str = ISSUER, *, leeway_seconds: int = 0, allow_padding: bool = False
) -> IssuerRules:
    return IssuerRules(
        issuer,
        frozenset({AUDIENCE}),
        frozenset({"ES256"}),
        leeway_seconds=leeway_seconds,
        allow_padding=allow_padding,
    )


def names(key_set: KeySet | None) -> list[str | None] | None:
    return None if key_set is None else [key.kid for key in key_set.keys]


def made_up(number: int) -> bytes:
    """Return a token that names a key which nobody has."""
    return KEY.token(header={"kid": f"made-up-{number}"})


async def refused(verifier: Verifier, token: bytes) -> TokenFault:
    """Return the fault, the same one by both ways in."""
    with pytest.raises(TokenRefused) as slow:
        await verifier.verify(token)
    with pytest.raises(TokenRefused) as warm:
        verifier.verify_warm(token)
    assert slow.value.fault is warm.value.fault
    return slow.value.fault


async def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)
