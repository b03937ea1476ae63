import json
from dataclasses import FrozenInstanceError

import pytest

from gatepass.jwks.errors import KeySourceUnavailable, TokenFault, TokenRefused
from gatepass.jwks.faults import KeyFault, KeyRemark
from gatepass.jwks.keyset import (
    NO_KEYS,
    NOT_JSON,
    TOO_LARGE,
    TOO_MANY_KEYS,
    KeySet,
    parse_key_set,
)
from gatepass.jwks.limits import Limits
from support.tokens import b64_int, key_set, signing_key

RSA, OTHER_RSA = signing_key("RS256", "rsa"), signing_key("RS256", "other-rsa")
EC, ED = signing_key("ES256", "ec"), signing_key("EdDSA", "ed")
WEAK: dict[str, object] = {"n": b64_int((1 << 1024) - 159)}


def set_of(*jwks: object) -> KeySet:
    return parse_key_set(json.dumps({"keys": jwks}).encode())


def fault_of(keys: KeySet, kid: str | None, algorithm: str = "RS256") -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        keys.select(kid, algorithm)
    return refused.value.fault


def test_a_key_is_found_by_its_name_and_algorithm() -> None:
    keys = parse_key_set(key_set(RSA, OTHER_RSA, EC, ED))
    assert [key.kid for key in keys.keys] == ["rsa", "other-rsa", "ec", "ed"]
    assert keys.skipped == {}
    assert keys.remarks == {}
    for signer in (RSA, OTHER_RSA, EC, ED):
        key = keys.select(signer.kid, signer.algorithm)
        assert key.verify(signer.algorithm, b"x", signer.sign(b"x"))


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [
        pytest.param("nope", "RS256", id="unknown"),
        pytest.param("RSA", "RS256", id="other-case"),
        pytest.param("", "RS256", id="empty"),
        pytest.param("rsa\0", "RS256", id="nul"),
        pytest.param("\ud800", "RS256", id="lone-surrogate"),
        pytest.param("x' UNION SELECT 'AAAA'--", "RS256", id="sql"),
        pytest.param("rsa", "ES256", id="rsa-key-for-ec"),
        pytest.param("ec", "RS256", id="ec-key-for-rsa"),
        pytest.param("ec", "ES384", id="another-curve"),
        pytest.param("rsa", "PS256", id="not-the-keys-alg"),
        pytest.param("rsa", "HS256", id="symmetric"),
    ],
)
def test_sec_02_a_name_without_a_fitting_key_is_refused(kid: str, algorithm: str) -> None:
    assert fault_of(parse_key_set(key_set(RSA, EC)), kid, algorithm) is TokenFault.UNKNOWN_KEY


def test_a_token_without_a_name_passes_only_if_one_key_fits() -> None:
    one = parse_key_set(key_set(RSA, EC))
    assert one.select(None, "RS256").kid == "rsa"
    assert one.select(None, "ES256").kid == "ec"
    assert fault_of(one, None, "PS256") is TokenFault.UNKNOWN_KEY
    two = set_of(RSA.jwk(), OTHER_RSA.jwk(kid=None), EC.jwk())
    assert fault_of(two, None) is TokenFault.UNKNOWN_KEY
    assert two.select(None, "ES256").kid == "ec"


def test_a_key_without_a_name_serves_only_tokens_without_one() -> None:
    keys = set_of(RSA.jwk(kid=None), EC.jwk())
    assert keys.select(None, "RS256").kid is None
    assert fault_of(keys, "rsa") is TokenFault.UNKNOWN_KEY
    assert fault_of(keys, "") is TokenFault.UNKNOWN_KEY


def test_several_keys_without_a_name_are_not_duplicates() -> None:
    keys = set_of(RSA.jwk(kid=None), RSA.jwk(kid=None, alg="PS256"))
    assert len(keys.keys) == 2
    assert keys.select(None, "PS256").algorithms == {"PS256"}


def test_an_empty_name_is_a_name() -> None:
    keys = set_of(RSA.jwk(kid=""), OTHER_RSA.jwk())
    assert keys.select("", "RS256").kid == ""
    assert fault_of(keys, None) is TokenFault.UNKNOWN_KEY


BROKEN = [
    ("x", KeyFault.NOT_AN_OBJECT),
    (None, KeyFault.NOT_AN_OBJECT),
    ({"kid": "z"}, KeyFault.UNSUPPORTED),
    ({"kty": "oct", "kid": "z"}, KeyFault.SYMMETRIC),
    ({"kty": ["RSA"], "kid": "z"}, KeyFault.UNSUPPORTED),
    ({"kty": "RSA", "kid": ["z"], "n": "AQAB", "e": "AQAB"}, KeyFault.BAD_KID),
    (RSA.jwk(kid="z", n=1), KeyFault.MALFORMED),
    (RSA.jwk(kid="z", use="enc"), KeyFault.NOT_FOR_SIGNATURES),
    (RSA.jwk(kid="z", d="AQAB"), KeyFault.PRIVATE),
    (RSA.jwk(kid="z", **WEAK), KeyFault.WEAK),
    (EC.jwk(kid="z", x="!!", y="!!"), KeyFault.MALFORMED),
    (EC.jwk(kid="z", crv="brainpoolP256r1"), KeyFault.UNSUPPORTED),
]


@pytest.mark.parametrize(("member", "fault"), BROKEN)
def test_sec_29_a_broken_member_is_counted_and_the_others_work(
    member: object, fault: KeyFault
) -> None:
    keys = set_of(member, RSA.jwk())
    assert keys.select("rsa", "RS256").kid == "rsa"
    assert keys.select(None, "RS256").kid == "rsa"
    assert keys.skipped == {fault: 1}


def test_sec_29_every_fault_is_counted() -> None:
    keys = set_of(*(member for member, _ in BROKEN))
    assert keys.keys == ()
    assert sum(keys.skipped.values()) == len(BROKEN)
    assert keys.skipped[KeyFault.NOT_AN_OBJECT] == 2


@pytest.mark.parametrize(
    ("jwk", "algorithm", "fault"),
    [
        (RSA.jwk(**WEAK), "RS256", TokenFault.WEAK_KEY),
        (RSA.jwk(d="AQAB"), "RS256", TokenFault.WEAK_KEY),
        ({"kty": "oct", "kid": "rsa", "k": "AQAB"}, "RS256", TokenFault.WEAK_KEY),
        (RSA.jwk(use="enc"), "RS256", TokenFault.UNKNOWN_KEY),
        (RSA.jwk(n="!"), "RS256", TokenFault.UNKNOWN_KEY),
        (RSA.jwk(kty="DSA"), "RS256", TokenFault.UNKNOWN_KEY),
    ],
)
def test_sec_28_the_name_of_an_unsafe_key_says_so(
    jwk: dict[str, object], algorithm: str, fault: TokenFault
) -> None:
    keys = set_of(jwk, OTHER_RSA.jwk())
    assert fault_of(keys, "rsa", algorithm) is fault
    assert keys.names("rsa")


def test_an_unsafe_key_without_a_name_does_not_speak_for_others() -> None:
    keys = set_of(RSA.jwk(kid=None, **WEAK), EC.jwk())
    assert fault_of(keys, None) is TokenFault.UNKNOWN_KEY


def test_an_unsafe_key_does_not_take_the_name_of_a_key_of_another_type() -> None:
    keys = set_of(RSA.jwk(kid="a", **WEAK), EC.jwk(kid="a"))
    assert keys.select("a", "ES256").key_type == "EC"
    assert fault_of(keys, "a") is TokenFault.WEAK_KEY


@pytest.mark.parametrize(
    "jwks",
    [
        pytest.param([RSA.jwk(kid="a"), OTHER_RSA.jwk(kid="a")], id="two"),
        pytest.param([OTHER_RSA.jwk(kid="a"), EC.jwk(), RSA.jwk(kid="a")], id="order-is-no-matter"),
        pytest.param([RSA.jwk(kid="a"), RSA.jwk(kid="a", alg="PS256")], id="of-two-algorithms"),
        pytest.param([RSA.jwk(kid="a"), RSA.jwk(kid="a")], id="twice-the-same"),
        pytest.param([RSA.jwk(kid="a")] * 3, id="three"),
    ],
)
def test_sec_30_a_name_for_two_keys_of_one_type_identifies_nothing(jwks: list[object]) -> None:
    keys = set_of(*jwks, ED.jwk())
    for algorithm in ("RS256", "PS256"):
        assert fault_of(keys, "a", algorithm) is TokenFault.UNKNOWN_KEY
    assert keys.names("a")
    assert keys.skipped == {KeyFault.AMBIGUOUS_KID: sum(jwk != EC.jwk() for jwk in jwks)}
    assert keys.select("ed", "EdDSA").kid == "ed"


def test_sec_30_two_curves_are_one_type() -> None:
    keys = set_of(EC.jwk(kid="a"), signing_key("ES384").jwk(kid="a"))
    assert keys.keys == ()


def test_a_name_for_keys_of_different_types_is_chosen_by_algorithm() -> None:
    keys = set_of(EC.jwk(kid="a"), RSA.jwk(kid="a"), ED.jwk(kid="a"))
    assert keys.select("a", "RS256").key_type == "RSA"
    assert keys.select("a", "ES256").key_type == "EC"
    assert keys.select("a", "EdDSA").key_type == "OKP"


def test_a_name_shared_with_a_key_for_encryption_is_not_ambiguous() -> None:
    keys = set_of(OTHER_RSA.jwk(kid="rsa", use="enc", alg="RSA-OAEP"), RSA.jwk())
    assert keys.select("rsa", "RS256").verify("RS256", b"x", RSA.sign(b"x"))


@pytest.mark.parametrize("private_first", [True, False])
def test_sec_30_a_published_private_half_spoils_its_public_twin(*, private_first: bool) -> None:
    jwks = [RSA.jwk(d="AQAB"), RSA.jwk()]
    keys = set_of(*(jwks if private_first else reversed(jwks)), EC.jwk())
    assert fault_of(keys, "rsa") is TokenFault.WEAK_KEY
    assert keys.skipped == {KeyFault.PRIVATE: 1, KeyFault.AMBIGUOUS_KID: 1}


def test_an_unusual_exponent_is_reported() -> None:
    keys = set_of(RSA.jwk(e="Aw"), OTHER_RSA.jwk())
    assert keys.remarks == {KeyRemark.UNUSUAL_EXPONENT: 1}


def test_a_name_is_known_if_it_stands_in_the_set() -> None:
    keys = set_of(RSA.jwk(), EC.jwk(kid=["list"]), "x")
    assert keys.names("rsa")
    assert keys.names(None)
    assert parse_key_set(key_set(RSA)).names(None)
    assert not keys.names("ec")
    assert not keys.names("")


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (b'{"keys": []}', NO_KEYS),
        (b"{}", NO_KEYS),
        (b'{"keys": {}}', NO_KEYS),
        (b'{"keys": null}', NO_KEYS),
        (b'{"keys": "x"}', NO_KEYS),
        (b"[]", NOT_JSON),
        (b"", NOT_JSON),
        (b"<html><body>Service unavailable</body></html>", NOT_JSON),
        (b'{"keys": [{"kty":', NOT_JSON),
        (b'{"keys": NaN}', NOT_JSON),
        (b'{"keys": [], "keys": [{}]}', NOT_JSON),
        (b'{"keys": [{"kty": "RSA", "kty": "EC"}]}', NOT_JSON),
        (b'{"keys":' + b"[" * 100_000, NOT_JSON),
        (b'{"keys": []}\xff', NOT_JSON),
        (b" " * (512 * 1024 + 1), TOO_LARGE),
        (json.dumps({"keys": [{}] * 101}).encode(), TOO_MANY_KEYS),
    ],
)
def test_sec_23_a_document_that_is_no_key_set_is_an_error(document: bytes, detail: str) -> None:
    with pytest.raises(KeySourceUnavailable) as unavailable:
        parse_key_set(document)
    assert unavailable.value.detail == detail
    assert unavailable.value.code == "jwks_error"


def test_a_set_of_as_many_keys_as_allowed_is_read() -> None:
    assert len(set_of(*(RSA.jwk(kid=f"k{number}") for number in range(100))).keys) == 100
    with pytest.raises(KeySourceUnavailable):
        parse_key_set(key_set(RSA, EC), Limits(max_keys=1))


def test_a_document_of_exactly_the_size_that_is_allowed_is_read() -> None:
    document = key_set(RSA)
    assert parse_key_set(document, Limits(max_key_set_bytes=len(document))).keys
    with pytest.raises(KeySourceUnavailable):
        parse_key_set(document, Limits(max_key_set_bytes=len(document) - 1))


def test_a_key_set_does_not_change() -> None:
    keys = parse_key_set(key_set(RSA))
    with pytest.raises(FrozenInstanceError):
        keys.keys = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        keys.skipped[KeyFault.WEAK] = 1  # type: ignore[index]
    assert parse_key_set(key_set(RSA)) != keys


def test_sec_60_a_key_set_does_not_show_its_names() -> None:
    assert "canary" not in repr(set_of(RSA.jwk(kid="canary"), EC.jwk(kid="canary", use="enc")))
