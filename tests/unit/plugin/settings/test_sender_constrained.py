"""Settings of bound tokens: what they mean, and what can only be wrong."""

import pytest

from gatepass.jwks import Binding, ProofRules
from gatepass.plugin.gateways.certificates import CertificateForm, CertificateHeader
from gatepass.plugin.settings import compile_settings
from support.settings import ISSUER, sentences_of, settings_with

URL = "https://llm.example.com"
DOORS = {"kong": {"socket": "/run/k.sock"}, "apisix": {}}
NOTHING_LEFT = "unsafe_ignore_confirmation: nothing is left to ignore; leave it out"
NOT_A_URL = "not a URL; write https://host, with a port and a path where there are any"
NO_ADDRESS = "name the addresses at which clients reach the gateway, or no proof can be compared"
NOTHING_BOUND = (
    "no issuer's tokens are bound to certificates; set sender_constrained.mtls, or leave this out"
)
NO_HEADER = "says how a header is written that is not named; set client_certificate_header"
IN_USE = "the header has another use already; letter case does not count, and _ reads as -"


def issuers(**constrained: object) -> list[object]:
    return [{**ISSUER, "sender_constrained": constrained}]


def test_nothing_is_bound_unless_said() -> None:
    compiled = compile_settings(settings_with(doors=DOORS))
    (issuer,) = compiled.issuers
    assert issuer.rules.mtls is issuer.rules.dpop is Binding.OFF
    assert issuer.rules.unsafe_ignore_confirmation is False
    assert compiled.proofs is None
    assert compiled.http.client_certificate is None
    assert compiled.kong is not None
    assert compiled.apisix is not None
    assert not compiled.kong.certificates
    assert not compiled.apisix.certificates


def test_tokens_that_are_bound_to_keys() -> None:
    said = {
        "external_urls": [URL, "http://127.0.0.1:8080/eu"],
        "algorithms": ["ES256"],
        "max_age": "30s",
        "leeway": "0",
        "max_proofs": "5000",
    }
    compiled = compile_settings(settings_with(issuers=issuers(dpop="required"), dpop=said))
    assert compiled.issuers[0].rules.dpop is Binding.REQUIRED
    assert compiled.proofs == ProofRules(
        external_urls=(URL, "http://127.0.0.1:8080/eu"),
        algorithms=frozenset({"ES256"}),
        max_age_seconds=30,
        leeway_seconds=0,
        max_proofs=5000,
    )
    least = settings_with(issuers=issuers(dpop="optional"), dpop={"external_urls": URL})
    assert compile_settings(least).proofs == ProofRules((URL,))


@pytest.mark.parametrize(
    ("type_claims", "accepted"),
    [
        ({}, {"bearer", "dpop"}),
        ({"type_claims": {"typ": ["Bearer"]}}, {"bearer", "dpop"}),
        ({"preset": "keycloak"}, {"bearer", "dpop"}),
        ({"type_claims": {"typ": ["access"]}}, {"access"}),
        ({"type_claims": {"token_use": ["access"]}}, None),
    ],
)
def test_a_token_bound_to_a_key_may_say_dpop_for_bearer(
    type_claims: dict[str, object], accepted: set[str] | None
) -> None:
    entry = {**ISSUER, **type_claims, "sender_constrained": {"dpop": "optional"}}
    bound = compile_settings(settings_with(issuers=[entry], dpop={"external_urls": URL}))
    found = bound.issuers[0].rules.type_claims.get("typ")
    assert found == accepted
    unbound = compile_settings(settings_with(issuers=[{**ISSUER, **type_claims}]))
    assert "dpop" not in unbound.issuers[0].rules.type_claims.get("typ", ())


def test_tokens_that_are_bound_to_certificates() -> None:
    http = {"client_certificate_header": "X-Client-Cert"}
    compiled = compile_settings(
        settings_with(issuers=issuers(mtls="optional"), doors=DOORS | {"http": http})
    )
    assert compiled.issuers[0].rules.mtls is Binding.OPTIONAL
    assert compiled.http.client_certificate == CertificateHeader(
        b"x-client-cert", CertificateForm.PEM
    )
    assert b"x-client-cert" in compiled.identity_headers.every()
    assert compiled.kong is not None
    assert compiled.apisix is not None
    assert compiled.kong.certificates
    assert compiled.apisix.certificates
    http |= {"client_certificate_form": "xfcc"}
    bound = settings_with(issuers=issuers(mtls="required"), doors={"http": http})
    shown = compile_settings(bound).http.client_certificate
    assert shown == CertificateHeader(b"x-client-cert", CertificateForm.XFCC)


def test_what_is_ignored_is_said() -> None:
    ignored = issuers(unsafe_ignore_confirmation="true")
    assert (
        compile_settings(settings_with(issuers=ignored)).issuers[0].rules.unsafe_ignore_confirmation
    )


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        (
            {"issuers": issuers(mtls="on")},
            "issuers[0].sender_constrained.mtls: must be one of off, optional, required",
        ),
        (
            {"issuers": issuers(dpop=True)},
            "issuers[0].sender_constrained.dpop: must be one of off, optional, required",
        ),
        (
            {"issuers": issuers(dpop="optional")},
            f"dpop.external_urls: {NO_ADDRESS}",
        ),
        (
            {
                "issuers": issuers(
                    mtls="optional", dpop="required", unsafe_ignore_confirmation="true"
                ),
                "dpop": {"external_urls": URL},
            },
            f"issuers[0].sender_constrained.{NOTHING_LEFT}",
        ),
        (
            {"dpop": {"external_urls": ["llm.example.com"]}},
            f"dpop.external_urls[0]: {NOT_A_URL}",
        ),
        (
            {"dpop": {"external_urls": [URL + "?a"]}},
            f"dpop.external_urls[0]: {NOT_A_URL}",
        ),
        (
            {"dpop": {"external_urls": [URL + "#a"]}},
            f"dpop.external_urls[0]: {NOT_A_URL}",
        ),
        ({"dpop": {"max_age": "301s"}}, "dpop.max_age: must be from 1s to 5m"),
        ({"dpop": {"leeway": "61s"}}, "dpop.leeway: must be from 0s to 1m"),
        ({"dpop": {"max_proofs": 0}}, "dpop.max_proofs: must be from 1 to 10000000"),
        (
            {"doors": {"http": {"client_certificate_form": "x509"}}},
            "doors.http.client_certificate_form: must be one of pem, der, rfc9440, xfcc",
        ),
        (
            {
                "issuers": issuers(mtls="optional"),
                "doors": {"http": {"client_certificate_header": "x_gatepass-user"}},
            },
            f"doors.http.client_certificate_header: {IN_USE}",
        ),
        (
            {"doors": {"http": {"client_certificate_header": "x-client-cert"}}},
            f"doors.http.client_certificate_header: {NOTHING_BOUND}",
        ),
        (
            {"issuers": issuers(mtls="off"), "doors": {"http": {"client_certificate_form": "pem"}}},
            f"doors.http.client_certificate_form: {NO_HEADER}",
        ),
    ],
)
def test_what_can_only_be_wrong(sections: dict[str, object], sentence: str) -> None:
    assert sentences_of(**sections) == [sentence]
