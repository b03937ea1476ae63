"""What must hold for every token, not only for those that somebody thought of."""

import json
import random
import string
from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.jwks.encoding import decode_segment
from gatepass.jwks.errors import KeySourceUnavailable, TokenRefused
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.keyset import KeySet, parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.json_values import is_lax, json_values
from support.soak import examples
from support.tokens import b64, digest, signing_key
from support.verification import GOOD_RULES, NOW, claims_at, published, verify

ALGORITHMS = ("RS256", "PS256", "ES256", "ES512", "EdDSA")
ALPHABET = string.ascii_letters + string.digits + "-_"


@cache
def all_keys() -> KeySet:
    return published(*(signing_key(algorithm) for algorithm in ALGORITHMS))


@cache
def good_token(algorithm: str) -> bytes:
    return signing_key(algorithm).token(claims_at(roles=["a", "b"], name="Zo\u00eb"))


tokens = st.sampled_from(ALGORITHMS).map(good_token)


def must_refuse(token: bytes) -> None:
    """Verify as a verifier that remembers the headers of the good tokens."""
    with pytest.raises(TokenRefused):
        _verify(token)


def _verify(token: bytes) -> VerifiedToken:
    parsed = parse_token(token, DEFAULT_LIMITS, headers=known_headers())
    return verify_token(parsed, GOOD_RULES, all_keys(), NOW, digest(token))


@cache
def known_headers() -> HeaderCache:
    headers = HeaderCache()
    for algorithm in ALGORITHMS:
        parse_token(good_token(algorithm), DEFAULT_LIMITS, headers=headers)
    return headers


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_tokens_that_are_changed_here_are_good(algorithm: str) -> None:
    assert verify(good_token(algorithm), keys=all_keys()).subject == "user-1"


@given(tokens, st.data())
def test_sec_06_a_token_with_any_other_octet_is_refused(token: bytes, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(token) - 1))
    octet = data.draw(st.integers(0, 255).filter(lambda octet: octet != token[position]))
    must_refuse(token[:position] + bytes([octet]) + token[position + 1 :])


@given(tokens, st.data(), st.binary(min_size=1, max_size=4))
def test_sec_06_a_token_with_anything_added_is_refused(
    token: bytes, data: st.DataObject, added: bytes
) -> None:
    position = data.draw(st.integers(0, len(token)))
    must_refuse(token[:position] + added + token[position:])


@given(tokens, st.data())
def test_sec_06_a_token_with_anything_missing_is_refused(token: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(token) - 1))
    end = data.draw(st.integers(start + 1, len(token)))
    must_refuse(token[:start] + token[end:])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_sec_06_every_last_character_has_one_spelling(algorithm: str, position: int) -> None:
    segments = good_token(algorithm).split(b".")
    original = segments[position]
    for last in ALPHABET.encode():
        if last != original[-1]:
            segments[position] = original[:-1] + bytes([last])
            must_refuse(b".".join(segments))


@given(st.binary(max_size=200))
def test_encoding_and_decoding_are_inverse(octets: bytes) -> None:
    segment = b64(octets).encode()
    assert decode_segment(segment) == octets
    assert decode_segment(segment, allow_padding=True) == octets
    padded = segment + b"=" * (-len(segment) % 4)
    assert decode_segment(padded, allow_padding=True) == octets


@given(st.text(ALPHABET, max_size=40))
def test_sec_06_what_decodes_is_the_one_spelling_of_its_octets(text: str) -> None:
    try:
        octets = decode_segment(text.encode())
    except TokenRefused:
        return
    assert b64(octets) == text


def fuzzed(seed: int) -> bytes:
    """Return something that looks more or less like a token."""
    chance = random.Random(seed)  # noqa: S311 - the same inputs in every run
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(400))
    if kind == 1:
        return b".".join(b64(chance.randbytes(chance.randrange(90))).encode() for _ in range(3))
    token = good_token(chance.choice(ALGORITHMS))
    segments = token.split(b".")
    position = chance.randrange(2)
    octets = bytearray(decode_segment(segments[position]))
    for _ in range(chance.randrange(1, 4)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)
    segments[position] = b64(bytes(octets)).encode()
    if kind == 2:  # signed, so that the claims are judged too
        signing_input = b".".join(segments[:2])
        return signing_input + b"." + b64(signing_key("EdDSA").sign(signing_input)).encode()
    return b".".join(segments)


def judge(octets: bytes) -> None:
    """Verify whatever this is; an error that is not ours fails the test."""
    with suppress(TokenRefused):
        verify(octets, keys=all_keys())


@given(st.binary(max_size=300))
def test_sec_18_random_octets_are_refused_by_our_own_error(octets: bytes) -> None:
    must_refuse(octets)


def test_sec_18_what_looks_like_a_token_never_crashes() -> None:
    for seed in range(examples(2_500)):
        judge(fuzzed(seed))


claim_names = st.sampled_from(
    ["iss", "sub", "aud", "exp", "nbf", "iat", "typ", "events", "nonce", "at_hash"]
)
header_names = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip", "cty", "jwk", "x"])
jwk_names = st.sampled_from(["kty", "kid", "use", "key_ops", "alg", "crv", "n", "e", "x", "y"])


@given(st.dictionaries(claim_names, json_values, min_size=1))
def test_sec_18_signed_claims_of_any_kind_never_crash(claims: dict[str, object]) -> None:
    judge(signing_key("EdDSA").token(claims_at(**claims)))


@given(st.dictionaries(header_names, json_values, min_size=1))
def test_sec_18_signed_headers_of_any_kind_never_crash(header: dict[str, object]) -> None:
    judge(signing_key("EdDSA").token(claims_at(), header))


@given(
    st.sampled_from(ALGORITHMS),
    st.dictionaries(jwk_names, json_values | st.text(ALPHABET, max_size=44), min_size=1),
)
def test_sec_29_members_of_any_kind_never_spoil_a_key_set(
    algorithm: str, changes: dict[str, object]
) -> None:
    healthy = signing_key("RS256", "healthy")
    strange = signing_key(algorithm).jwk() | changes
    document = json.dumps({"keys": [strange, healthy.jwk()]})
    if is_lax(document):  # spoils the whole document
        with pytest.raises(KeySourceUnavailable):
            parse_key_set(document.encode())
        return
    keys = parse_key_set(document.encode())
    assert len(keys.keys) + sum(keys.skipped.values()) == 2
    if changes.get("kid") != "healthy":
        assert keys.select("healthy", "RS256").key_type == "RSA"
