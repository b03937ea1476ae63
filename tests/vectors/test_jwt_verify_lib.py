"""What the tests of jwt_verify_lib hold, the library that Envoy judges tokens by.

The extract has key sets, tokens and the verdict that is expected of each. Where we judge otherwise,
the reason stands here; every test of the extract is either run or named as one without data.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from gatepass.jwks.errors import KeySourceUnavailable, TokenFault, TokenRefused
from gatepass.jwks.jws import check_signature, parse_jws
from gatepass.jwks.keyset import parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from gatepass.jwks.token import parse_token
from support.tokens import AUDIENCE, ISSUER, signing_key
from support.verification import NOW, claims_at, published, verify

EXTRACT = Path(__file__).parents[3] / "shared" / "vectors" / "jwt_verify_lib" / "extracted.json"

NOT_ON_THE_CURVE: Final = "no point of Ed25519 has this y; the library looks only when it verifies"
SHORT_COORDINATE: Final = "a coordinate of P-521 with 65 octets; RFC 7518 section 6.2.1.3 wants 66"
NO_CURVE: Final = "`crv` is missing, which RFC 7518 section 6.2.1.1 requires"
NO_KEY_NAMED: Final = "no `kid`, and several keys of the algorithm: none of them is meant"
NO_SUCH_NAME: Final = "the token names a key, and none of the set has a name"
NO_KEY_SET: Final = "a key in PEM; only JWK sets are read"
SYMMETRIC: Final = "symmetric keys verify nothing here (SEC-05)"

REFUSED_THOUGH_GOOD: Final[Mapping[str, str]] = {
    "JwksParseTest.GoodOKP": NOT_ON_THE_CURVE,
    "JwksParseTest.JwksIgnoreUnsupportedKey": NOT_ON_THE_CURVE,
    "JwksParseTest.JwksECMatchAlgES512CrvP521": SHORT_COORDINATE,
    "JwksParseTest.JwksECMissingBothAlgCrvES256": NO_CURVE,
    "JwksParseTest.JwkECMissingCrv": NO_CURVE,
    "JwksParseTest.JwksECUnspecifiedCrv": NO_CURVE,
    "JwksParseTest.goodPEMRSA": NO_KEY_SET,
    "JwksParseTest.goodPEMEC": NO_KEY_SET,
    "JwksParseTest.goodPEMEd25519": NO_KEY_SET,
    "JwksParseTest.CreateFromPemPopulatesExpectedFields": NO_KEY_SET,
    "JwksParseTest.addKeyFromPemSuccess": NO_KEY_SET,
    "JwksParseTest.addKeyFromPemError": NO_KEY_SET,
    "VerifyJwkRsaTest.NoKidOK": NO_KEY_NAMED,
    "VerifyJwkRsaTest.NoKidLongExpOK": NO_KEY_NAMED,
    "VerifyJwkRsaTest.OkPublicKeyNotAlg": NO_KEY_NAMED,
    "VerifyJwkRsaTest.OkPublicKeyNotKid": NO_KEY_NAMED,
    "VerifyJwkECTest.KidES512OK": SHORT_COORDINATE,
    "VerifyJwkECTest.NoKidOK": NO_KEY_NAMED,
    "VerifyJwkECTest.PubkeyNoKidOK": NO_SUCH_NAME,
    "VerifyJwkOKPTest.NoKidOK": NO_KEY_NAMED,
    "VerifyJwkOKPTest.PubkeyNoKidOK": NO_SUCH_NAME,
    "VerifyJwkHmacTest.NoKidOK": SYMMETRIC,
    "VerifyJwkHmacTest.NoKidLongExpOK": SYMMETRIC,
    "VerifyJwkHmacTest.CorrectKidHS256OK": SYMMETRIC,
    "VerifyJwkHmacTest.CorrectKidHS384OK": SYMMETRIC,
    "VerifyJwkHmacTest.CorrectKidHS512OK": SYMMETRIC,
    "VerifyJwkHmacTest.OkSymmetricKeyNotAlg": SYMMETRIC,
    "VerifyJwkHmacTest.OkSymmetricKeyNotKid": SYMMETRIC,
    "VerifyExpTest.OnlyNbf": "a token must say when it ends (SEC-10)",
    "VerifyExpTest.NotTimeConstraint": "a token must say when it ends (SEC-10)",
}

PASSES_THOUGH_BAD: Final[Mapping[str, str]] = {
    "JwtParseTest.TestParsePayloadJtiNotString": "nothing here reads `jti`",
}

WITHOUT_DATA: Final = {
    # made up in C++, or X.509 certificates by name, which are no key set
    *("JwksParseTest.EmptyJwks", "JwksParseTest.JwksNoKeys", "JwksParseTest.JwksWrongKeys"),
    *("JwksParseTest.JwksGoodX509", "JwksParseTest.RealJwksX509"),
    *("JwtParseTest.TestEmptyJwt", "JwtParseTest.TestTooLargeJwt"),
    *("VerifyX509Test.NoKidToken", "VerifyX509Test.RealToken"),
    # its key stands in no string of the extract
    "VerifyKidMatchingTest.JwtTextWithNoKidOk",
}


CLAIM_TESTS: Final = re.compile(
    r"JwtParseTest\.TestParsePayload(?!Bad)(?!IssNot)|VerifyExpTest|VerifyAudTest"
)
"""The tests of what claims say; their payloads are signed anew, because we judge no others."""

TAKEN_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "VerifyExpTest.OnlyExp": ("nbf",),
    "VerifyExpTest.OnlyNbf": ("exp",),
    "VerifyExpTest.NotTimeConstraint": ("nbf", "exp"),
}
"""What the C++ takes out of its one payload."""

LEEWAY_SECONDS: Final = {"kClockSkewInSecond": 60, "kCustomClockSkew": 10}
FAULTS: Final = {
    "JwtExpired": TokenFault.EXPIRED,
    "JwtNotYetValid": TokenFault.NOT_YET_VALID,
    "JwtAudienceNotAllowed": TokenFault.BAD_AUDIENCE,
    "JwtPayloadParseErrorAudNotString": TokenFault.BAD_AUDIENCE,
}

Texts = Mapping[str, str]
Expected = list[tuple[str, str]]


def extract() -> Iterator[tuple[str, Texts, Expected]]:
    """Return the name of each test, its texts, and what is asked and expected in turn."""
    tests = json.loads(EXTRACT.read_text())["tests"] if EXTRACT.is_file() else []
    for test in tests:
        name = f"{test['suite']}.{test['name']}"
        if name not in WITHOUT_DATA:
            texts = test["fixture_strings"] | test["strings"]
            yield name, texts, [(asked, word) for asked, word in test["expect"]]


def cases(pattern: str, *, claims: bool = False) -> list[object]:
    return [
        pytest.param(*case, id=case[0])
        for case in extract()
        if re.match(pattern, case[0]) and bool(CLAIM_TESTS.match(case[0])) == claims
    ]


def must_pass(name: str, word: str) -> bool:
    if name in REFUSED_THOUGH_GOOD:
        assert word == "Ok"
        return False
    return word == "Ok"


def tokens(texts: Texts) -> list[str]:
    return [text for name, text in texts.items() if "jwt" in name.lower()]


def key_set(texts: Texts) -> bytes:
    """Return the key set of a test, without what the test takes out of it."""
    (text,) = (text for name, text in texts.items() if "Key" in name)
    for name, part in texts.items():
        if "_claim" in name:
            assert part in text
            text = text.replace(part, "")
    return text.encode()


def has_key(document: bytes) -> bool:
    try:
        return bool(parse_key_set(document).keys)
    except KeySourceUnavailable:
        return False


def verifies(token: str, document: bytes) -> bool:
    try:
        jws = parse_jws(token.encode(), DEFAULT_LIMITS)
        check_signature(jws, parse_key_set(document), ALGORITHMS)
    except TokenRefused:
        return False
    return True


def is_read(token: str) -> bool:
    try:
        parse_token(token.encode(), DEFAULT_LIMITS)
    except TokenRefused:
        return False
    return True


def payload_of(token: str) -> dict[str, object]:
    segment = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    assert isinstance(claims, dict)
    return claims


def fault_of(
    claims: Mapping[str, object], now: float, audience: str = AUDIENCE, leeway: int = 0
) -> TokenFault | None:
    """Sign the claims for ourselves and return why they are refused, None when they pass."""
    key = signing_key("EdDSA")
    rules = IssuerRules(ISSUER, frozenset({audience}), ALGORITHMS, leeway_seconds=leeway)
    try:
        verify(key.token({**claims, "iss": ISSUER}), rules, published(key), now)
    except TokenRefused as refused:
        return refused.fault
    return None


@pytest.mark.skipif(not EXTRACT.is_file(), reason="test_the_vectors_are_there says so")
def test_every_test_of_the_extract_has_its_place() -> None:
    everything = {f"{t['suite']}.{t['name']}" for t in json.loads(EXTRACT.read_text())["tests"]}
    run = {name for name, _texts, _expected in extract()}
    assert len(run) + len(WITHOUT_DATA) == len(everything) == 148
    assert everything >= {*REFUSED_THOUGH_GOOD, *PASSES_THOUGH_BAD, *WITHOUT_DATA, *TAKEN_OUT}


@pytest.mark.parametrize(("name", "texts", "expected"), cases("JwksParseTest"))
def test_sec_28_key_sets(name: str, texts: Texts, expected: Expected) -> None:
    for text in texts.values():
        assert has_key(text.encode()) == must_pass(name, expected[0][1])


@pytest.mark.parametrize(("name", "texts", "expected"), cases("JwtParseTest"))
def test_sec_06_tokens_are_read_strictly(name: str, texts: Texts, expected: Expected) -> None:
    for token in tokens(texts):
        assert is_read(token) == must_pass(name, expected[0][1])


@pytest.mark.parametrize(
    ("name", "texts", "expected"), cases("JwtParseTest.TestParsePayload", claims=True)
)
def test_sec_10_claims_have_their_types(name: str, texts: Texts, expected: Expected) -> None:
    (token,) = tokens(texts)
    claim = name.removeprefix("JwtParseTest.TestParsePayload")[:3].lower()
    value, word = payload_of(token)[claim], expected[0][1]
    fault = fault_of(claims_at(**{claim: value}), NOW)
    if word == "Ok" or name in PASSES_THOUGH_BAD:
        assert fault is None
    elif claim == "exp" and isinstance(value, int) and value < 0:
        assert fault is TokenFault.EXPIRED
    else:
        assert fault is FAULTS.get(word, TokenFault.BAD_CLAIM)


@pytest.mark.parametrize(("name", "texts", "expected"), cases("VerifyExpTest", claims=True))
def test_sec_11_times_end_with_the_leeway(name: str, texts: Texts, expected: Expected) -> None:
    (token,) = tokens(texts)
    claims = {"exp": None, "nbf": None, "iat": None} | payload_of(token)
    times = {"ExpTime": claims["exp"], "NbfTime": claims["nbf"], **LEEWAY_SECONDS}
    for claim in TAKEN_OUT.get(name, ()):
        claims[claim] = None
    leeway = LEEWAY_SECONDS["kCustomClockSkew" if "Custom" in name else "kClockSkewInSecond"]
    for asked, word in expected[1:]:
        now = moment(asked, times)
        fault = fault_of(claims, now, leeway=leeway)
        if name in REFUSED_THOUGH_GOOD:
            assert fault is TokenFault.BAD_CLAIM
        else:
            assert fault is FAULTS.get(word)


def moment(asked: str, values: Mapping[str, object]) -> float:
    """Return the time in `jwt.verifyTimeConstraint(ExpTime + kClockSkewInSecond - 10)`."""
    terms = re.findall(r"([+-]?) ?(\w+)", asked.partition("(")[2].partition(",")[0])
    return sum(
        (-1 if sign == "-" else 1) * int(str(values.get(word, word.rstrip("U"))))
        for sign, word in terms
    )


@pytest.mark.parametrize(("name", "texts", "expected"), cases("VerifyAudTest", claims=True))
def test_sec_12_audiences(name: str, texts: Texts, expected: Expected) -> None:
    (token,) = tokens(texts)
    payload = payload_of(token)
    assert payload["aud"] == ["aud1"]
    audience = "aud1" if name.endswith("Success") else "aud5"
    fault = fault_of(claims_at() | payload, NOW, audience)
    word = next(word for asked, word in expected if asked.startswith("verifyJwt"))
    assert fault is FAULTS.get(word)


@pytest.mark.parametrize(("name", "texts", "expected"), cases("VerifyJwkHmac"))
def test_sec_05_symmetric_tokens_are_not_even_read(
    name: str, texts: Texts, expected: Expected
) -> None:
    assert name in REFUSED_THOUGH_GOOD or expected[-1][1] != "Ok"
    assert not any(is_read(token) for token in tokens(texts))


@pytest.mark.parametrize(("name", "texts", "expected"), cases("Verify(?!JwkHmac)"))
def test_signatures(name: str, texts: Texts, expected: Expected) -> None:
    (token,), document = tokens(texts), key_set(texts)
    words = [word for asked, word in expected if asked.startswith("verifyJwt")]
    assert verifies(token, document) == must_pass(name, words[0])
    if "JwtVerificationFail" in words[1:]:
        start = token.rindex(".") + 1
        for place in range(start, len(token)):
            other = "B" if token[place] == "A" else "A"
            assert not verifies(token[:place] + other + token[place + 1 :], document)
    if "JwtEd25519SignatureWrongLength" in words:
        assert not verifies(token[:-4], document)
        assert not verifies(token + "AAAA", document)
