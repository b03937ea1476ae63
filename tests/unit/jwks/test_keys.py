import pytest

from gatepass.jwks.faults import KeyFault, KeyRejected
from gatepass.jwks.keys import PRIVATE_MEMBERS, key_from_jwk
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from support.tokens import signing_key

RSA_ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def fault_of(jwk: object, limits: Limits = DEFAULT_LIMITS) -> KeyFault:
    with pytest.raises(KeyRejected) as rejected:
        key_from_jwk(jwk, limits)
    return rejected.value.fault


@pytest.mark.parametrize(
    ("algorithm", "key_type"),
    [("RS256", "RSA"), ("PS512", "RSA"), ("ES256", "EC"), ("ES384", "EC"), ("EdDSA", "OKP")],
)
def test_sec_02_a_key_is_bound_to_its_algorithm(algorithm: str, key_type: str) -> None:
    key = key_from_jwk(signing_key(algorithm).jwk(), DEFAULT_LIMITS)
    assert (key.key_type, set(key.algorithms)) == (key_type, {algorithm})
    assert key.kid == f"key-{algorithm}"


@pytest.mark.parametrize(
    ("algorithm", "serves"),
    [
        ("RS256", RSA_ALGORITHMS),
        ("ES256", {"ES256"}),
        ("ES384", {"ES384"}),
        ("ES512", {"ES512"}),
        ("EdDSA", {"EdDSA"}),
    ],
)
def test_sec_02_a_key_without_alg_serves_what_its_type_and_curve_can(
    algorithm: str, serves: set[str]
) -> None:
    # Entra publishes no alg.
    key = key_from_jwk(signing_key(algorithm).jwk(alg=None, use=None), DEFAULT_LIMITS)
    assert key.algorithms == serves


@pytest.mark.parametrize("jwk", ["x", None, 1, [], [{"kty": "RSA"}], True])
def test_sec_29_what_is_not_an_object_is_not_a_key(jwk: object) -> None:
    assert fault_of(jwk) is KeyFault.NOT_AN_OBJECT


@pytest.mark.parametrize(
    "kid",
    [
        pytest.param(1, id="number"),
        pytest.param(["x"], id="list"),
        pytest.param({}, id="object"),
        pytest.param("k" * 257, id="257-characters"),
        pytest.param("a\nb", id="line-break"),
        pytest.param("a\0", id="nul"),
        pytest.param("\ud800", id="lone-surrogate"),
    ],
)
def test_sec_09_a_name_that_nothing_can_refer_to_safely_is_refused(kid: object) -> None:
    assert fault_of(signing_key().jwk(kid=kid)) is KeyFault.BAD_KID


def test_a_null_for_a_name_is_not_a_missing_name() -> None:
    assert fault_of(signing_key().jwk() | {"kid": None}) is KeyFault.BAD_KID
    assert key_from_jwk(signing_key().jwk(kid=None), DEFAULT_LIMITS).kid is None


@pytest.mark.parametrize("kid", ["", "k" * 256, "a key with blanks", "schlüssel"])
def test_any_printable_name_will_do(kid: str) -> None:
    assert key_from_jwk(signing_key().jwk(kid=kid), DEFAULT_LIMITS).kid == kid


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "kid": "a", "alg": "HS256", "use": "sig", "k": "c2VjcmV0"},
        {"kty": "oct", "kid": "a", "k": ""},
        {"kty": "oct", "kid": "a"},
        {"kty": "oct", "alg": "RS256", "n": "AQAB", "e": "AQAB"},
    ],
)
def test_sec_05_symmetric_keys_never_verify(jwk: dict[str, object]) -> None:
    assert fault_of(jwk) is KeyFault.SYMMETRIC


@pytest.mark.parametrize("key_type", ["rsa", "DSA", "", None, 1, ["RSA"], {}])
def test_sec_29_other_key_types_are_not_supported(key_type: object) -> None:
    assert fault_of(signing_key().jwk(kty=key_type)) is KeyFault.UNSUPPORTED


def test_the_numbers_of_one_type_under_the_name_of_another_are_malformed() -> None:
    assert fault_of(signing_key("ES256").jwk(kty="RSA", alg=None)) is KeyFault.MALFORMED
    assert fault_of(signing_key("RS256").jwk(kty="EC", alg=None)) is KeyFault.UNSUPPORTED


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("member", sorted(PRIVATE_MEMBERS))
def test_sec_30_a_key_whose_private_half_is_published_proves_nothing(
    algorithm: str, member: str
) -> None:
    assert fault_of(signing_key(algorithm).jwk(**{member: "AQAB"})) is KeyFault.PRIVATE
    assert fault_of(signing_key(algorithm).jwk() | {member: None}) is KeyFault.PRIVATE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"use": "enc"}, id="use-enc"),
        pytest.param({"use": "SIG"}, id="use-in-capitals"),
        pytest.param({"use": ["sig"]}, id="use-as-a-list"),
        pytest.param({"use": ""}, id="use-empty"),
        pytest.param({"key_ops": ["sign"]}, id="key-ops-sign"),
        pytest.param({"key_ops": []}, id="key-ops-empty"),
        pytest.param({"key_ops": ["Verify"]}, id="key-ops-in-capitals"),
        pytest.param({"key_ops": [["verify"]]}, id="key-ops-nested"),
        pytest.param({"key_ops": ["encrypt", "wrapKey"]}, id="key-ops-encrypt"),
        pytest.param({"use": "enc", "key_ops": ["verify"]}, id="use-contradicts-key-ops"),
        pytest.param({"alg": "RSA-OAEP"}, id="alg-encrypts"),
        pytest.param({"alg": "HS256"}, id="alg-hs256"),
        pytest.param({"alg": "none"}, id="alg-none"),
        pytest.param({"alg": ""}, id="alg-empty"),
        pytest.param({"alg": "ES521"}, id="alg-unknown"),
    ],
)
def test_sec_02_keys_for_other_purposes_do_not_verify(changes: dict[str, object]) -> None:
    assert fault_of(signing_key().jwk(**changes)) is KeyFault.NOT_FOR_SIGNATURES


@pytest.mark.parametrize("changes", [{"use": None}, {"alg": None}])
def test_a_null_for_a_purpose_is_not_a_missing_purpose(changes: dict[str, object]) -> None:
    with pytest.raises(KeyRejected):
        key_from_jwk(signing_key().jwk() | changes, DEFAULT_LIMITS)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"key_ops": "verify"}, id="key-ops-as-text"),
        pytest.param({"key_ops": {"verify": 1}}, id="key-ops-as-an-object"),
        pytest.param({"alg": ["RS256"]}, id="alg-as-a-list"),
        pytest.param({"alg": 256}, id="alg-as-a-number"),
        pytest.param({"alg": "ES256"}, id="alg-of-another-type"),
    ],
)
def test_sec_02_contradictions_are_malformed(changes: dict[str, object]) -> None:
    assert fault_of(signing_key().jwk(**changes)) is KeyFault.MALFORMED


def test_sec_02_an_algorithm_of_another_curve_is_malformed() -> None:
    assert fault_of(signing_key("ES256").jwk(alg="ES384")) is KeyFault.MALFORMED
    assert fault_of(signing_key("EdDSA").jwk(alg="ES256")) is KeyFault.MALFORMED


def test_key_ops_may_hold_more_than_verify() -> None:
    jwk = signing_key().jwk(key_ops=["sign", "verify"])
    assert key_from_jwk(jwk, DEFAULT_LIMITS).algorithms == {"RS256"}


def test_sec_60_neither_a_key_nor_its_refusal_shows_its_name() -> None:
    assert "canary" not in repr(key_from_jwk(signing_key().jwk(kid="canary"), DEFAULT_LIMITS))
    with pytest.raises(KeyRejected) as rejected:
        key_from_jwk(signing_key().jwk(kid="canary", use="canary"), DEFAULT_LIMITS)
    assert "canary" not in repr(rejected.value) + str(rejected.value)
