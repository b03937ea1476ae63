"""From the numbers of a JWK to checks that verify: RSA, elliptic curves, Ed25519 (RFC 7518, 8037).

Refused as weak: RSA moduli that are too short, too long, even or made by a broken library; RSA
exponents that are even, below 3 or very long; points that are not on their curve; coordinates of
another size than the curve's; Ed25519 points of small order; curves for key agreement.

What a key is declared for (use, key_ops, alg) is judged by the caller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from gatepass.jwks.edwards import is_safe_point
from gatepass.jwks.encoding import decode_segment
from gatepass.jwks.errors import TokenRefused
from gatepass.jwks.faults import KeyFault, KeyRejected, KeyRemark
from gatepass.jwks.limits import Limits
from gatepass.jwks.roca import has_roca_fingerprint
from gatepass.jwks.signatures import (
    CURVES,
    RSA_SCHEMES,
    SignatureCheck,
    coordinate_bytes,
    ecdsa_check,
    ed25519_check,
    rsa_check,
)

USUAL_RSA_EXPONENT: Final = 65537
MIN_RSA_EXPONENT: Final = 3
MAX_RSA_EXPONENT_BITS: Final = 64
"""OpenSSL's own bound for large moduli; a longer exponent only costs time on every token."""

_KEY_AGREEMENT_CURVES: Final = frozenset({"X25519", "X448"})


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a public key can do: a check per algorithm, and remarks for operators."""

    checks: Mapping[str, SignatureCheck]
    remarks: frozenset[KeyRemark] = frozenset()


def rsa_material(jwk: Mapping[str, object], limits: Limits) -> Material:
    """Read `n` and `e` (RFC 7518 section 6.3.1).

    Raises:
        KeyRejected: MALFORMED or WEAK.

    """
    modulus = int.from_bytes(_octets(jwk, "n"), "big")
    exponent = int.from_bytes(_octets(jwk, "e"), "big")
    if (
        not limits.min_rsa_bits <= modulus.bit_length() <= limits.max_rsa_bits
        or modulus % 2 == 0
        or exponent % 2 == 0
        or exponent < MIN_RSA_EXPONENT
        or exponent.bit_length() > MAX_RSA_EXPONENT_BITS
        or has_roca_fingerprint(modulus)
    ):
        raise KeyRejected(KeyFault.WEAK)
    public = RSAPublicNumbers(exponent, modulus).public_key()
    remarks = set() if exponent == USUAL_RSA_EXPONENT else {KeyRemark.UNUSUAL_EXPONENT}
    checks = {algorithm: rsa_check(public, algorithm) for algorithm in RSA_SCHEMES}
    return Material(checks, frozenset(remarks))


def ec_material(jwk: Mapping[str, object], _limits: Limits) -> Material:
    """Read `crv`, `x` and `y` (RFC 7518 section 6.2.1).

    Raises:
        KeyRejected: UNSUPPORTED, MALFORMED or WEAK.

    """
    crv = jwk.get("crv")
    if not isinstance(crv, str) or crv not in CURVES:
        raise KeyRejected(KeyFault.UNSUPPORTED)
    algorithm, curve, digest = CURVES[crv]
    x, y = _octets(jwk, "x"), _octets(jwk, "y")
    size = coordinate_bytes(curve)
    if len(x) != size or len(y) != size:
        raise KeyRejected(KeyFault.WEAK)
    numbers = EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve)
    try:
        public = numbers.public_key()
    except ValueError:  # not on the curve, or the point at infinity
        raise KeyRejected(KeyFault.WEAK) from None
    return Material({algorithm: ecdsa_check(public, digest)})


def okp_material(jwk: Mapping[str, object], _limits: Limits) -> Material:
    """Read `crv` and `x` of an Ed25519 key (RFC 8037 section 2).

    Raises:
        KeyRejected: UNSUPPORTED, MALFORMED or WEAK.

    """
    crv = jwk.get("crv")
    if crv != "Ed25519":
        agrees = isinstance(crv, str) and crv in _KEY_AGREEMENT_CURVES
        raise KeyRejected(KeyFault.WEAK if agrees else KeyFault.UNSUPPORTED)
    point = _octets(jwk, "x")
    if not is_safe_point(point):
        raise KeyRejected(KeyFault.WEAK)
    return Material({"EdDSA": ed25519_check(Ed25519PublicKey.from_public_bytes(point))})


MATERIAL_READERS: Final[Mapping[str, Callable[[Mapping[str, object], Limits], Material]]] = {
    "RSA": rsa_material,
    "EC": ec_material,
    "OKP": okp_material,
}
"""Key type -> how its numbers are read; a type that is not here verifies nothing for us."""


def _octets(jwk: Mapping[str, object], name: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str) or not text.isascii():
        raise KeyRejected(KeyFault.MALFORMED)
    try:
        return decode_segment(text.encode("ascii"))
    except TokenRefused:
        raise KeyRejected(KeyFault.MALFORMED) from None
