import copy
import json
from dataclasses import replace

import msgspec
import pytest

from gatepass.jwks.errors import GatepassError, TokenFault, TokenRefused
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.tokens import AUDIENCE, ISSUER, b64, base_claims, digest, signing_key
from support.verification import GOOD_RULES, NOW, claims_at, published, verified, verify

RSA = signing_key("RS256")
STRANGER = signing_key("RS256", "stranger")


def fault_of(token: bytes, rules: IssuerRules = GOOD_RULES) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        verify(token, rules)
    return refused.value.fault


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_good_token_is_verified(algorithm: str) -> None:
    signer = signing_key(algorithm)
    token = signer.token(claims_at(roles=["a"]))
    keys = published(signer)
    seen = verify(token, keys=keys)
    assert (seen.issuer, seen.subject, seen.expires_at) == (ISSUER, "user-1", NOW + 300)
    assert seen.claims == base_claims() | claims_at(roles=["a"])
    assert seen.key_set is keys
    assert seen.digest == digest(token)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"typ": "jwt"}, id="type-in-lower-case"),
        pytest.param({"typ": "application/at+jwt"}, id="type-with-prefix"),
        pytest.param({"typ": None}, id="no-type"),
        pytest.param({"kid": None}, id="no-name-of-a-key"),
        pytest.param({"nonce": "abc", "x5t": "dGVzdA", "cty": "json"}, id="more-members"),
    ],
)
def test_headers_as_issuers_write_them_pass(header: dict[str, object]) -> None:
    assert verify(RSA.token(claims_at(), header)).subject == "user-1"


@pytest.mark.parametrize("issuer", [None, 1, True, {"https://idp.example": 1}, [ISSUER]])
def test_sec_14_an_issuer_is_a_string(issuer: object) -> None:
    token = RSA.token(json.dumps(base_claims() | claims_at(iss=issuer)).encode())
    with pytest.raises(TokenRefused) as refused:
        parse_token(token, DEFAULT_LIMITS)
    assert refused.value.fault is TokenFault.BAD_ISSUER


def test_sec_14_a_missing_issuer_is_refused() -> None:
    with pytest.raises(TokenRefused) as refused:
        parse_token(RSA.token(claims_at(iss=None)), DEFAULT_LIMITS)
    assert refused.value.fault is TokenFault.BAD_ISSUER


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "https://idp.example/",
        "https://idp.example.evil",
        "http://idp.example",
        "https://IDP.example",
        "https://idp.exampl",
        " https://idp.example",
        "\ud800",
    ],
)
def test_sec_14_an_issuer_is_compared_exactly(issuer: str) -> None:
    token = RSA.token(claims_at(iss=issuer))
    assert parse_token(token, DEFAULT_LIMITS).claimed_issuer == issuer
    assert fault_of(token) is TokenFault.BAD_ISSUER


def test_sec_16_a_key_of_another_issuer_does_not_count() -> None:
    ours = replace(GOOD_RULES, issuer="https://other.example")
    same_name = signing_key("RS256", "shared name")
    other = replace(signing_key("RS256", "another"), kid="shared name")
    token = same_name.token(claims_at(iss="https://other.example"))
    assert verify(token, ours, published(same_name)).issuer == "https://other.example"
    with pytest.raises(TokenRefused) as refused:
        verify(token, ours, published(other))
    assert refused.value.fault is TokenFault.BAD_SIGNATURE
    with pytest.raises(TokenRefused) as refused:
        verify(token, GOOD_RULES, published(same_name))
    assert refused.value.fault is TokenFault.BAD_ISSUER


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[1]", id="array"),
        pytest.param(b"foo", id="not-json"),
        pytest.param(json.dumps(base_claims()).encode() + b" {}", id="garbage-behind"),
        pytest.param(json.dumps(base_claims()).encode("utf-16"), id="utf-16"),
        pytest.param(b'{"sub": "admin", "sub": "user-1"}', id="duplicate"),
        pytest.param(b'{"sub": "user-1", "\\u0073ub": "admin"}', id="duplicate-escaped"),
        pytest.param(b'{"exp": NaN}', id="nan"),
        pytest.param(b'{"exp": 1e400}', id="overflow"),
        pytest.param(b'{"x": ' + b"[" * 8000, id="deep"),
    ],
)
def test_sec_08_a_payload_is_a_strict_json_object(payload: bytes) -> None:
    assert fault_of(RSA.token(payload)) is TokenFault.MALFORMED


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"exp": NOW}, TokenFault.EXPIRED),
        ({"exp": None}, TokenFault.BAD_CLAIM),
        ({"nbf": NOW + 600}, TokenFault.NOT_YET_VALID),
        ({"iat": NOW + 600}, TokenFault.NOT_YET_VALID),
        ({"aud": "other"}, TokenFault.BAD_AUDIENCE),
        ({"sub": "a\nb"}, TokenFault.BAD_CLAIM),
        ({"events": {}}, TokenFault.WRONG_TOKEN_TYPE),
    ],
)
def test_sec_19_a_claim_is_judged_only_after_the_signature(
    claims: dict[str, object], fault: TokenFault
) -> None:
    assert fault_of(RSA.token(claims_at(**claims))) is fault
    forged = STRANGER.token(claims_at(**claims), {"kid": RSA.kid})
    assert fault_of(forged) is TokenFault.BAD_SIGNATURE
    assert fault_of(STRANGER.token(claims_at(**claims))) is TokenFault.UNKNOWN_KEY


def test_sec_19_a_type_is_judged_only_after_the_signature() -> None:
    header = {"typ": "logout+jwt", "kid": RSA.kid}
    assert fault_of(RSA.token(claims_at(), header)) is TokenFault.WRONG_TOKEN_TYPE
    assert fault_of(STRANGER.token(claims_at(), header)) is TokenFault.BAD_SIGNATURE


def test_sec_01_an_algorithm_that_the_issuer_does_not_use_is_refused() -> None:
    rules = replace(GOOD_RULES, algorithms=frozenset({"ES256"}))
    assert fault_of(RSA.token(claims_at()), rules) is TokenFault.UNSUPPORTED_ALG


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_sec_03_a_key_that_a_token_brings_along_is_not_used(name: str) -> None:
    header = {name: STRANGER.jwk()}
    assert fault_of(STRANGER.token(claims_at(), header)) is TokenFault.UNKNOWN_KEY
    named = STRANGER.token(claims_at(), header | {"kid": RSA.kid})
    assert fault_of(named) is TokenFault.BAD_SIGNATURE


def swapped(position: int, document: dict[str, object]) -> bytes:
    segments = RSA.token(claims_at()).split(b".")
    segments[position] = b64(json.dumps(document).encode()).encode()
    return b".".join(segments)


def test_a_header_or_payload_under_another_signature_is_refused() -> None:
    header = {"alg": "RS256", "kid": RSA.kid, "typ": "JWT", "x": 1}
    assert fault_of(swapped(0, header)) is TokenFault.BAD_SIGNATURE
    claims = base_claims() | claims_at(sub="admin")
    assert fault_of(swapped(1, claims)) is TokenFault.BAD_SIGNATURE


def padded_token() -> bytes:
    """Return a token as AWS load balancers sign it, with padding in every segment."""
    header = json.dumps({"alg": "ES256", "kid": "key-ES256"}).encode()
    payload = json.dumps(base_claims() | claims_at()).encode()
    header += b" " * (-len(header) % 3 + 1)
    payload += b" " * (-len(payload) % 3 + 2)
    segments = [b64(part).encode() for part in (header, payload)]
    signing_input = b".".join(part + b"=" * (-len(part) % 4) for part in segments)
    signature = b64(signing_key("ES256").sign(signing_input)).encode()
    return signing_input + b"." + signature + b"=="


def test_sec_07_padding_is_refused_unless_the_issuer_may() -> None:
    token, keys = padded_token(), published(signing_key("ES256"))
    assert token.count(b"=") == 5
    lenient = replace(GOOD_RULES, allow_padding=True)
    assert verify(token, lenient, keys).subject == "user-1"
    with pytest.raises(TokenRefused) as refused:
        verify(token, GOOD_RULES, keys)
    assert refused.value.fault is TokenFault.MALFORMED


def test_sec_07_the_permission_of_one_issuer_is_not_that_of_another() -> None:
    parsed = parse_token(padded_token(), DEFAULT_LIMITS, allow_padding=True)
    with pytest.raises(TokenRefused) as refused:
        verify_token(parsed, GOOD_RULES, published(signing_key("ES256")), NOW, b"")
    assert refused.value.fault is TokenFault.MALFORMED


def test_limits_are_those_of_the_caller() -> None:
    short = Limits(max_subject_chars=5)
    with pytest.raises(TokenRefused) as refused:
        verify(RSA.token(claims_at()), limits=short)
    assert refused.value.fault is TokenFault.BAD_CLAIM
    assert verify(RSA.token(claims_at(sub="a")), limits=short).subject == "a"
    with pytest.raises(TokenRefused) as refused:
        verify(RSA.token(claims_at()), limits=Limits(max_token_bytes=100))
    assert refused.value.fault is TokenFault.TOO_LARGE


def test_a_parsed_token_tells_what_choosing_a_key_needs() -> None:
    parsed = parse_token(RSA.token(claims_at()), DEFAULT_LIMITS, headers=HeaderCache())
    assert (parsed.kid, parsed.claimed_issuer) == (RSA.kid, ISSUER)


def test_only_verification_makes_verified_tokens() -> None:
    seen = verified()
    fields = (
        *(seen.issuer, seen.trust, "admin", seen.expires_at),
        *(seen.payload, seen.key_set, seen.digest, seen.confirmation),
    )
    with pytest.raises(TypeError):
        VerifiedToken(*fields)  # type: ignore[call-arg]
    for seal in (None, object(), True, seen._seal):
        with pytest.raises(TypeError):
            VerifiedToken(*fields, seal)
    with pytest.raises(TypeError):
        msgspec.structs.replace(seen, subject="admin")


def test_a_verified_token_does_not_change() -> None:
    seen = verified()
    with pytest.raises(AttributeError):
        seen.subject = "admin"  # type: ignore[misc]
    with pytest.raises(TypeError):
        seen.claims["sub"] = "admin"  # type: ignore[index]
    assert seen != copy.copy(seen)


def test_the_claims_are_those_of_the_payload() -> None:
    claims = base_claims() | claims_at(lone="\ud800", large=10**30, deep=[[["\u00eb"]]])
    spaced = json.dumps(claims, indent=1).encode()
    for token in (RSA.token(claims), RSA.token(spaced)):
        seen = verify(token)
        assert seen.claims == claims
        assert seen.claims == seen.claims


def test_sec_60_nothing_of_a_token_shows() -> None:
    token = RSA.token(claims_at(sub="canary"), {"typ": None, "x": "canary"})
    parsed = parse_token(token, DEFAULT_LIMITS)
    shown = repr(parsed) + str(parsed) + repr(parsed.jws) + repr(parsed.jws.header)
    seen = verify(token)
    shown += repr(seen) + str(seen) + repr(seen.key_set)
    assert "canary" not in shown
    assert ISSUER not in shown
    assert RSA.kid not in shown


@pytest.mark.parametrize(
    "token",
    [
        RSA.token(claims_at(sub="canary\n")),
        RSA.token(claims_at(iss="canary")),
        RSA.token(claims_at(aud="canary")),
        RSA.token(claims_at(), {"kid": "canary"}),
        RSA.token(claims_at(), {"typ": "canary"}),
        RSA.token(claims_at(), {"alg": "canary"}),
        RSA.token(b'{"canary": canary}'),
        RSA.token(b'{"canary": "\xff"}'),
        b"canary",
    ],
)
def test_sec_60_a_refusal_repeats_nothing(token: bytes) -> None:
    with pytest.raises(GatepassError) as refused:
        verify(token)
    assert "canary" not in repr(refused.value) + str(refused.value)
    assert AUDIENCE not in str(refused.value)
