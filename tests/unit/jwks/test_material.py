"""What a key set may publish as a key, number by number (SEC-28)."""

import math

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gatepass.jwks.faults import KeyFault, KeyRejected, KeyRemark
from gatepass.jwks.keys import key_from_jwk
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from support.tokens import b64_int, signing_key

RSA = signing_key("RS256")
ZEROS_32 = "A" * 43


def modulus() -> int:
    public = RSA.private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    return public.public_numbers().n


def roca_modulus() -> int:
    """Return 2048 bits that look like a key of the broken library; they need not be prime."""
    primes = [n for n in range(2, 702) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    primorial = math.prod(primes)
    first = (1 << 53) * primorial + pow(65537, 1234, primorial)
    return first * (((1 << 2048) // first // primorial) * primorial + pow(65537, 5, primorial))


def fault_of(jwk: dict[str, object], limits: Limits = DEFAULT_LIMITS) -> KeyFault:
    with pytest.raises(KeyRejected) as rejected:
        key_from_jwk(jwk, limits)
    return rejected.value.fault


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"n": b64_int(modulus() >> 1 | 1)}, id="2047-bits"),
        pytest.param({"n": b64_int((1 << 1024) - 159)}, id="1024-bits"),
        pytest.param({"n": b64_int((1 << 8193) - 1)}, id="8193-bits"),
        pytest.param({"n": b64_int((1 << 16384) - 159)}, id="16384-bits"),
        pytest.param({"n": b64_int(modulus() & ~1)}, id="even-modulus"),
        pytest.param({"n": b64_int(roca_modulus())}, id="roca"),
        pytest.param({"n": ""}, id="no-modulus"),
        pytest.param({"e": "AA"}, id="exponent-0"),
        pytest.param({"e": "AQ"}, id="exponent-1"),
        pytest.param({"e": "Ag"}, id="exponent-2"),
        pytest.param({"e": b64_int(65536)}, id="even-exponent"),
        pytest.param({"e": b64_int((1 << 64) + 1)}, id="exponent-of-65-bits"),
        pytest.param({"e": b64_int(modulus() - 2)}, id="exponent-as-long-as-the-modulus"),
        pytest.param({"e": ""}, id="no-exponent"),
    ],
)
def test_sec_28_unsafe_rsa_numbers_are_weak(changes: dict[str, object]) -> None:
    assert fault_of(RSA.jwk(**changes)) is KeyFault.WEAK


@pytest.mark.parametrize("name", ["n", "e"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1, id="number"),
        pytest.param(["AQAB"], id="list"),
        pytest.param("AQAB=", id="padding"),
        pytest.param("AQ+B", id="standard-alphabet"),
        pytest.param("!!", id="junk"),
        pytest.param("ÄQAB", id="not-ascii"),
        pytest.param(None, id="missing"),
    ],
)
def test_rsa_numbers_that_cannot_be_read_are_malformed(name: str, value: object) -> None:
    assert fault_of(RSA.jwk(**{name: value})) is KeyFault.MALFORMED


@pytest.mark.parametrize("bits", [2048, 3072, 8192])
def test_rsa_sizes_within_the_bounds_are_used(bits: int) -> None:
    number = (1 << bits) - 1
    while number % 3 == 0:
        number -= 2
    assert key_from_jwk(RSA.jwk(n=b64_int(number)), DEFAULT_LIMITS).key_type == "RSA"


def test_a_deployment_may_ask_for_longer_moduli() -> None:
    assert fault_of(RSA.jwk(), Limits(min_rsa_bits=3072)) is KeyFault.WEAK
    assert fault_of(RSA.jwk(n=b64_int((1 << 4096) - 3)), Limits(max_rsa_bits=3072)) is KeyFault.WEAK


@pytest.mark.parametrize(
    ("exponent", "remarks"),
    [
        (65537, frozenset()),
        (3, {KeyRemark.UNUSUAL_EXPONENT}),
        ((1 << 64) - 1, {KeyRemark.UNUSUAL_EXPONENT}),
    ],
)
def test_sec_28_an_unusual_rsa_exponent_is_used_and_reported(
    exponent: int, remarks: frozenset[KeyRemark]
) -> None:
    assert key_from_jwk(RSA.jwk(e=b64_int(exponent)), DEFAULT_LIMITS).remarks == remarks


def test_an_rsa_key_with_leading_zeros_is_the_same_key() -> None:
    # Libraries that print signed numbers publish one; the number is the same.
    jwk = RSA.jwk(n=b64_int(modulus(), 257))
    assert key_from_jwk(jwk, DEFAULT_LIMITS).verify("RS256", b"x", RSA.sign(b"x"))


def coordinates(algorithm: str) -> tuple[int, int]:
    public = signing_key(algorithm).private.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.public_numbers().x, public.public_numbers().y


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"y": b64_int(coordinates("ES256")[0], 32)}, id="not-on-the-curve"),
        pytest.param({"x": ZEROS_32, "y": ZEROS_32}, id="zero"),
        pytest.param({"x": b64_int(2**256 - 1, 32)}, id="beyond-the-field"),
        pytest.param({"x": b64_int(coordinates("ES256")[0], 33)}, id="leading-zero"),
        pytest.param({"x": b64_int(coordinates("ES256")[0] >> 8, 31)}, id="too-short"),
        pytest.param({"y": b64_int(coordinates("ES256")[1], 33)}, id="leading-zero-in-y"),
        pytest.param({"y": ""}, id="empty"),
        pytest.param({"crv": "P-384", "alg": None}, id="another-curve"),
    ],
)
def test_sec_28_points_that_are_not_on_their_curve_are_weak(changes: dict[str, object]) -> None:
    assert fault_of(signing_key("ES256").jwk(**changes)) is KeyFault.WEAK


@pytest.mark.parametrize("value", [1, "AQ=", "!!", None])
def test_coordinates_that_cannot_be_read_are_malformed(value: object) -> None:
    assert fault_of(signing_key("ES256").jwk(y=value)) is KeyFault.MALFORMED
    assert fault_of(signing_key("EdDSA").jwk(x=value)) is KeyFault.MALFORMED


@pytest.mark.parametrize(
    "crv", ["secp256k1", "brainpoolP256r1", "P-224", "p-256", "", 256, [], None]
)
def test_sec_28_other_curves_are_not_supported(crv: object) -> None:
    assert fault_of(signing_key("ES256").jwk(crv=crv)) is KeyFault.UNSUPPORTED
    assert fault_of(signing_key("EdDSA").jwk(crv=crv)) is KeyFault.UNSUPPORTED


@pytest.mark.parametrize(
    "changes", [{"crv": "X25519"}, {"crv": "X448"}, {"x": ZEROS_32}, {"x": "AQ"}]
)
def test_sec_28_keys_for_agreement_and_points_of_small_order_are_weak(
    changes: dict[str, object],
) -> None:
    assert fault_of(signing_key("EdDSA").jwk(**changes)) is KeyFault.WEAK
