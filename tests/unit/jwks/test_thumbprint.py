"""The thumbprints that the RFCs print, and what has none."""

import pytest

from gatepass.jwks.faults import KeyFault, KeyRejected
from gatepass.jwks.thumbprint import key_thumbprint
from support.proofs import thumbprint
from support.tokens import b64, signing_key

RFC_7638_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP"
    "ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0f"
    "M4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


def test_the_example_of_rfc_7638_section_3_1() -> None:
    jwk = {
        "kty": "RSA",
        "n": RFC_7638_N,
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }
    assert b64(key_thumbprint(jwk)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_example_of_rfc_8037_appendix_a_3() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert b64(key_thumbprint(jwk)) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_example_of_rfc_9449_section_6_1() -> None:
    jwk = {
        "kty": "EC",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        "crv": "P-256",
    }
    assert b64(key_thumbprint(jwk)) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
def test_every_kind_of_key_has_one(algorithm: str) -> None:
    key = signing_key(algorithm)
    assert key_thumbprint(key.jwk()) == thumbprint(key)


@pytest.mark.parametrize(
    ("jwk", "fault"),
    [
        ({}, KeyFault.UNSUPPORTED),
        ({"kty": "oct", "k": "c2VjcmV0"}, KeyFault.UNSUPPORTED),
        ({"kty": ["EC"]}, KeyFault.UNSUPPORTED),
        ({"kty": "EC", "crv": "P-256", "x": "AA"}, KeyFault.MALFORMED),
        ({"kty": "RSA", "n": 3, "e": "AQAB"}, KeyFault.MALFORMED),
        ({"kty": "RSA", "n": "\ud800", "e": "AQAB"}, KeyFault.MALFORMED),
    ],
)
def test_what_has_none(jwk: dict[str, object], fault: KeyFault) -> None:
    with pytest.raises(KeyRejected) as rejected:
        key_thumbprint(jwk)
    assert rejected.value.fault is fault
