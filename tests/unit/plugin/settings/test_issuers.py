"""The rules between the fields of an issuer, and those that security.md numbers."""

from collections.abc import Mapping

import pytest

from support.settings import ISSUER, issuer_with, sentences_of
from support.tokens import key_set, signing_key


def wrong(*without: str, **fields: object) -> list[str]:
    """Return what is wrong with an issuer, without the way to it."""
    issuer = {name: value for name, value in ISSUER.items() if name not in without} | fields
    front = "issuers[0]."
    sentences = sentences_of(issuers=[issuer])
    assert all(sentence.startswith(front) for sentence in sentences)
    return [sentence.removeprefix(front) for sentence in sentences]


@pytest.mark.parametrize(
    "algorithms",
    [
        [],
        ["none"],
        ["None"],
        ["HS256"],
        ["RS256", "HS256"],
        ["rs256"],
        ["RS1"],
        ["ES256K"],
        "HS512",
    ],
)
def test_sec_01_algorithms_that_need_no_or_a_shared_secret(algorithms: object) -> None:
    (sentence,) = wrong(algorithms=algorithms)
    assert sentence.startswith("algorithms")


def test_sec_01_the_default_is_one_algorithm() -> None:
    assert issuer_with().issuers[0].algorithms == ("RS256",)


@pytest.mark.parametrize("leeway", ["61s", "2m", "1h", "-1s", "60", 10])
def test_sec_11_leeway_is_bounded(leeway: object) -> None:
    (sentence,) = wrong(leeway=leeway)
    assert sentence.startswith("leeway: ")


def test_sec_11_leeway_up_to_a_minute() -> None:
    assert issuer_with(leeway="60s").issuers[0].leeway == 60
    assert issuer_with(leeway="0s").issuers[0].leeway == 0


def test_sec_12_an_audience_is_named_or_the_check_is_given_up_in_words() -> None:
    name_one = "audience: name at least one, or say unsafe_any_audience: true"
    assert wrong("audience") == [name_one]
    assert wrong(audience=[]) == [name_one]
    assert wrong("audience", unsafe_any_audience="no") == [name_one]
    assert wrong(audience="") == ["audience[0]: must not be empty"]
    assert wrong(audience=["a", ""]) == ["audience[1]: must not be empty"]
    assert wrong(unsafe_any_audience="true") == [
        "unsafe_any_audience: contradicts audience; leave one of them out"
    ]
    issuer = {"issuer": "https://idp.example", "unsafe_any_audience": True}
    assert issuer_with(audience=[], **issuer).issuers[0].unsafe_any_audience


KEYS = "keys cannot be fetched there: "
PLAIN = "; plain http passes only to 127.0.0.1, with allow_http_loopback: true"
NOT_A_URL = "; an issuer that is no https URL needs jwks_uri, jwks_file or jwks"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"issuer": "http://idp.example"}, f"issuer: {KEYS}not https{PLAIN}"),
        ({"issuer": "http://127.0.0.1:1"}, f"issuer: {KEYS}not https{PLAIN}"),
        (
            {"issuer": "http://10.0.0.1", "allow_http_loopback": True},
            f"issuer: {KEYS}not https{PLAIN}",
        ),
        ({"issuer": "accounts.example"}, f"issuer: {KEYS}not a plain https URL{NOT_A_URL}"),
        (
            {"issuer": "https://idp.example?a=b"},
            "issuer: has a query; discovery needs an issuer without one",
        ),
        ({"jwks_uri": "https://u:p@a.example/k"}, f"jwks_uri: {KEYS}not a plain https URL"),
        ({"jwks_uri": "file:///etc/passwd"}, f"jwks_uri: {KEYS}not a plain https URL"),
        ({"jwks_uri": "https://169.254.169.254/k"}, f"jwks_uri: {KEYS}link-local"),
        ({"jwks_uri": "https://a.example/k", "jwks_file": "f"}, "jwks_file: contradicts jwks_uri"),
        ({"keys": "discovery", "jwks_file": "f"}, "jwks_file: contradicts keys"),
        ({"keys": "jwks"}, "keys: must be 'discovery', 'oauth-metadata' or 'none'"),
        (
            {"jwks_file": "f", "jwks_hosts": ["a.example"]},
            "jwks_hosts: counts for discovery only; leave it out",
        ),
        (
            {"issuer": "https://10.0.0.1"},
            f"issuer: {KEYS}private network; name it in allow_networks",
        ),
        (
            {"jwks_uri": "https://[fd00::1]/k", "allow_networks": "10.0.0.0/8"},
            f"jwks_uri: {KEYS}private network; name it in allow_networks",
        ),
        ({"allow_networks": ["0.0.0.0/0"]}, "allow_networks[0]: would be every address there is"),
        (
            {"jwks_file": "f", "allow_networks": "10.0.0.1"},
            "allow_networks: counts for keys that are fetched only; leave it out",
        ),
        (
            {"jwks_file": "f", "proxy": "http://a"},
            "proxy: counts for keys that are fetched only; leave it out",
        ),
        (
            {"jwks_file": "f", "ca_file": "ca.pem"},
            "ca_file: counts for keys that are fetched only; leave it out",
        ),
        ({"proxy": "proxy.corp:3128"}, "proxy: not a proxy; write http://proxy.example:3128"),
        ({"min_refresh": "0s"}, "min_refresh: must be from 1s to 30d"),
        ({"jwks_hosts": ["https://a.example"]}, "jwks_hosts[0]: not a host"),
        ({"jwks_hosts": ["A.example"]}, "jwks_hosts[0]: not a host"),
        ({"refresh": "1s", "min_refetch": "2s"}, "refresh: must not be shorter than min_refetch"),
        ({"refresh": "2h"}, "max_stale: must not be shorter than refresh"),
        ({"min_refetch": "0s"}, "min_refetch: must be from 1s to 30d"),
        ({"fetch_timeout": "2m"}, "fetch_timeout: must be from 1s to 1m"),
        ({"max_lifetime": "0s"}, "max_lifetime: must be from 1s to 3650d"),
        ({"token_types": [], "typ_required": True}, "token_types: name at least one"),
        ({"type_claims": {"typ": []}}, "type_claims.typ: name at least one"),
        ({"type_claims": ["typ"]}, "type_claims: must be a mapping"),
        ({"jwks": {"keys": []}}, "jwks: not a usable JWK Set: key set holds no list of keys"),
        ({"issuer": None}, "issuer: has no value"),
    ],
)
def test_sec_20_sec_21_issuers_that_can_only_be_wrong(
    fields: Mapping[str, object], sentence: str
) -> None:
    (found,) = wrong(**fields)
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "fields",
    [
        {"issuer": "https://idp.example/"},
        {"issuer": "http://127.0.0.1:8701/realms/a", "allow_http_loopback": "yes"},
        {"keys": "discovery", "jwks_hosts": ["keys.example", "10.0.0.1", "fd00::1"]},
        {"issuer": "https://10.0.0.1", "allow_networks": ["10.0.0.0/8", "fd00::1"]},
        {"issuer": "https://127.0.0.1"},
        {"keys": "oauth-metadata", "jwks_hosts": "keys.example"},
        {"proxy": "http://u:p@proxy.corp:3128", "ca_file": "ca.pem"},
        {"issuer": "accounts.example", "jwks_uri": "https://keys.example/jwks?v=1"},
        {"issuer": "urn:acme:idp", "jwks_file": "keys.json"},
        {"issuer": "acme", "jwks": key_set(signing_key("ES256")).decode()},
        {"refresh": "1s", "min_refetch": "1s", "max_stale": "1s"},
        {"token_types": []},
        {"type_claims": {}},
        {"max_lifetime": None},
    ],
)
def test_issuers_that_are_right(fields: Mapping[str, object]) -> None:
    assert issuer_with(**fields)


def test_rules_between_right_fields_are_kept_while_others_are_wrong() -> None:
    assert wrong(refresh="1s", min_refetch="5s", leeway="2m", jwks_uri="http://a.example") == [
        f"jwks_uri: {KEYS}not https{PLAIN}",
        "leeway: must be from 0s to 1m",
        "refresh: must not be shorter than min_refetch",
    ]
    assert wrong(jwks_uri="", keys="discovery", audiance="b") == [
        'audiance: unknown setting; did you mean "audience"?',
        "jwks_uri: must not be empty",
    ]
