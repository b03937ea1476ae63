import json

import pytest

from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.header import Header, HeaderCache, read_header
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import ALGORITHMS
from support.tokens import b64


def segment(document: object) -> bytes:
    octets = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b64(octets).encode()


def read(**members: object) -> Header:
    return read_header(segment({"alg": "RS256"} | members), DEFAULT_LIMITS)


def fault_of(document: object) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        read_header(segment(document), DEFAULT_LIMITS)
    return refused.value.fault


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_a_plain_header_is_read(algorithm: str) -> None:
    header = read(alg=algorithm, kid="a", typ="JWT")
    assert (header.algorithm, header.kid, header.typ) == (algorithm, "a", "jwt")
    bare = read(alg=algorithm)
    assert (bare.kid, bare.typ) == (None, None)


@pytest.mark.parametrize(
    "algorithm",
    [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256\0", " RS256",
        "RS1", "ES256K", "XX999", "RSA-OAEP", "dir", None, 256, True, ["RS256"], {"RS256": 1},
    ],
)  # fmt: skip
def test_sec_01_any_other_algorithm_is_refused(algorithm: object) -> None:
    assert fault_of({"alg": algorithm, "kid": "a"}) is TokenFault.UNSUPPORTED_ALG


def test_sec_01_a_missing_algorithm_is_refused() -> None:
    assert fault_of({"kid": "a"}) is TokenFault.UNSUPPORTED_ALG


@pytest.mark.parametrize(
    "members",
    [
        {"crit": ["exp-policy"], "exp-policy": "strict"},
        {"crit": []},
        {"crit": None},
        {"crit": "b64"},
        {"crit": ["alg"]},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
        {"b64": True},
        {"b64": "false"},
        {"zip": "DEF"},
        {"zip": None},
        {"cty": "JWT"},
        {"cty": "jwt"},
        {"cty": "application/jwt"},
        {"cty": "application/at+JWT"},
        {"cty": None},
        {"cty": ["JWT"]},
    ],
)
def test_sec_04_members_that_change_how_a_token_is_read_are_refused(
    members: dict[str, object],
) -> None:
    assert fault_of({"alg": "RS256"} | members) is TokenFault.BAD_HEADER
    assert fault_of({"alg": "none"} | members) is TokenFault.BAD_HEADER


def test_sec_03_keys_and_addresses_in_a_header_are_not_looked_at() -> None:
    jwk = {"kty": "oct", "k": "AQAB"}
    header = read(kid="a", jwk=jwk, jku="http://127.0.0.1:9/", x5u=1, x5c=[None], x5t="x", nonce=1)
    assert (header.algorithm, header.kid, header.typ) == ("RS256", "a", None)


def test_a_content_type_of_something_else_is_ignored() -> None:
    assert read(cty="json").algorithm == "RS256"


@pytest.mark.parametrize("name", ["kid", "typ"])
@pytest.mark.parametrize("value", [None, 7, True, ["a"], {}])
def test_names_and_types_are_strings(name: str, value: object) -> None:
    assert fault_of({"alg": "RS256", name: value}) is TokenFault.BAD_HEADER


@pytest.mark.parametrize(
    ("typ", "reads"),
    [
        ("JWT", "jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/AT+JWT", "at+jwt"),
        ("", ""),
        ("text/jwt", "text/jwt"),
        ("application/application/jwt", "application/jwt"),
    ],
)
def test_sec_15_types_are_compared_without_case_and_prefix(typ: str, reads: str) -> None:
    assert read(typ=typ).typ == reads


def test_sec_09_a_name_is_bounded() -> None:
    assert read(kid="k" * 256).kid == "k" * 256
    assert fault_of({"alg": "RS256", "kid": "k" * 257}) is TokenFault.TOO_LARGE


def test_sec_09_a_header_is_bounded() -> None:
    empty = len(json.dumps({"alg": "RS256", "x": ""}))
    assert read(x="y" * (2048 - empty)).algorithm == "RS256"
    assert fault_of({"alg": "RS256", "x": "y" * (2049 - empty)}) is TokenFault.TOO_LARGE
    assert fault_of(b"[" * 2049) is TokenFault.TOO_LARGE


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{alg:RS256}",
        b'["alg", "RS256"]',
        b'"RS256"',
        b'{"alg": "none", "alg": "RS256"}',
        b'{"alg": "RS256", "\\u0061lg": "none"}',
        b'{"alg": "RS256", "x": ' + b"[" * 1000,
        json.dumps({"alg": "RS256"}).encode("utf-16"),
        b'{"alg": "RS256", "x": NaN}',
        b'{"alg": "RS256", "x": "\xff"}',
    ],
)
def test_sec_08_a_header_is_a_strict_json_object(document: bytes) -> None:
    assert fault_of(document) is TokenFault.MALFORMED


def test_sec_07_padding_is_refused_unless_it_is_allowed() -> None:
    padded = segment(b'{"alg": "ES256"}') + b"=="
    with pytest.raises(TokenRefused):
        read_header(padded, DEFAULT_LIMITS)
    assert read_header(padded, DEFAULT_LIMITS, allow_padding=True).algorithm == "ES256"


def test_sec_60_a_header_does_not_show_its_names() -> None:
    assert "canary" not in repr(read(kid="canary", typ="canary"))


def test_a_cache_of_headers_stays_within_its_bound() -> None:
    cache = HeaderCache(max_entries=3)
    header = read()
    for number in range(10):
        name = segment(number)
        assert cache.get(name) is None
        cache.remember(name, header)
        assert cache.get(name) is header
        assert len(cache) == number % 3 + 1
