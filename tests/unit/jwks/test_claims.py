import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.jwks.claims import (
    check_audience,
    check_required,
    check_subject,
    check_times,
    check_type,
)
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.rules import IssuerRules
from support.tokens import AUDIENCE
from support.verification import GOOD_RULES, NOW

TYPE_CLAIMS = {"typ": frozenset({"bearer"}), "token_use": frozenset({"access"})}
TYPED = replace(GOOD_RULES, type_claims=TYPE_CLAIMS)
LENIENT = replace(GOOD_RULES, leeway_seconds=30)
SHORT = replace(GOOD_RULES, max_lifetime_seconds=600)
MARKED = replace(GOOD_RULES, access_token_claims=frozenset({"azp", "client_id"}))
CLIENTS = replace(GOOD_RULES, audience_claim="client_id")
ANY_AUDIENCE = replace(GOOD_RULES, audiences=frozenset(), unsafe_any_audience=True)


def fault_of(check: Callable[[], object]) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        check()
    return refused.value.fault


def times_fault(rules: IssuerRules = GOOD_RULES, /, **claims: object) -> TokenFault:
    return fault_of(lambda: check_times({"exp": NOW + 300} | claims, rules, NOW))


@pytest.mark.parametrize("typ", [None, "jwt", "at+jwt"])
def test_access_tokens_pass(typ: str | None) -> None:
    check_type({}, typ, GOOD_RULES)
    check_type({"nonce": "a", "typ": "Bearer", "token_use": "access"}, typ, TYPED)
    check_type({"at_hash": "a", "c_hash": "b"}, typ, GOOD_RULES)


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "id+jwt", "refresh", "", "text/jwt", "jwt "]
)
def test_sec_15_other_types_do_not_pass(typ: str) -> None:
    assert fault_of(lambda: check_type({}, typ, GOOD_RULES)) is TokenFault.WRONG_TOKEN_TYPE


def test_sec_15_a_type_may_be_required() -> None:
    strict = replace(GOOD_RULES, token_types=frozenset({"at+jwt"}), absent_type_allowed=False)
    check_type({}, "at+jwt", strict)
    for typ in (None, "jwt"):
        refusal = fault_of(lambda typ=typ: check_type({}, typ, strict))  # type: ignore[misc]
        assert refusal is TokenFault.WRONG_TOKEN_TYPE


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"typ": "Refresh"}, id="keycloak-refresh"),
        pytest.param({"typ": "ID"}, id="keycloak-id"),
        pytest.param({"typ": "Offline"}, id="keycloak-offline"),
        pytest.param({"typ": None}, id="null"),
        pytest.param({"typ": ["Bearer"]}, id="list"),
        pytest.param({"token_use": "id"}, id="cognito-id"),
        pytest.param({"typ": "Bearer", "token_use": "id"}, id="one-of-two"),
        pytest.param(
            {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, id="logout"
        ),
        pytest.param({"events": None}, id="events-null"),
        pytest.param({"nonce": "n", "at_hash": "h"}, id="id-token"),
        pytest.param({"nonce": "n", "c_hash": None}, id="id-token-of-the-hybrid-flow"),
    ],
)
def test_sec_15_the_marks_of_other_tokens_do_not_pass(claims: dict[str, object]) -> None:
    assert fault_of(lambda: check_type(claims, "jwt", TYPED)) is TokenFault.WRONG_TOKEN_TYPE


@pytest.mark.parametrize("mark", ["azp", "client_id"])
def test_one_of_the_claims_of_access_tokens_is_enough(mark: str) -> None:
    check_type({mark: "client"}, "jwt", MARKED)
    check_type({"azp": "client", "client_id": "client"}, "jwt", MARKED)


@pytest.mark.parametrize("claims", [{}, {"cid": "c"}, {"azp": None}, {"azp": None, "aud": "a"}])
def test_sec_15_without_what_access_tokens_have_none_passes(claims: dict[str, object]) -> None:
    assert fault_of(lambda: check_type(claims, "jwt", MARKED)) is TokenFault.WRONG_TOKEN_TYPE


def test_sec_15_id_tokens_pass_where_they_are_all_there_is() -> None:
    lenient = replace(GOOD_RULES, id_tokens_allowed=True)
    id_token = {"nonce": "n", "at_hash": "h", "c_hash": "h"}
    check_type(id_token, "jwt", lenient)
    for claims, typ in ((id_token | {"events": {}}, "jwt"), (id_token, "logout+jwt")):
        fault = fault_of(lambda c=claims, t=typ: check_type(c, t, lenient))  # type: ignore[misc]
        assert fault is TokenFault.WRONG_TOKEN_TYPE


def test_times_of_a_good_token() -> None:
    assert check_times({"exp": NOW + 1}, GOOD_RULES, NOW) == NOW + 1
    claims = {"exp": NOW + 0.5, "nbf": NOW, "iat": NOW - 0.5}
    assert check_times(claims, GOOD_RULES, NOW) == NOW + 0.5
    assert isinstance(check_times({"exp": 2**53}, GOOD_RULES, NOW), float)
    assert check_times({"exp": NOW + 1, "nbf": 0, "iat": 0.0}, GOOD_RULES, NOW) == NOW + 1


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(True, id="bool"),
        pytest.param(False, id="bool-false"),
        pytest.param(str(NOW + 300), id="numeric-string"),
        pytest.param("\u0669" * 11, id="arabic-digits"),
        pytest.param("never", id="text"),
        pytest.param([NOW + 300], id="list"),
        pytest.param({"v": NOW + 300}, id="object"),
        pytest.param(2**53 + 1, id="beyond-2-to-the-53"),
        pytest.param(2.0**54, id="beyond-2-to-the-53-as-a-float"),
        pytest.param(10**400, id="beyond-every-float"),
        pytest.param(math.inf, id="infinity"),
        pytest.param(math.nan, id="nan"),
    ],
)
def test_sec_10_times_are_numbers(name: str, value: object) -> None:
    assert times_fault(**{name: value}) is TokenFault.BAD_CLAIM


def test_sec_10_exp_is_required() -> None:
    assert fault_of(lambda: check_times({}, GOOD_RULES, NOW)) is TokenFault.BAD_CLAIM


@pytest.mark.parametrize("exp", [NOW, NOW - 1, NOW - 0.001, 0, -1, -1e300, -(10**400)])
def test_sec_10_a_token_is_over_at_the_second_of_exp(exp: float) -> None:
    assert times_fault(exp=exp) is TokenFault.EXPIRED


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_sec_10_tokens_of_the_future_and_of_before_the_epoch(name: str) -> None:
    assert times_fault(**{name: NOW + 1}) is TokenFault.NOT_YET_VALID
    assert times_fault(**{name: NOW + 0.001}) is TokenFault.NOT_YET_VALID
    assert times_fault(**{name: -1}) is TokenFault.BAD_CLAIM


def test_sec_11_leeway_shifts_every_bound() -> None:
    assert check_times({"exp": NOW - 29}, LENIENT, NOW) == NOW - 29
    assert times_fault(LENIENT, exp=NOW - 30) is TokenFault.EXPIRED
    for name in ("nbf", "iat"):
        check_times({"exp": NOW + 300, name: NOW + 30}, LENIENT, NOW)
        assert times_fault(LENIENT, **{name: NOW + 31}) is TokenFault.NOT_YET_VALID


def test_sec_11_a_lifetime_may_be_bounded() -> None:
    check_times({"exp": NOW + 500, "iat": NOW - 100}, SHORT, NOW)
    assert times_fault(SHORT, exp=NOW + 501, iat=NOW - 100) is TokenFault.BAD_CLAIM
    check_times({"exp": NOW + 600}, SHORT, NOW)
    assert times_fault(SHORT, exp=NOW + 601) is TokenFault.BAD_CLAIM
    assert times_fault(SHORT, exp=(NOW + 300) * 1000, iat=NOW) is TokenFault.BAD_CLAIM


@pytest.mark.parametrize("audience", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_our_audience_passes(audience: object) -> None:
    check_audience({"aud": audience}, GOOD_RULES)


@pytest.mark.parametrize(
    "audience",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param("llm-gateway-evil", id="longer"),
        pytest.param("llm", id="shorter"),
        pytest.param("LLM-GATEWAY", id="other-case"),
        pytest.param("llm-gateway ", id="blank-behind"),
        pytest.param("other llm-gateway", id="in-one-string"),
        pytest.param("other,llm-gateway", id="comma-list"),
        pytest.param([], id="empty-list"),
        pytest.param(["other"], id="list-of-others"),
        pytest.param(["llm-gateway", 1], id="list-of-mixed-types"),
        pytest.param([1, "llm-gateway"], id="list-of-mixed-types-other-order"),
        pytest.param(["llm-gateway", ""], id="list-with-an-empty-string"),
        pytest.param([["llm-gateway"]], id="nested-list"),
        pytest.param({"llm-gateway": True}, id="object"),
        pytest.param(1, id="number"),
        pytest.param(True, id="bool"),
        pytest.param("*", id="star"),
    ],
)
def test_sec_12_any_other_audience_does_not(audience: object) -> None:
    check = fault_of(lambda: check_audience({"aud": audience}, GOOD_RULES))
    assert check is TokenFault.BAD_AUDIENCE


def test_sec_12_an_audience_is_required_unless_said_otherwise() -> None:
    assert fault_of(lambda: check_audience({}, GOOD_RULES)) is TokenFault.BAD_AUDIENCE
    check_audience({}, ANY_AUDIENCE)


@pytest.mark.parametrize("audience", ["other", ["other", "another"]])
def test_sec_12_any_audience_may_be_allowed(audience: object) -> None:
    check_audience({"aud": audience}, ANY_AUDIENCE)


@pytest.mark.parametrize("audience", [None, "", [""], [1], {}, True])
def test_sec_12_even_then_an_audience_has_its_form(audience: object) -> None:
    check = fault_of(lambda: check_audience({"aud": audience}, ANY_AUDIENCE))
    assert check is TokenFault.BAD_AUDIENCE


@pytest.mark.parametrize("claims", [{}, {"aud": None}, {"aud": "other"}, {"aud": ["other"]}])
def test_sec_12_another_claim_stands_for_no_audience_that_is_there(
    claims: dict[str, object],
) -> None:
    check_audience({"client_id": AUDIENCE}, CLIENTS)
    check_audience({"client_id": "other", "aud": AUDIENCE}, CLIENTS)
    claims = {"client_id": AUDIENCE if claims else "other"} | claims
    assert fault_of(lambda: check_audience(claims, CLIENTS)) is TokenFault.BAD_AUDIENCE
    fault = fault_of(lambda: check_audience({"client_id": AUDIENCE}, GOOD_RULES))
    assert fault is TokenFault.BAD_AUDIENCE


@pytest.mark.parametrize("client", [None, "", 1, [1, AUDIENCE], {AUDIENCE: 1}])
def test_sec_12_what_stands_for_the_audience_has_its_form(client: object) -> None:
    fault = fault_of(lambda: check_audience({"client_id": client}, CLIENTS))
    assert fault is TokenFault.BAD_AUDIENCE
    assert fault_of(lambda: check_audience({}, CLIENTS)) is TokenFault.BAD_AUDIENCE


REQUIRED = replace(
    GOOD_RULES,
    required_claims={"hd": frozenset({"a.example", "b.example"}), "acr": frozenset({"2"})},
)


def test_what_is_required_is_there() -> None:
    check_required({}, GOOD_RULES)
    check_required({"hd": "b.example", "acr": "2"}, REQUIRED)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="none"),
        pytest.param({"hd": "a.example"}, id="one-of-two"),
        pytest.param({"hd": "c.example", "acr": "2"}, id="another-value"),
        pytest.param({"hd": "A.example", "acr": "2"}, id="another-letter-case"),
        pytest.param({"hd": "a.example.evil", "acr": "2"}, id="longer"),
        pytest.param({"hd": "a.example", "acr": 2}, id="number"),
        pytest.param({"hd": ["a.example"], "acr": "2"}, id="list"),
        pytest.param({"hd": {"a.example": 1}, "acr": "2"}, id="object"),
        pytest.param({"hd": None, "acr": "2"}, id="null"),
    ],
)
def test_a_token_without_what_is_required_is_refused(claims: dict[str, object]) -> None:
    assert fault_of(lambda: check_required(claims, REQUIRED)) is TokenFault.BAD_CLAIM


@pytest.mark.parametrize("subject", ["u", "user-1", "a b", "Zoë", "名前", "x" * 255, "a|b:c/d@e"])
def test_a_printable_subject_passes(subject: str) -> None:
    assert check_subject({"sub": subject}, 255) == subject


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(None, id="null"),
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param(" user", id="blank-in-front"),
        pytest.param("user ", id="blank-behind"),
        pytest.param("user-1\0admin", id="nul"),
        pytest.param("user-1\r\nX-User-Role: proxy_admin", id="line-break"),
        pytest.param("user\t1", id="tab"),
        pytest.param("user\u00a01", id="no-break-space"),
        pytest.param("user\u200b1", id="zero-width-space"),
        pytest.param("user\u202e1", id="right-to-left-override"),
        pytest.param("user\u20281", id="line-separator"),
        pytest.param("\ufeffuser", id="byte-order-mark"),
        pytest.param("user\ud800", id="lone-surrogate"),
        pytest.param("user\x7f", id="delete"),
        pytest.param("user\x85", id="next-line"),
        pytest.param("user\ue000", id="private-use"),
        pytest.param("x" * 256, id="256-characters"),
        pytest.param(1, id="number"),
        pytest.param(True, id="bool"),
        pytest.param(["user-1"], id="list"),
        pytest.param({"user-1": 1}, id="object"),
    ],
)
def test_sec_17_a_subject_that_cannot_be_a_name_is_refused(subject: object) -> None:
    assert fault_of(lambda: check_subject({"sub": subject}, 255)) is TokenFault.BAD_CLAIM


def test_sec_17_a_subject_is_required() -> None:
    assert fault_of(lambda: check_subject({}, 255)) is TokenFault.BAD_CLAIM
