"""One entry for all tenants of a provider, as Entra ID has them (SEC-14)."""

import json
from dataclasses import replace

import pytest

from gatepass.jwks import (
    ConfigurationError,
    InlineKeys,
    Issuer,
    IssuerRules,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
    VerifiedToken,
    Verifier,
)
from gatepass.jwks.faults import KeyFault, KeyRejected
from gatepass.jwks.keys import key_from_jwk
from gatepass.jwks.keyset import KeySet, parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.tenants import accepted_tenant
from support.key_source import ScriptedSource
from support.tokens import AUDIENCE, signing_key
from support.verification import claims_at, verify

TEMPLATE = "https://login.idp.example/{tenantid}/v2.0"
ACME = "72f988bf-86f1-41af-91ab-2d7cd011db47"
UMBRELLA = "fa15d692-e9c7-4460-a743-29f2956fd429"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
KEY = signing_key("ES256", "key-1")
RULES = IssuerRules(
    TEMPLATE, frozenset({AUDIENCE}), frozenset({"ES256"}), tenants=frozenset({ACME, UMBRELLA})
)
ANY = replace(RULES, tenants=frozenset(), unsafe_any_tenant=True)


def key_set_of(jwk: dict[str, object]) -> bytes:
    return json.dumps({"keys": [jwk]}).encode()


def issuer_of(tenant: str) -> str:
    return f"https://login.idp.example/{tenant}/v2.0"


def token(tenant: str = ACME, **changes: object) -> bytes:
    return KEY.token(claims_at(**({"iss": issuer_of(tenant), "tid": tenant} | changes)))


def keys(**changes: object) -> KeySet:
    return parse_key_set(key_set_of(KEY.jwk(**changes)))


def judged(token: bytes, rules: IssuerRules = RULES, **key: object) -> VerifiedToken:
    return verify(token, rules, keys(**key))


def fault_of(token: bytes, rules: IssuerRules = RULES, **key: object) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        judged(token, rules, **key)
    return refused.value.fault


@pytest.mark.parametrize("rules", [RULES, ANY], ids=["named", "any"])
def test_sec_14_every_accepted_tenant_is_an_issuer_of_its_own(rules: IssuerRules) -> None:
    for tenant in (ACME, UMBRELLA):
        seen = judged(token(tenant), rules)
        assert (seen.issuer, seen.trust) == (issuer_of(tenant), TEMPLATE)


def test_sec_14_a_tenant_that_is_not_named_is_refused() -> None:
    assert fault_of(token(PERSONAL)) is TokenFault.BAD_ISSUER
    assert judged(token(PERSONAL), ANY).issuer == issuer_of(PERSONAL)


@pytest.mark.parametrize("rules", [RULES, ANY], ids=["named", "any"])
@pytest.mark.parametrize(
    "issuer",
    [
        TEMPLATE,
        issuer_of(""),
        issuer_of("common"),
        issuer_of(ACME.upper()),
        issuer_of(f"{ACME}/{ACME}"),
        issuer_of(f" {ACME}"),
        issuer_of(f"{ACME}\n"),
        issuer_of(ACME[:-1]),
        issuer_of(ACME[:-1] + "\u0661"),
        issuer_of(ACME) + "/",
        issuer_of(ACME).removesuffix(".0"),
        issuer_of(ACME).replace("https", "http"),
        issuer_of(ACME).replace("login", "evil"),
        issuer_of(ACME).replace("login", "logon"),
        issuer_of(ACME).replace("v2.0", "v2.1"),
        f"https://login.idp.example/{ACME}",
        ACME,
        "",
    ],
)
def test_sec_14_an_issuer_is_the_template_with_a_tenant_in_it_exactly(
    rules: IssuerRules, issuer: str
) -> None:
    assert accepted_tenant(issuer, rules) is None
    assert fault_of(token(iss=issuer), rules) is TokenFault.BAD_ISSUER


@pytest.mark.parametrize("tid", [None, UMBRELLA, ACME.upper(), "", [ACME], 1, {"a": ACME}])
def test_sec_14_the_tenant_claim_is_the_tenant_of_the_issuer(tid: object) -> None:
    for rules in (RULES, ANY):
        assert fault_of(token(tid=tid), rules) is TokenFault.BAD_ISSUER


def test_sec_19_the_tenant_claim_is_judged_only_after_the_signature() -> None:
    forged = signing_key("ES256", "stranger").token(
        claims_at(iss=issuer_of(ACME), tid=UMBRELLA), {"kid": KEY.kid}
    )
    assert fault_of(forged) is TokenFault.BAD_SIGNATURE


def test_sec_16_a_key_for_one_tenant_signs_for_no_other() -> None:
    for issuer in (TEMPLATE, issuer_of(ACME), None):
        assert judged(token(), issuer=issuer).issuer == issuer_of(ACME)
    for issuer in (issuer_of(PERSONAL), issuer_of(ACME) + "/", "https://evil.example", ""):
        assert fault_of(token(), issuer=issuer) is TokenFault.UNKNOWN_KEY
        assert fault_of(token(), ANY, issuer=issuer) is TokenFault.UNKNOWN_KEY


def test_sec_16_a_key_for_personal_accounts_signs_for_no_single_tenant_either() -> None:
    exact = replace(RULES, issuer=issuer_of(ACME), tenants=frozenset())
    for issuer in (TEMPLATE, issuer_of(ACME), None):
        assert judged(token(), exact, issuer=issuer).trust == issuer_of(ACME)
    for issuer in (issuer_of(PERSONAL), issuer_of(ACME) + "/", "https://evil.example", ""):
        assert fault_of(token(), exact, issuer=issuer) is TokenFault.UNKNOWN_KEY


@pytest.mark.parametrize("tid", [None, UMBRELLA, [ACME], 1])
def test_sec_16_a_key_for_the_tenant_of_the_token_needs_a_token_that_names_it(tid: object) -> None:
    exact = replace(RULES, issuer=issuer_of(ACME), tenants=frozenset())
    assert fault_of(token(tid=tid), exact, issuer=TEMPLATE) is TokenFault.UNKNOWN_KEY
    assert judged(token(tid=tid), exact, issuer=issuer_of(ACME)).trust == issuer_of(ACME)


@pytest.mark.parametrize("issuer", [1, [TEMPLATE], {}, True])
def test_sec_29_a_key_whose_issuer_is_no_text_is_left_out(issuer: object) -> None:
    with pytest.raises(KeyRejected) as rejected:
        key_from_jwk(KEY.jwk(issuer=issuer), DEFAULT_LIMITS)
    assert rejected.value.fault is KeyFault.MALFORMED


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"tenants": frozenset()}, "tenants: name at least one, or say unsafe_any_tenant: true"),
        ({"unsafe_any_tenant": True}, "tenants: name at least one, or say unsafe_any_tenant: true"),
        ({"tenants": frozenset({ACME, ACME.upper()})}, "tenants: each is a GUID in lower case"),
        ({"tenants": frozenset({"acme.com"})}, "tenants: each is a GUID in lower case"),
        ({"issuer": issuer_of(ACME)}, "tenants: count for an issuer with {tenantid} only"),
        ({"issuer": f"{TEMPLATE}/{{tenantid}}"}, "issuer: may hold {tenantid} once"),
        ({"issuer": f"{TEMPLATE}/{{tenant}}"}, "issuer: may hold {tenantid} once"),
        ({"issuer": f"{TEMPLATE}}}"}, "issuer: may hold {tenantid} once"),
    ],
)
def test_tenants_that_can_only_be_wrong_are_refused(
    changes: dict[str, object], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        replace(RULES, **changes)  # type: ignore[arg-type]
    (told,) = refused.value.problems
    assert told.startswith(problem)


def test_any_tenant_of_an_issuer_without_tenants_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        replace(ANY, issuer=issuer_of(ACME))


def now_token(tenant: str = ACME, **changes: object) -> bytes:
    return KEY.token({"iss": issuer_of(tenant), "tid": tenant} | changes)


async def test_sec_16_the_exact_entry_of_a_tenant_counts_before_a_template() -> None:
    own = signing_key("ES256", "its-own")
    exact = replace(RULES, issuer=issuer_of(ACME), tenants=frozenset())
    verifier = Verifier(
        [
            Issuer(ANY, InlineKeys(key_set_of(KEY.jwk()))),
            Issuer(exact, InlineKeys(key_set_of(own.jwk()))),
        ]
    )
    await verifier.start()
    assert (await verifier.verify(now_token(UMBRELLA))).trust == TEMPLATE
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(now_token(ACME))
    assert refused.value.fault is TokenFault.UNKNOWN_KEY
    seen = await verifier.verify(own.token({"iss": issuer_of(ACME), "tid": ACME}))
    assert seen.trust == issuer_of(ACME)
    assert [status.issuer for status in verifier.status()] == [TEMPLATE, issuer_of(ACME)]


async def test_sec_24_a_tenant_that_is_not_accepted_causes_no_load() -> None:
    source = ScriptedSource(KeySourceUnavailable("timeout"))
    verifier = Verifier([Issuer(RULES, source)])
    for issuer in (issuer_of(PERSONAL), issuer_of("common"), "https://evil.example"):
        with pytest.raises(TokenRefused) as refused:
            await verifier.verify(now_token(iss=issuer))
        assert refused.value.fault is TokenFault.BAD_ISSUER
    assert source.loads == 0


async def test_a_token_of_a_tenant_is_remembered_like_any_other() -> None:
    verifier = Verifier([Issuer(RULES, InlineKeys(key_set_of(KEY.jwk(issuer=TEMPLATE))))])
    good = now_token()
    seen = await verifier.verify(good)
    assert verifier.verify_warm(good) is seen
