"""Octets that nobody signed, in great numbers, against a whole verifier that knows good tokens.

`make soak` tries a hundred thousand of each kind. None passes, and none ends in an error that is
not ours; the same verdict comes by both ways in. The verifier's memory holds the good tokens that
the bad ones are made of, so that a mistake there would show.
"""

import random
from collections.abc import Iterator

import pytest

from gatepass.jwks import InlineKeys, Issuer, KeySourceUnavailable, TokenRefused, Verifier
from gatepass.jwks.encoding import decode_segment
from gatepass.jwks.keyset import parse_key_set
from support.mutations import mutated
from support.soak import examples
from support.tokens import ISSUER, b64, key_set, signing_key
from support.verification import GOOD_RULES

ALGORITHMS = ("RS256", "PS256", "ES256", "ES512", "EdDSA")
LETTERS = b'ABCxyz019-_=.{}[]":,\\ \n\x00\xff'


@pytest.fixture(scope="module")
def document() -> bytes:
    return key_set(*map(signing_key, ALGORITHMS))


@pytest.fixture(scope="module")
def good() -> list[bytes]:
    claims = {"roles": ["a", "b"], "name": "Zo\u00eb"}
    return [signing_key(algorithm).token(claims) for algorithm in ALGORITHMS]


@pytest.fixture
async def verifier(document: bytes, good: list[bytes]) -> Verifier:
    verifier = Verifier([Issuer(GOOD_RULES, InlineKeys(document))])
    await verifier.start()
    for token in good:
        assert verifier.verify_warm(token) is not None
    return verifier


def chances() -> Iterator[random.Random]:
    """Return what the examples are made of, the same ones in every run."""
    return map(random.Random, range(examples(2_500)))


async def must_refuse(verifier: Verifier, token: bytes) -> None:
    with pytest.raises(TokenRefused) as warm:
        verifier.verify_warm(token)
    with pytest.raises(TokenRefused) as waiting:
        await verifier.verify(token)
    assert warm.value.fault is waiting.value.fault


def random_octets(chance: random.Random) -> bytes:
    """Return octets of one of the shapes that get further and further into a token's reading."""
    kind, size = chance.randrange(4), chance.randrange(200)
    if kind == 0:
        return chance.randbytes(size)
    if kind == 1:
        return bytes(chance.choices(LETTERS, k=size))
    if kind == 2:
        return b".".join(b64(chance.randbytes(size // 3)).encode() for _ in range(3))
    kid = chance.choice(("key-EdDSA", "another"))
    header = b64(b'{"alg":"EdDSA","kid":"%s"}' % kid.encode())
    payload = b64(b'{"iss":"%s","sub":"%d"}' % (ISSUER.encode(), size))
    return f"{header}.{payload}.{b64(chance.randbytes(64))}".encode()


def spoiled(chance: random.Random, token: bytes) -> bytes:
    """Return the token with mutations, in its octets or in those that a segment stands for."""
    if chance.randrange(2):
        return mutated(chance, token)
    segments = token.split(b".")
    place = chance.randrange(3)
    segments[place] = b64(mutated(chance, decode_segment(segments[place]))).encode()
    return b".".join(segments)


async def test_sec_18_random_octets_are_refused(verifier: Verifier) -> None:
    for chance in chances():
        await must_refuse(verifier, random_octets(chance))


async def test_sec_18_mutated_tokens_are_refused(verifier: Verifier, good: list[bytes]) -> None:
    for chance in chances():
        original = chance.choice(good)
        token = spoiled(chance, original)
        if token != original:
            await must_refuse(verifier, token)


@pytest.mark.parametrize("place", range(len(ALGORITHMS)), ids=ALGORITHMS)
async def test_sec_06_every_single_bit_counts(
    verifier: Verifier, good: list[bytes], place: int
) -> None:
    token = bytearray(good[place])
    for position in range(len(token)):
        for bit in range(8):
            token[position] ^= 1 << bit
            with pytest.raises(TokenRefused):
                verifier.verify_warm(bytes(token))
            token[position] ^= 1 << bit
    assert verifier.verify_warm(bytes(token)) is not None


def test_sec_23_mutated_key_sets_end_in_keys_or_in_our_error(document: bytes) -> None:
    for chance in chances():
        try:
            keys = parse_key_set(mutated(chance, document)).keys
        except KeySourceUnavailable:
            continue
        assert all(key.algorithms for key in keys)
