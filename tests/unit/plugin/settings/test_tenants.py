"""An issuer that stands for many tenants (SEC-14)."""

import pytest

from gatepass.jwks import DiscoveredKeys
from gatepass.plugin.settings import compile_settings
from support.settings import ISSUER, issuer_with, sentences_of

TEMPLATE = "https://login.idp.example/{tenantid}/v2.0"
ACME = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def wrong(**fields: object) -> list[str]:
    sentences = sentences_of(issuers=[{**ISSUER, **fields}])
    return [sentence.removeprefix("issuers[0].") for sentence in sentences]


@pytest.mark.parametrize(
    ("said", "beneath"),
    [
        ({}, "https://login.idp.example/organizations/v2.0"),
        ({"discovery_tenant": "common"}, "https://login.idp.example/common/v2.0"),
    ],
)
def test_sec_21_the_metadata_of_a_template_is_asked_for_beneath_no_tenant_in_particular(
    said: dict[str, str], beneath: str
) -> None:
    (issuer,) = compile_settings(issuer_with(issuer=TEMPLATE, tenants=ACME, **said)).issuers
    assert isinstance(issuer.source, DiscoveredKeys)
    assert (issuer.source.issuer, issuer.source.beneath) == (TEMPLATE, beneath)
    assert issuer.source.metadata_url == f"{beneath}/.well-known/openid-configuration"
    assert issuer.rules.tenants == {ACME}
    assert not issuer.rules.unsafe_any_tenant


def test_any_tenant_is_accepted_in_words_only() -> None:
    (issuer,) = compile_settings(issuer_with(issuer=TEMPLATE, unsafe_any_tenant=True)).issuers
    assert (issuer.rules.tenants, issuer.rules.unsafe_any_tenant) == (frozenset(), True)


def test_an_issuer_without_tenants_asks_beneath_itself() -> None:
    (issuer,) = compile_settings(issuer_with()).issuers
    assert isinstance(issuer.source, DiscoveredKeys)
    assert issuer.source.beneath is None


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        (
            {"issuer": TEMPLATE},
            ["tenants: name at least one, or say unsafe_any_tenant: true"],
        ),
        (
            {"issuer": TEMPLATE, "tenants": ACME, "unsafe_any_tenant": True},
            ["unsafe_any_tenant: contradicts tenants; leave one of them out"],
        ),
        (
            {"issuer": TEMPLATE, "unsafe_any_tenant": True, "email_trusted": True},
            ["email_trusted: contradicts unsafe_any_tenant; name the tenants"],
        ),
        (
            {"issuer": TEMPLATE, "tenants": [ACME.upper(), "acme.com"]},
            [
                "tenants[0]: not the id of a tenant; write the GUID in lower case",
                "tenants[1]: not the id of a tenant; write the GUID in lower case",
            ],
        ),
        (
            {"issuer": f"{TEMPLATE}/{{tenantid}}", "tenants": ACME},
            ["issuer: may hold {tenantid} once, and no other braces"],
        ),
        (
            {"issuer": "https://login.idp.example/{tenant}/v2.0", "tenants": ACME},
            ["issuer: may hold {tenantid} once, and no other braces"],
        ),
        (
            {"tenants": ACME, "discovery_tenant": "common"},
            [
                "discovery_tenant: counts for an issuer with {tenantid} only; leave it out",
                "tenants: counts for an issuer with {tenantid} only; leave it out",
            ],
        ),
        (
            {
                "issuer": TEMPLATE,
                "tenants": ACME,
                "discovery_tenant": "common",
                "jwks_uri": "https://login.idp.example/common/keys",
            },
            ["discovery_tenant: counts for discovery only; leave it out"],
        ),
        (
            {"issuer": "https://{tenantid}.idp.example", "unsafe_any_tenant": True, "keys": "x"},
            ["keys: "],
        ),
    ],
)
def test_tenants_that_do_not_fit(fields: dict[str, object], sentences: list[str]) -> None:
    told = wrong(**fields)
    assert [sentence[: len(start)] for sentence, start in zip(told, sentences, strict=True)] == (
        sentences
    )
