"""Issuers that cannot be told from each other, and ways of asking that can only be wrong."""

from dataclasses import replace

import pytest

from gatepass.jwks import (
    ConfigurationError,
    InlineKeys,
    Introspection,
    Issuer,
    IssuerRules,
    Verifier,
)
from support.introspection import asking, opaque_issuer
from support.keys_over_time import KEYS
from support.tokens import AUDIENCE

TENANTS = "https://login.example/{tenantid}/v2.0"


def issuers(*prefixes: str) -> list[Issuer]:
    url = "https://idp.example/introspect"
    return [
        opaque_issuer(asking(url, token_prefix=prefix), f"https://idp-{number}.example")
        for number, prefix in enumerate(prefixes)
    ]


def problems(*issuers: Issuer) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as wrong:
        Verifier(issuers)
    return wrong.value.problems


def test_opaque_tokens_of_two_issuers_must_differ() -> None:
    sentence = "introspection.token_prefix: cannot be told from that of an issuer before it"
    with_keys = replace(issuers("")[0], introspection=None, source=InlineKeys(KEYS))
    assert problems(with_keys, *issuers("x", "", "")[1:]) == (f"issuers[2].{sentence}",)
    assert problems(*issuers("at_", "b", "at_x")) == (f"issuers[2].{sentence}",)
    Verifier(issuers("at_", "bt_", ""))


def test_an_issuer_with_nothing_to_tell_good_tokens_by() -> None:
    nothing = replace(issuers("")[0], introspection=None)
    assert problems(nothing) == ("issuers[0]: has neither keys nor introspection",)


def test_sec_14_an_issuer_of_many_tenants_cannot_be_asked() -> None:
    rules = IssuerRules(
        TENANTS, frozenset({AUDIENCE}), frozenset({"ES256"}), unsafe_any_tenant=True
    )
    asked = replace(issuers("")[0], rules=rules)
    assert problems(asked) == ("issuers[0].introspection: not for an issuer of many tenants",)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"token_prefix": "eyJ"}, "token_prefix: JWTs begin so"),
        ({"cache_seconds": -1}, "cache: must not be negative or endless"),
        ({"cache_seconds": float("inf")}, "cache: must not be negative or endless"),
        ({"cache_seconds": float("nan")}, "cache: must not be negative or endless"),
        ({"refused_seconds": 0}, "inactive_cache: must be positive"),
        ({"max_per_second": 0}, "max_per_second: must be positive"),
        ({"max_in_flight": 0}, "max_in_flight: must be positive"),
    ],
)
def test_a_way_of_asking_that_can_only_be_wrong(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        asking("https://idp.example/introspect", **fields)
    (told,) = wrong.value.problems
    assert told.startswith(problem)


def test_sec_60_the_secret_of_an_issuer_shows_in_no_repr() -> None:
    introspection: Introspection = asking("https://idp.example/introspect")
    issuer = opaque_issuer(introspection)
    assert introspection.client.client_secret not in repr(issuer)
