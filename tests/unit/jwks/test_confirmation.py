"""What a token is bound to: never ignored, never half checked."""

import base64
import dataclasses

import pytest

from gatepass.jwks.confirmation import Confirmation, check_certificate, check_confirmation
from gatepass.jwks.errors import ConfigurationError, TokenFault, TokenRefused
from gatepass.jwks.rules import Binding, IssuerRules
from support.tokens import signing_key
from support.verification import GOOD_RULES, claims_at, verify

HASH = b"\x03\x80\xed/" * 8
OTHER = b"\xff" * 32
OFF, OPTIONAL, REQUIRED = Binding.OFF, Binding.OPTIONAL, Binding.REQUIRED


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def rules(
    mtls: Binding = OPTIONAL, dpop: Binding = OPTIONAL, *, ignored: bool = False
) -> IssuerRules:
    return dataclasses.replace(GOOD_RULES, mtls=mtls, dpop=dpop, unsafe_ignore_confirmation=ignored)


def fault(cnf: object, by: IssuerRules) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        check_confirmation({"cnf": cnf}, by)
    return refused.value.fault


CERTIFICATE = {"x5t#S256": b64(HASH)}
KEY = {"jkt": b64(OTHER)}


def test_what_a_token_is_bound_to() -> None:
    assert check_confirmation({}, rules()) is None
    assert check_confirmation({"cnf": CERTIFICATE}, rules()) == Confirmation(HASH, None)
    assert check_confirmation({"cnf": KEY}, rules()) == Confirmation(None, OTHER)
    assert check_confirmation({"cnf": CERTIFICATE | KEY}, rules()) == Confirmation(HASH, OTHER)
    assert repr(Confirmation(HASH, OTHER)) == "<Confirmation>"


def test_what_is_named_beside_it_is_ignored_as_rfc_7800_has_it() -> None:
    named = KEY | {"kid": "k", "x5t": "legacy"}
    assert check_confirmation({"cnf": named}, rules()) == Confirmation(None, OTHER)


@pytest.mark.parametrize("kind", ["DPoP", "dpop"])
def test_what_calls_itself_bound_to_a_key_and_names_one_is(kind: str) -> None:
    assert check_confirmation({"typ": kind, "cnf": KEY}, rules()) == Confirmation(None, OTHER)
    ignoring = rules(dpop=OFF, ignored=True)
    bound = check_confirmation({"typ": kind, "cnf": CERTIFICATE | KEY}, ignoring)
    assert bound == Confirmation(HASH, None)


@pytest.mark.parametrize("kind", ["DPoP", "dpop"])
@pytest.mark.parametrize("cnf", [None, CERTIFICATE])
def test_what_calls_itself_bound_to_a_key_and_names_none_is_no_bearer_token(
    kind: str, cnf: object
) -> None:
    claims: dict[str, object] = {"typ": kind} if cnf is None else {"typ": kind, "cnf": cnf}
    for by in (rules(), rules(dpop=REQUIRED)):
        with pytest.raises(TokenRefused) as refused:
            check_confirmation(claims, by)
        assert refused.value.fault is TokenFault.NOT_BOUND
    for other in ("Bearer", ["DPoP"], 1):
        assert check_confirmation({"typ": other}, rules()) is None


@pytest.mark.parametrize(
    ("cnf", "by"),
    [
        (CERTIFICATE, rules(mtls=OFF)),
        (KEY, rules(dpop=OFF)),
        (CERTIFICATE | KEY, rules(mtls=OFF)),
        (CERTIFICATE | KEY, rules(dpop=OFF)),
        (CERTIFICATE, rules(OFF, OFF)),
        ({}, rules()),
        ({}, rules(OFF, OFF)),
        ({"jwk": {"kty": "EC"}}, rules()),
        ({"kid": "pop-key"}, rules(OFF, OFF)),
        ({"x5t": b64(HASH)}, rules()),
        ({"X5T#S256": b64(HASH)}, rules()),
    ],
)
def test_sec_15_a_bound_token_is_never_taken_for_a_bearer_token(
    cnf: dict[str, object], by: IssuerRules
) -> None:
    assert fault(cnf, by) is TokenFault.BINDING_UNCHECKED


@pytest.mark.parametrize(
    ("claims", "by"),
    [
        ({}, rules(mtls=REQUIRED)),
        ({}, rules(dpop=REQUIRED)),
        ({"cnf": KEY}, rules(mtls=REQUIRED)),
        ({"cnf": CERTIFICATE}, rules(dpop=REQUIRED)),
        ({"cnf": {}}, rules(mtls=REQUIRED)),
    ],
)
def test_a_token_that_must_be_bound_and_is_not(claims: dict[str, object], by: IssuerRules) -> None:
    with pytest.raises(TokenRefused) as refused:
        check_confirmation(claims, by)
    assert refused.value.fault is TokenFault.NOT_BOUND


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        "jkt",
        [KEY],
        True,
        {"jkt": None},
        {"jkt": 1},
        {"jkt": [b64(OTHER)]},
        {"jkt": ""},
        {"jkt": b64(OTHER) + "="},
        {"jkt": b64(OTHER)[:-1]},
        {"jkt": b64(OTHER[:31])},
        {"jkt": b64(OTHER + b"x")},
        {"jkt": b64(OTHER)[:-1] + "9"},  # the same octets, and bits left over
        {"jkt": "\u00e9" * 43},
        {"jkt": b64(OTHER), "x5t#S256": "short"},
    ],
)
def test_sec_06_a_thumbprint_has_one_spelling(cnf: object) -> None:
    assert fault(cnf, rules()) is TokenFault.BAD_CLAIM


def test_unsafe_ignoring_lets_pass_what_is_not_checked_and_nothing_else() -> None:
    off = rules(OFF, OFF, ignored=True)
    for cnf in (CERTIFICATE, KEY, CERTIFICATE | KEY, {}, {"kid": "x"}):
        assert check_confirmation({"cnf": cnf}, off) is None
    some = rules(OFF, OPTIONAL, ignored=True)
    assert check_confirmation({"cnf": CERTIFICATE | KEY}, some) == Confirmation(None, OTHER)
    assert fault({"jkt": "x"}, some) is TokenFault.BAD_CLAIM
    with pytest.raises(ConfigurationError, match="nothing is left to ignore"):
        rules(OPTIONAL, REQUIRED, ignored=True)


def test_a_certificate_is_compared() -> None:
    check_certificate(HASH, HASH)
    for shown, found in (
        (None, TokenFault.CERTIFICATE_MISSING),
        (OTHER, TokenFault.CERTIFICATE_MISMATCH),
        (b"", TokenFault.CERTIFICATE_MISMATCH),
        (HASH[:-1], TokenFault.CERTIFICATE_MISMATCH),
    ):
        with pytest.raises(TokenRefused) as refused:
            check_certificate(HASH, shown)
        assert refused.value.fault is found


def test_sec_15_19_what_a_verified_token_is_bound_to_is_known_only_once_it_is_verified() -> None:
    token = signing_key().token(claims_at(cnf=CERTIFICATE))
    assert verify(token, rules()).confirmation == Confirmation(HASH, None)
    with pytest.raises(TokenRefused) as refused:
        verify(token)  # nothing is said of bindings: they are off
    assert refused.value.fault is TokenFault.BINDING_UNCHECKED
    with pytest.raises(TokenRefused) as refused:
        verify(token[:-6] + b"AAAAAA", rules(mtls=OFF))
    assert refused.value.fault is TokenFault.BAD_SIGNATURE
    assert verify(signing_key().token(claims_at())).confirmation is None
