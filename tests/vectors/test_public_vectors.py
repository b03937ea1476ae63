"""Published vectors: Wycheproof's JOSE files and the cookbook of RFC 7520 and RFC 8037.

Their payloads are not claims, so they go through parse_key_set, parse_jws and check_signature. Keys
of this world are public: whatever asks for a symmetric or private key is refused, valid or not.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.jwks.errors import KeySourceUnavailable, TokenRefused
from gatepass.jwks.faults import KeyFault, KeyRejected
from gatepass.jwks.jws import check_signature, parse_jws
from gatepass.jwks.keys import PRIVATE_MEMBERS, key_from_jwk
from gatepass.jwks.keyset import parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import ALGORITHMS

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
WYCHEPROOF = ("json_web_signature_test", "json_web_key_test", "json_web_crypto_test")

REFUSED_THOUGH_VALID = {
    # The token says PS384 and the JWK says PS256.
    ("json_web_signature_test", 346),
    ("json_web_signature_test", 350),
    # The token says ES512 and the JWK says ES521, which is no algorithm.
    ("json_web_signature_test", 347),
    ("json_web_signature_test", 351),
}
"""The only exemptions. Four more that others need are symmetric, so that all of them are refused:
367 and 370 ("invalid") are octet for octet the valid 357, 372 and 373 ("valid") hold a `?`."""


def test_the_vectors_are_there() -> None:
    if not VECTORS.is_dir():
        if "CI" in os.environ:
            pytest.fail("the public vectors are missing, and this run must have them")
        pytest.skip("THE PUBLIC VECTORS ARE MISSING: nothing of Wycheproof and RFC 7520 was tested")


def load(path: Path) -> dict[str, object]:
    document = json.loads(path.read_text())
    assert isinstance(document, dict)
    return document


def members(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def items(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def wycheproof() -> Iterator[object]:
    for name in WYCHEPROOF if VECTORS.is_dir() else ():
        for group in map(
            members, items(load(VECTORS / "wycheproof" / f"{name}.json")["testGroups"])
        ):
            public = group.get("public")
            for case in map(members, items(group["tests"])):
                valid = case["result"] == "valid" and public is not None and "jws" in case
                valid = valid and (name, case["tcId"]) not in REFUSED_THOUGH_VALID
                key = public or group["private"]
                token = case.get("jws", case.get("jwe"))
                yield pytest.param(key, token, valid, id=f"{name}-{case['tcId']}-{case['comment']}")


def cookbook() -> Iterator[object]:
    folder = VECTORS / "ietf-jose-cookbook"
    for path in sorted([*folder.glob("jws/*.json"), *folder.glob("curve25519/jws.json")]):
        given, output = (members(load(path)[part]) for part in ("input", "output"))
        for form, token in output.items():
            keys = given["key"] if isinstance(given["key"], list) else [given["key"]]
            public = [
                {name: value for name, value in members(key).items() if name not in PRIVATE_MEMBERS}
                for key in keys
            ]
            valid = form == "compact" and not str(given["alg"]).startswith("HS")
            yield pytest.param({"keys": public}, token, valid, id=f"{path.stem}-{form}")


def verifies(key: object, token: object) -> bool:
    document = key if isinstance(key, dict) and "keys" in key else {"keys": [key]}
    octets = (token if isinstance(token, str) else json.dumps(token)).encode()
    try:
        keys = parse_key_set(json.dumps(document).encode())
        check_signature(parse_jws(octets, DEFAULT_LIMITS), keys, ALGORITHMS)
    except (TokenRefused, KeySourceUnavailable):
        return False
    return True


@pytest.mark.parametrize(("key", "token", "valid"), [*wycheproof()])
def test_wycheproof(key: object, token: object, *, valid: bool) -> None:
    assert verifies(key, token) == valid


@pytest.mark.parametrize(("key", "token", "valid"), [*cookbook()])
def test_cookbook(key: object, token: object, *, valid: bool) -> None:
    assert verifies(key, token) == valid


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("3_1.ec_public_key", None),
        ("3_2.ec_private_key", KeyFault.PRIVATE),
        ("3_3.rsa_public_key", None),
        ("3_4.rsa_private_key", KeyFault.PRIVATE),
        ("3_5.symmetric_key_mac_computation", KeyFault.SYMMETRIC),
        ("3_6.symmetric_key_encryption", KeyFault.SYMMETRIC),
    ],
)
@pytest.mark.skipif(not VECTORS.is_dir(), reason="test_the_vectors_are_there says so")
def test_cookbook_keys(name: str, fault: KeyFault | None) -> None:
    jwk = load(VECTORS / "ietf-jose-cookbook" / "jwk" / f"{name}.json")
    if fault is None:
        assert key_from_jwk(jwk, DEFAULT_LIMITS).kid == jwk["kid"]
    else:
        with pytest.raises(KeyRejected) as rejected:
            key_from_jwk(jwk, DEFAULT_LIMITS)
        assert rejected.value.fault is fault
