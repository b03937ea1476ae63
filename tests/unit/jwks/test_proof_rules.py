"""What rules for proofs can only be wrong, and the spelling of URLs."""

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.proof_rules import ProofRules, normal_url


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://A.example", "https://a.example/"),
        ("HTTP://a.example:80/X?y#z", "http://a.example/X"),
        ("http://a.example:443/", "http://a.example:443/"),
        ("https://a.example:443/", "https://a.example/"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://a.example?x", "https://a.example/"),
        ("ftp://a.example/", None),
        ("https:///x", None),
        ("https://u@a.example/", None),
        ("https://a.example:x/", None),
        ("//a.example/", None),
        ("https://\u00e4.example/", None),
        (" https://a.example/", None),
        ("https://a.example/\n", "https://a.example/\n"),
    ],
)
def test_a_url_has_one_spelling(url: str, normal: str | None) -> None:
    assert normal_url(url) == normal


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"external_urls": ()}, "external_urls: name at least one"),
        ({"external_urls": ("https://a", "b")}, r"external_urls\[1\]: not a URL"),
        ({"external_urls": ("https://a?x",)}, r"external_urls\[0\]: not a URL"),
        ({"external_urls": ("https://a#x",)}, r"external_urls\[0\]: not a URL"),
        ({"algorithms": frozenset()}, "algorithms: name at least one"),
        ({"algorithms": frozenset({"HS256"})}, "algorithms: possible:"),
        ({"max_age_seconds": 0}, "max_age: must be from 1 to 300"),
        ({"max_age_seconds": 301}, "max_age: must be from 1 to 300"),
        ({"leeway_seconds": -1}, "leeway: must be from 0 to 60"),
        ({"leeway_seconds": 61}, "leeway: must be from 0 to 60"),
        ({"max_proofs": 0}, "max_proofs: must be positive"),
    ],
)
def test_sec_01_rules_that_can_only_be_wrong(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        ProofRules(**({"external_urls": ("https://a",)} | changes))  # type: ignore[arg-type]
