"""How an issuer is asked about opaque tokens, as the settings say it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.jwks import (
    Client,
    ClientAuthentication,
    DiscoveredEndpoint,
    DiscoveredKeys,
    FileKeys,
    Introspection,
    Issuer,
    Metadata,
    NamedEndpoint,
)
from gatepass.plugin.settings import compile_settings, load_settings
from support.settings import (
    ISSUER,
    LEAST_TEXT,
    issuer_with,
    problems_of,
    sentences_of,
    settings_with,
)

SECRET = "canary-secret"
ASKING: Mapping[str, object] = {"client_id": "gatepass", "client_secret": SECRET}
OTHER: Mapping[str, object] = {"issuer": "https://other.example", "audience": "llm-gateway"}
THERE = "tokens cannot be asked about there: "


def issuer(asking: Mapping[str, object] | None = None, **fields: object) -> Issuer:
    """Return an issuer with introspection as it is compiled."""
    introspection = {**ASKING, **(asking or {})}
    (compiled,) = compile_settings(issuer_with(introspection=introspection, **fields)).issuers
    return compiled


def wrong(asking: Mapping[str, object] | None = None, **fields: object) -> list[str]:
    """Return what is wrong with such an issuer, without the way to it."""
    entry = {**ISSUER, "introspection": {**ASKING, **(asking or {})}, **fields}
    sentences = sentences_of(issuers=[entry])
    assert SECRET not in str(sentences)
    return [sentence.removeprefix("issuers[0].") for sentence in sentences]


def asked(compiled: Issuer) -> Introspection:
    assert compiled.introspection is not None
    return compiled.introspection


def test_without_a_word_nobody_is_asked() -> None:
    (compiled,) = compile_settings(issuer_with()).issuers
    assert compiled.introspection is None


def test_what_counts_by_default() -> None:
    compiled = issuer()
    assert isinstance(compiled.source, DiscoveredKeys)
    introspection = asked(compiled)
    assert introspection == Introspection(
        endpoint=DiscoveredEndpoint("https://idp.example", compiled.source.fetcher),
        client=Client("gatepass", SECRET, ClientAuthentication.BASIC),
        fetcher=compiled.source.fetcher,
        token_prefix="",
        cache_seconds=30,
        refused_seconds=10,
        max_per_second=100,
        max_in_flight=32,
    )
    assert introspection.fetcher is compiled.source.fetcher, "with the bounds of the issuer's keys"


def test_what_counts_as_said() -> None:
    said = {
        "endpoint": "https://tokens.example/introspect",
        "auth": "client_secret_post",
        "token_prefix": "at_",
        "cache": "0s",
        "inactive_cache": "1m",
        "max_per_second": "5",
        "max_in_flight": 2,
    }
    introspection = asked(issuer(said))
    assert introspection == Introspection(
        endpoint=NamedEndpoint("https://tokens.example/introspect"),
        client=Client("gatepass", SECRET, ClientAuthentication.POST),
        fetcher=introspection.fetcher,
        token_prefix="at_",
        cache_seconds=0,
        refused_seconds=60,
        max_per_second=5,
        max_in_flight=2,
    )


@pytest.mark.parametrize(
    ("word", "metadata"), [("discovery", Metadata.OPENID), ("oauth-metadata", Metadata.OAUTH)]
)
def test_sec_21_the_metadata_that_names_the_endpoint(word: str, metadata: Metadata) -> None:
    introspection = asked(
        issuer(
            {"endpoint": word},
            jwks_file="keys.json",
            jwks_hosts="tokens.example",
            ca_file="ca.pem",
        )
    )
    assert introspection.endpoint == DiscoveredEndpoint(
        "https://idp.example",
        introspection.fetcher,
        allowed_hosts=frozenset({"tokens.example"}),
        metadata=metadata,
    )


def test_an_issuer_may_have_no_keys_or_keys_of_any_place() -> None:
    assert issuer(keys="none").source is None
    assert isinstance(issuer(jwks_file="f").source, FileKeys)
    assert isinstance(issuer(keys="oauth-metadata").source, DiscoveredKeys)


@pytest.mark.parametrize(
    ("asking", "fields", "sentences"),
    [
        ({"client_id": ""}, {}, ["introspection.client_id: must not be empty"]),
        ({"client_id": "é"}, {}, ["introspection.client_id: must be printable ASCII"]),
        ({"client_secret": None}, {}, ["introspection.client_secret: has no value"]),
        ({"client_secret": "ü"}, {}, ["introspection.client_secret: must be printable ASCII"]),
        (
            {"auth": "private_key_jwt"},
            {},
            ["introspection.auth: must be 'client_secret_basic' or 'client_secret_post'"],
        ),
        ({"token_prefix": "eyJ"}, {}, ["introspection.token_prefix: JWTs begin so"]),
        ({"token_prefix": "a b"}, {}, ["introspection.token_prefix: 1 to 64 characters"]),
        ({"cache": "2h"}, {}, ["introspection.cache: must be from 0s to 1h"]),
        ({"inactive_cache": "0s"}, {}, ["introspection.inactive_cache: must be from 1s to 10m"]),
        ({"max_per_second": "0"}, {}, ["introspection.max_per_second: must be from 1 to 10000"]),
        ({"max_in_flight": 10_001}, {}, ["introspection.max_in_flight: must be from 1 to 10000"]),
        (
            {"token_hint": "x"},
            {},
            ["introspection.token_hint: unknown setting"],
        ),
        (
            {"endpoint": "http://idp.example/i"},
            {},
            [f"introspection.endpoint: {THERE}not https; plain http passes only to 127.0.0.1"],
        ),
        (
            {"endpoint": "introspect"},
            {},
            [f"introspection.endpoint: {THERE}not a plain https URL"],
        ),
        (
            {"endpoint": "https://169.254.169.254/i"},
            {"jwks_file": "f"},
            [f"introspection.endpoint: {THERE}link-local"],
        ),
        (
            {"endpoint": "https://10.0.0.1/i"},
            {},
            [f"introspection.endpoint: {THERE}private network; name it in allow_networks"],
        ),
        (
            {},
            {"issuer": "idp", "keys": "none"},
            ["issuer: keys cannot be fetched there: not a plain https URL"],
        ),
        (
            {},
            {"issuer": "https://idp.example?a=b", "jwks_uri": "http://a.example"},
            [
                "issuer: has a query; discovery needs an issuer without one",
                "jwks_uri: keys cannot be fetched there: not https",
            ],
        ),
        (
            {"endpoint": "https://a.example/i"},
            {"jwks_file": "f", "jwks_hosts": "a.example"},
            ["jwks_hosts: counts for discovery only; leave it out"],
        ),
        (
            {},
            {"issuer": "https://a.example/{tenantid}", "unsafe_any_tenant": True},
            ["introspection: not for an issuer of many tenants; name one"],
        ),
        (
            {"cache": "x"},
            {"jwks_file": "f", "jwks_hosts": "a.example", "ca_file": "f"},
            ["introspection.cache: "],
        ),
        ({}, {"keys": "none", "jwks_file": "f"}, ["jwks_file: contradicts keys"]),
    ],
)
def test_ways_of_asking_that_can_only_be_wrong(
    asking: dict[str, object], fields: dict[str, object], sentences: list[str]
) -> None:
    told = wrong(asking, **fields)
    assert [sentence[: len(start)] for sentence, start in zip(told, sentences, strict=True)] == (
        sentences
    )


def test_an_issuer_without_keys_is_asked_or_good_for_nothing() -> None:
    (sentence,) = sentences_of(issuers=[{**ISSUER, "keys": "none"}])
    assert sentence == (
        "issuers[0].keys: without keys nothing passes; add introspection, or name keys"
    )
    (sentence,) = sentences_of(issuers=[{**ISSUER, "introspection": {"client_id": "a"}}])
    assert sentence == "issuers[0].introspection.client_secret: required, but missing"


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (
            {},
            {},
            ": an issuer above has no token_prefix either; give one of them its own",
        ),
        (
            {"token_prefix": "at_"},
            {"token_prefix": "at_b"},
            ".token_prefix: an issuer above has tokens that may begin the same",
        ),
    ],
)
def test_sec_16_whose_token_it_is_must_show(
    first: dict[str, str], second: dict[str, str], sentence: str
) -> None:
    between = {**ISSUER, "issuer": "https://third.example"}
    entries = [
        {**ISSUER, "introspection": {**ASKING, **first}},
        between,
        {**OTHER, "introspection": {**ASKING, **second}},
    ]
    assert sentences_of(issuers=entries) == [f"issuers[2].introspection{sentence}"]
    entries[2] = {**OTHER, "introspection": {**ASKING, "token_prefix": "bt_"}}
    assert len(settings_with(issuers=entries).issuers) == 3


FILE = LEAST_TEXT.replace(
    "profiles:",
    "    introspection:\n      client_id: gatepass\n      client_secret: REFERENCE\nprofiles:",
)


def test_sec_60_a_secret_comes_from_elsewhere_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    path = tmp_path / "gatepass.yaml"
    for reference in ("${SECRET}", "${file:secret}"):
        path.write_text(FILE.replace("REFERENCE", f'"{reference}"'))
        settings = load_settings(path, environ={"SECRET": SECRET})
        (compiled,) = compile_settings(settings).issuers
        assert asked(compiled).client.client_secret == SECRET
        assert SECRET not in repr(settings)
        assert SECRET not in repr(compiled)
    text = FILE.replace("REFERENCE", '"${SECRET}"').replace("client_id: gatepass", "client_id: é")
    (problem,) = problems_of(tmp_path, text, {"SECRET": SECRET})
    assert SECRET not in problem
