"""Whose an opaque token is, by its bytes alone."""

import pytest

from gatepass.jwks.opaque import OpaqueTokens, overlaps, prefix_problem
from support.tokens import signing_key

JWT = signing_key("ES256").token()


def test_a_prefix_names_the_owner() -> None:
    tokens = OpaqueTokens({"ory_at_": "ory", "v4.public.": "paseto", "": "other"})
    assert tokens.owner(b"ory_at_abc.def") == "ory"
    assert tokens.owner(b"v4.public.abc") == "paseto"
    assert tokens.owner(b"ory_rt_abc") == "other"
    assert tokens.owner(b"2YotnFZFEjr1zCsicMWpAA") == "other"
    assert tokens.owner(b"ya29.a0Af") == "other"


def test_sec_13_what_looks_like_jose_is_nobodys() -> None:
    tokens = OpaqueTokens({"": "other"})
    assert tokens.owner(JWT) is None
    assert tokens.owner(b"..") is None
    assert tokens.owner(b"a.b.c.d.e") is None
    assert tokens.owner(b"a.b.c.d") == "other"


def test_sec_13_sec_19_a_refused_jwt_finds_no_other_judge_by_a_dot_more_or_less() -> None:
    tokens = OpaqueTokens({"ory_at_": "ory", "": "other"})
    header, payload, _ = JWT.split(b".")
    for changed in (
        JWT + b".",
        JWT + b"...",
        b".".join((header, payload)),
        header + b".",
        b"ewogICJhbGciOiJub25lIn0.e30",
        b"eyJhbGciOiJub25lIn0.e30",
    ):
        assert tokens.owner(changed) is None
    assert tokens.owner(header) == "other", "without a dot it is no part of a JWT that counts"
    assert tokens.owner(b"exAmple.abc") == "other"
    assert tokens.owner(b"ory_at_" + JWT + b".") == "ory"


def test_without_owners_no_token_has_one() -> None:
    assert OpaqueTokens[str]({}).owner(b"abc") is None
    assert OpaqueTokens({"at_": "a"}).owner(b"abc") is None


@pytest.mark.parametrize("prefix", ["ory_at_", "E", "i", "ex", "v4.public.", "a" * 64, "/"])
def test_prefixes_that_tell_tokens_apart(prefix: str) -> None:
    assert prefix_problem(prefix) is None


@pytest.mark.parametrize("prefix", ["", "a" * 65, "a b", "a=", "é", "a\n", "*"])
def test_prefixes_that_no_bearer_token_has(prefix: str) -> None:
    assert "characters that a bearer token may hold" in str(prefix_problem(prefix))


@pytest.mark.parametrize("prefix", ["e", "ey", "ew", "eyJ", "eyJhbGciOi", "ewog"])
def test_prefixes_that_jwts_have(prefix: str) -> None:
    assert "JWTs begin so" in str(prefix_problem(prefix))


@pytest.mark.parametrize(
    ("prefix", "others", "expected"),
    [
        ("", [], False),
        ("", [""], True),
        ("", ["a"], False),
        ("a", [""], False),
        ("a", ["a"], True),
        ("ab", ["b", "a"], True),
        ("a", ["ab"], True),
        ("ab", ["aa", "b"], False),
    ],
)
def test_prefixes_that_cannot_be_told_apart(
    prefix: str, others: list[str], *, expected: bool
) -> None:
    assert overlaps(prefix, others) is expected
