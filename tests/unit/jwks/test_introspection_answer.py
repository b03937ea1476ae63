"""What is believed of an issuer's answer about an opaque token."""

import json
from dataclasses import replace

import pytest

from gatepass.jwks.errors import IntrospectionUnavailable, TokenFault, TokenRefused
from gatepass.jwks.introspection_answer import read_answer
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import Binding, IssuerRules
from gatepass.jwks.token import VerifiedToken
from support.introspection import described, introspecting_rules
from support.tokens import AUDIENCE, ISSUER, b64, signing_key

NOW = 1_800_000_000
RULES = introspecting_rules()
DIGEST = bytes(32)
THUMBPRINT = b64(bytes(32))


def read(answer: bytes, rules: IssuerRules = RULES) -> VerifiedToken:
    return read_answer(answer, rules, DEFAULT_LIMITS, NOW, DIGEST)


def answer(**changes: object) -> bytes:
    return json.dumps(described(NOW, **changes)).encode()


def fault(rules: IssuerRules = RULES, /, **changes: object) -> TokenFault:
    with pytest.raises(TokenRefused) as refusal:
        read(answer(**changes), rules)
    return refusal.value.fault


def test_a_good_answer_makes_a_verified_token_without_a_key() -> None:
    token = read(answer(team_id="search"))
    assert (token.issuer, token.trust, token.subject) == (ISSUER, ISSUER, "user-1")
    assert (token.expires_at, token.key_set, token.digest) == (NOW + 300, None, DIGEST)
    assert token.claims["team_id"] == "search"
    assert token.confirmation is None
    assert repr(token) == "<VerifiedToken>"


def test_an_answer_need_not_name_the_issuer() -> None:
    assert read(answer(iss=None)).issuer == ISSUER


def test_sec_14_an_inactive_token_is_refused_whatever_else_is_said() -> None:
    assert fault(active=False) is TokenFault.INACTIVE
    with pytest.raises(TokenRefused):
        read(b'{"active":false}')


@pytest.mark.parametrize("active", ["true", "false", 1, 0, None, [True], {"a": True}, 1.0, ""])
def test_sec_10_only_the_json_value_true_is_a_yes(active: object) -> None:
    with pytest.raises(IntrospectionUnavailable) as odd:
        read(answer(active=active))
    assert odd.value.detail == "answer: active is neither true nor false"
    assert odd.value.code == "introspection_error"


def test_a_null_is_no_yes_either() -> None:
    with pytest.raises(IntrospectionUnavailable):
        read(answer().replace(b'"active": true', b'"active": null'))


@pytest.mark.parametrize(
    "issuer", ["https://other.example", f"{ISSUER}/", ISSUER.upper(), "", 1, [ISSUER]]
)
def test_sec_14_an_answer_about_the_token_of_another_issuer(issuer: object) -> None:
    assert fault(iss=issuer) is TokenFault.BAD_ISSUER


def test_sec_14_an_issuer_of_null_is_another_one() -> None:
    with pytest.raises(TokenRefused) as refusal:
        read(answer().replace(b'"https://idp.example"', b"null"))
    assert refusal.value.fault is TokenFault.BAD_ISSUER


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": None}, TokenFault.BAD_CLAIM),
        ({"exp": str(NOW + 300)}, TokenFault.BAD_CLAIM),
        ({"exp": True}, TokenFault.BAD_CLAIM),
        ({"exp": NOW}, TokenFault.EXPIRED),
        ({"nbf": NOW + 1}, TokenFault.NOT_YET_VALID),
        ({"iat": NOW + 1}, TokenFault.NOT_YET_VALID),
        ({"nbf": True}, TokenFault.BAD_CLAIM),
        ({"aud": None}, TokenFault.BAD_AUDIENCE),
        ({"aud": "another"}, TokenFault.BAD_AUDIENCE),
        ({"aud": [AUDIENCE, 7]}, TokenFault.BAD_AUDIENCE),
        ({"aud": AUDIENCE.upper()}, TokenFault.BAD_AUDIENCE),
        ({"sub": None}, TokenFault.BAD_CLAIM),
        ({"sub": ""}, TokenFault.BAD_CLAIM),
        ({"sub": 7}, TokenFault.BAD_CLAIM),
        ({"sub": "a\r\nx: y"}, TokenFault.BAD_CLAIM),
        ({"sub": "x" * 256}, TokenFault.BAD_CLAIM),
    ],
)
def test_sec_10_sec_12_sec_17_the_rules_of_the_issuer_hold(
    changes: dict[str, object], expected: TokenFault
) -> None:
    assert fault(**changes) is expected


def test_sec_11_leeway_and_lifetime_hold() -> None:
    lenient = replace(RULES, leeway_seconds=10)
    assert read(answer(exp=NOW - 9), lenient).expires_at == NOW - 9
    assert fault(lenient, exp=NOW - 10) is TokenFault.EXPIRED
    short = replace(RULES, max_lifetime_seconds=100)
    assert fault(short) is TokenFault.BAD_CLAIM


def test_sec_12_another_claim_may_stand_for_the_audience() -> None:
    rules = replace(RULES, audiences=frozenset({"chat"}), audience_claim="client_id")
    assert read(answer(aud=None), rules).subject == "user-1"
    assert fault(rules, aud=None, client_id="other") is TokenFault.BAD_AUDIENCE


def test_what_else_the_settings_require() -> None:
    rules = replace(RULES, required_claims={"client_id": frozenset({"chat"})})
    assert read(answer(), rules).subject == "user-1"
    assert fault(rules, client_id="other") is TokenFault.BAD_CLAIM


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_a_token_that_is_borne(kind: str) -> None:
    assert read(answer(token_type=kind)).subject == "user-1"


@pytest.mark.parametrize(
    "kind", ["refresh_token", "N_A", "DPoP", "mac", "", 1, ["Bearer"], "access_token"]
)
def test_sec_15_a_token_of_another_type(kind: object) -> None:
    assert fault(token_type=kind) is TokenFault.WRONG_TOKEN_TYPE


def test_sec_15_a_refresh_token_is_active_too_and_is_refused() -> None:
    assert fault(token_type=None) is TokenFault.WRONG_TOKEN_TYPE
    assert fault(token_type=None, typ="Refresh") is TokenFault.WRONG_TOKEN_TYPE
    assert fault(typ="Refresh") is TokenFault.WRONG_TOKEN_TYPE


def test_sec_15_a_type_claim_of_the_issuer_says_that_it_is_for_access() -> None:
    assert read(answer(token_type=None, typ="Bearer")).subject == "user-1"
    ours = replace(RULES, access_token_claims=frozenset({"cid"}))
    assert fault(ours) is TokenFault.WRONG_TOKEN_TYPE
    assert read(answer(cid="chat"), ours).subject == "user-1"


def test_sec_15_the_types_of_headers_do_not_matter_here() -> None:
    strict = replace(RULES, absent_type_allowed=False)
    assert read(answer(), strict).subject == "user-1"


def test_sec_15_other_tokens_by_their_claims() -> None:
    assert fault(events={}) is TokenFault.WRONG_TOKEN_TYPE
    assert fault(nonce="n", at_hash="h") is TokenFault.WRONG_TOKEN_TYPE


def test_a_token_that_is_bound_is_never_one_for_anybody() -> None:
    assert fault(cnf={"jkt": THUMBPRINT}) is TokenFault.BINDING_UNCHECKED
    dpop = replace(RULES, dpop=Binding.REQUIRED)
    for kind in ("DPoP", "Bearer"):
        token = read(answer(cnf={"jkt": THUMBPRINT}, token_type=kind), dpop)
        assert token.confirmation is not None
    assert fault(dpop, token_type="DPoP") is TokenFault.NOT_BOUND
    mtls = replace(RULES, mtls=Binding.OPTIONAL)
    bound = {"x5t#S256": THUMBPRINT}
    assert fault(mtls, cnf=bound, token_type="DPoP") is TokenFault.WRONG_TOKEN_TYPE
    assert read(answer(cnf=bound), mtls).confirmation is not None


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        (b"", "answer: not strict JSON"),
        (b"<html>", "answer: not strict JSON"),
        (b"[]", "answer: not strict JSON"),
        (b"true", "answer: not strict JSON"),
        (b"{}", "answer: active is neither true nor false"),
        (answer()[:-1], "answer: not strict JSON"),
        (answer()[:-1] + b', "active": true}', "answer: not strict JSON"),
        (answer()[:-1] + b', "x": NaN}', "answer: not strict JSON"),
        (b"\xef\xbb\xbf" + answer(), "answer: not strict JSON"),
        (answer().decode().encode("utf-16"), "answer: not strict JSON"),
        (
            answer(x=[[]] * 1)[:-1] + b', "y": ' + b"[" * 20 + b"]" * 20 + b"}",
            "answer: not strict JSON",
        ),
        (answer(x="y" * 64 * 1024), "answer: too large"),
        (signing_key("ES256").token(), "answer: a signed one (RFC 9701)"),
    ],
    ids=range(13),
)
def test_sec_08_sec_23_what_is_no_answer_lets_nothing_pass(document: bytes, detail: str) -> None:
    with pytest.raises(IntrospectionUnavailable) as odd:
        read(document)
    assert odd.value.detail == detail
    assert "user-1" not in str(odd.value)


def test_an_answer_of_the_largest_size() -> None:
    padding = DEFAULT_LIMITS.max_answer_bytes - len(answer(x=""))
    assert read(answer(x="y" * padding)).subject == "user-1"
