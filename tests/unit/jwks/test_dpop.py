"""Proofs as clients send them, and as thieves do (RFC 9449 sections 4.3 and 11)."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from gatepass.jwks.dpop import ProofChecker
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.proof_rules import ProofRules
from gatepass.jwks.replays import Proof
from gatepass.jwks.rules import ALGORITHMS, Binding
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.clock import ManualClock
from support.proofs import CLIENT_KEY, THIEF_KEY, URL, bound_to, proof_for, public_jwk, thumbprint
from support.tokens import SigningKey, b64, digest, signing_key
from support.verification import GOOD_RULES, NOW, claims_at, published, verify

RULES = ProofRules(external_urls=(URL,))
BOUND = dataclasses.replace(GOOD_RULES, dpop=Binding.OPTIONAL)
CHAT = "/v1/chat/completions"
JKT = thumbprint(CLIENT_KEY)


def bound_token(key: SigningKey = CLIENT_KEY, **claims: object) -> bytes:
    return signing_key().token(claims_at(cnf=bound_to(key), **claims))


TOKEN = bound_token()


def check(  # noqa: PLR0913 - the parts of a request
    proof: bytes,
    *,
    token: bytes = TOKEN,
    key: SigningKey = CLIENT_KEY,
    method: str = "POST",
    path: str = CHAT,
    rules: ProofRules = RULES,
) -> Proof:
    clock = ManualClock(NOW - 1000)
    judge = ProofChecker(rules, clock=clock)
    clock.advance(1000)
    return judge.check(proof, verify(token, BOUND), thumbprint(key), method, path)


def fault(proof: bytes, **request: object) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        check(proof, **request)  # type: ignore[arg-type]
    return refused.value.fault


def proof(
    key: SigningKey = CLIENT_KEY,
    header: Mapping[str, object] | None = None,
    token: bytes = TOKEN,
    **changes: object,
) -> bytes:
    return proof_for(token, key, header, **({"iat": NOW} | changes))


def test_the_example_of_rfc_9449_section_7_1() -> None:
    example = (
        b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0"
        b"VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10"
        b"NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjo"
        b"iR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI"
        b"6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2o"
        b"W9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    )
    made_at = 1_562_262_618
    jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    opaque = digest(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU")
    described = signing_key().token(claims_at(made_at, cnf={"jkt": jkt}))
    parsed = parse_token(described, DEFAULT_LIMITS)
    token = verify_token(parsed, BOUND, published(), made_at, opaque)
    assert token.confirmation is not None
    assert token.confirmation.key is not None
    clock = ManualClock(made_at)
    judge = ProofChecker(ProofRules(("https://resource.example.org",)), clock=clock)
    found = judge.check(example, token, token.confirmation.key, "GET", "/protectedresource")
    judge.use(found)
    with pytest.raises(TokenRefused) as refused:
        judge.use(found)
    assert refused.value.fault is TokenFault.PROOF_REPLAYED


_names = itertools.count()


def _named(_changes: object) -> str:
    """Name a case by its number: what is in it is made anew for each run."""
    return str(next(_names))


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_good_proof_by_every_algorithm(algorithm: str) -> None:
    key = signing_key(algorithm, f"client-{algorithm}")
    token = bound_token(key)
    found = check(proof(key, token=token), token=token, key=key)
    assert (found.issued_at, found.sender) == (NOW, ("https://idp.example", "user-1"))


def test_two_proofs_differ_by_jti_and_by_key() -> None:
    one = check(proof(jti="a"))
    assert one.name == check(proof(jti="a", iat=NOW - 1)).name
    assert one.name != check(proof(jti="b")).name
    token = bound_token(THIEF_KEY)
    other = check(proof(THIEF_KEY, token=token, jti="a"), token=token, key=THIEF_KEY)
    assert one.name != other.name
    assert check(proof(jti="\ud800")).name != one.name


def test_sec_03_a_proof_of_another_key_is_refused_before_the_key_is_used() -> None:
    assert fault(proof(THIEF_KEY)) is TokenFault.PROOF_KEY
    # the client's key shown, the thief's used
    forged = proof(THIEF_KEY, {"jwk": public_jwk(CLIENT_KEY)})
    assert fault(forged) is TokenFault.BAD_PROOF
    # a broken key is not even read while it is not the one
    weak = {"jwk": public_jwk(THIEF_KEY) | {"x": "AA"}}
    assert fault(proof(THIEF_KEY, weak)) is TokenFault.PROOF_KEY


def test_a_key_that_was_read_before_is_still_compared() -> None:
    clock = ManualClock(NOW)
    judge = ProofChecker(RULES, clock=clock)
    mine = verify(TOKEN, BOUND)
    judge.check(proof(), mine, JKT, "POST", CHAT)
    judge.check(proof(), mine, JKT, "POST", CHAT)
    with pytest.raises(TokenRefused) as refused:
        judge.check(proof(), mine, thumbprint(THIEF_KEY), "POST", CHAT)
    assert refused.value.fault is TokenFault.PROOF_KEY


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": None},
        {"typ": 1},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": None},
        {"jwk": None},
        {"jwk": "key"},
        {"jwk": [public_jwk(CLIENT_KEY)]},
        {"jwk": {"kty": "oct", "k": "c2VjcmV0"}},
        {"jwk": {}},
        {"jwk": public_jwk(CLIENT_KEY) | {"d": "AAAA"}},
        {"jwk": public_jwk(CLIENT_KEY) | {"use": "enc"}},
        {"jwk": public_jwk(CLIENT_KEY) | {"key_ops": ["sign"]}},
        {"jwk": public_jwk(CLIENT_KEY) | {"alg": "ES384"}},
        {"crit": ["exp"]},
        {"b64": False},
        {"zip": "DEF"},
        {"cty": "JWT"},
    ],
    ids=_named,
)
def test_sec_01_02_04_05_30_a_header_that_no_proof_has(header: Mapping[str, object]) -> None:
    assert fault(proof(header=header)) is TokenFault.BAD_PROOF


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"x",
        b"a.b",
        b"..",
        TOKEN,
        proof() + b"=",
        proof()[:-8] + b"AAAAAAAA",
        proof() + b"," + proof(),
        b" " + proof(),
        b"\xff" + proof(),
        b"A" * 20_000,
        CLIENT_KEY.token(b"[]", {"typ": "dpop+jwt", "jwk": public_jwk(CLIENT_KEY)}),
        CLIENT_KEY.token(b'{"a":1,"a":2}', {"typ": "dpop+jwt", "jwk": public_jwk(CLIENT_KEY)}),
        proof()[:-4],
    ],
)
def test_sec_06_08_09_a_proof_is_as_strict_as_a_token(spoiled: bytes) -> None:
    assert fault(spoiled) is TokenFault.BAD_PROOF


def test_an_algorithm_that_is_not_accepted() -> None:
    rules = dataclasses.replace(RULES, algorithms=frozenset({"EdDSA"}))
    assert fault(proof(), rules=rules) is TokenFault.BAD_PROOF
    assert ProofChecker(rules).algorithms == {"EdDSA"}


@pytest.mark.parametrize(
    "changes",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"iat": None},
        {"iat": str(NOW)},
        {"iat": True},
        {"iat": 2.0**54},
    ],
    ids=_named,
)
def test_claims_that_every_proof_has(changes: dict[str, Any]) -> None:
    assert fault(proof(**changes)) is TokenFault.BAD_PROOF


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": ["POST"]},
        {"htu": None},
        {"htu": 1},
        {"htu": f"{URL}/v1/embeddings"},
        {"htu": f"{URL}/v1/chat/completions/"},
        {"htu": f"{URL}/v1/Chat/completions"},
        {"htu": f"{URL}/v1/chat%2Fcompletions"},
        {"htu": "https://evil.example.com/v1/chat/completions"},
        {"htu": "http://llm.example.com/v1/chat/completions"},
        {"htu": "https://llm.example.com:8443/v1/chat/completions"},
        {"htu": "https://user@llm.example.com/v1/chat/completions"},
        {"htu": "https://llm.example.com.evil/v1/chat/completions"},
        {"htu": "/v1/chat/completions"},
        {"htu": ""},
        {"ath": None},
        {"ath": 1},
        {"ath": ""},
        {"ath": "\u00e9"},
        {"ath": "!"},
        {"ath": b64(digest(b"another token"))},
        {"ath": b64(digest(TOKEN)) + "="},
    ],
    ids=_named,
)
def test_a_proof_for_another_request_or_token(changes: dict[str, Any]) -> None:
    assert fault(proof(**changes)) is TokenFault.PROOF_MISMATCH


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}/v1/chat/completions?x=1",
        f"{URL}/v1/chat/completions#there",
        "HTTPS://LLM.Example.COM/v1/chat/completions",
        "https://llm.example.com:443/v1/chat/completions",
    ],
)
def test_one_url_in_other_words(url: str) -> None:
    check(proof(htu=url))


def test_every_address_of_ours_counts_with_what_stands_before_the_path() -> None:
    rules = ProofRules(("https://a.example/eu/", "http://127.0.0.1:8080", "https://[::1]:8443"))
    for url in ("https://a.example/eu/v1", "http://127.0.0.1:8080/v1", "https://[::1]:8443/v1"):
        check(proof(htu=url), path="/v1", rules=rules)
    for url in ("https://a.example/v1", "http://127.0.0.1/v1", "https://a.example/eu//v1"):
        assert fault(proof(htu=url), path="/v1", rules=rules) is TokenFault.PROOF_MISMATCH
    check(proof(htu="https://a.example"), path="/", rules=ProofRules(("https://a.example",)))


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (0, True),
        (60, True),
        (60.5, False),
        (-10, True),
        (-10.5, False),
        (10**9, False),
        (2 * NOW, False),
    ],
)
def test_a_proof_was_made_lately(age: float, *, good: bool) -> None:
    made = proof(iat=NOW - age)
    if good:
        assert check(made).issued_at == NOW - age
    else:
        assert fault(made) is TokenFault.PROOF_STALE


def test_a_proof_from_before_the_start_may_have_been_used_then() -> None:
    clock = ManualClock(NOW)
    judge = ProofChecker(RULES, clock=clock)
    token = verify(TOKEN, BOUND)
    with pytest.raises(TokenRefused) as refused:
        judge.check(proof(iat=NOW - 1), token, JKT, "POST", CHAT)
    assert refused.value.fault is TokenFault.PROOF_STALE
    judge.check(proof(iat=NOW), token, JKT, "POST", CHAT)


def used_proof(judge: ProofChecker, token: VerifiedToken) -> Proof:
    found = judge.check(proof(jti="once"), token, JKT, "POST", CHAT)
    judge.use(found)
    return found


def test_new_settings_make_no_used_proof_good_again() -> None:
    clock = ManualClock(NOW)
    token = verify(TOKEN, BOUND)
    old = ProofChecker(RULES, clock=clock)
    found = used_proof(old, token)
    clock.advance(5)
    new = ProofChecker(dataclasses.replace(RULES, max_age_seconds=300), clock=clock)
    new.inherit(old)
    assert new.check(proof(jti="once"), token, JKT, "POST", CHAT) == found
    with pytest.raises(TokenRefused):
        new.use(found)
    late = new.check(proof(jti="late"), token, JKT, "POST", CHAT)
    old.use(late)  # a request that was under way under the old settings
    with pytest.raises(TokenRefused):
        new.use(late)
    clock.advance(100)
    newest = ProofChecker(dataclasses.replace(RULES, max_age_seconds=300), clock=clock)
    newest.inherit(new)
    newest.check(proof(iat=NOW), token, JKT, "POST", CHAT)


def test_many_keys_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepass.jwks.dpop._MAX_KEYS", 1)
    clock = ManualClock(NOW)
    judge = ProofChecker(RULES, clock=clock)
    for key in (CLIENT_KEY, THIEF_KEY, CLIENT_KEY):
        token = bound_token(key)
        judge.check(proof(key, token=token), verify(token, BOUND), thumbprint(key), "POST", CHAT)
