"""The mathematics: one check per algorithm, prepared once per key (RFC 7518 section 3, RFC 8037).

A check answers for a signing input and a signature. It binds hash, padding, salt length and
signature size, so that nothing in a token can choose them. Whether the key is fit to be used was
judged before; which algorithm may be asked for is judged by the caller.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

SignatureCheck: TypeAlias = Callable[[bytes, bytes], bool]
"""Takes the signing input and the signature; says whether the one signs the other."""

ED25519_SIGNATURE_BYTES: Final = 64


def _pss(digest: HashAlgorithm) -> PSS:
    # The salt is as long as the hash (RFC 7518 section 3.5); any other length does not verify.
    return PSS(MGF1(digest), digest.digest_size)


RSA_SCHEMES: Final[Mapping[str, tuple[AsymmetricPadding, HashAlgorithm]]] = {
    "RS256": (PKCS1v15(), SHA256()),
    "RS384": (PKCS1v15(), SHA384()),
    "RS512": (PKCS1v15(), SHA512()),
    "PS256": (_pss(SHA256()), SHA256()),
    "PS384": (_pss(SHA384()), SHA384()),
    "PS512": (_pss(SHA512()), SHA512()),
}

CURVES: Final[Mapping[str, tuple[str, EllipticCurve, HashAlgorithm]]] = {
    "P-256": ("ES256", SECP256R1(), SHA256()),
    "P-384": ("ES384", SECP384R1(), SHA384()),
    "P-521": ("ES512", SECP521R1(), SHA512()),
}
"""JWK curve -> the one algorithm that it serves, the curve, the hash (RFC 7518 section 3.4)."""


def coordinate_bytes(curve: EllipticCurve) -> int:
    """Return how many octets a coordinate has, and each half of a signature (RFC 7518)."""
    return (curve.key_size + 7) // 8


def rsa_check(public: RSAPublicKey, algorithm: str) -> SignatureCheck:
    """Return the check of one RSA algorithm; a signature is exactly as long as the modulus."""
    scheme_padding, digest = RSA_SCHEMES[algorithm]
    size = (public.key_size + 7) // 8
    verify = public.verify

    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != size:
            return False
        try:
            verify(signature, signing_input, scheme_padding, digest)
        except InvalidSignature:
            return False
        return True

    return check


def ecdsa_check(public: EllipticCurvePublicKey, digest: HashAlgorithm) -> SignatureCheck:
    """Return the ECDSA check: r and s as two numbers of full size, both within the group order."""
    size = coordinate_bytes(public.curve)
    order = public.curve.group_order
    scheme = ECDSA(digest)
    verify = public.verify

    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * size:
            return False
        r = int.from_bytes(signature[:size], "big")
        s = int.from_bytes(signature[size:], "big")
        if not (0 < r < order and 0 < s < order):  # CVE-2022-21449: zeros signed everything
            return False
        try:
            verify(encode_dss_signature(r, s), signing_input, scheme)
        except InvalidSignature:
            return False
        return True

    return check


def ed25519_check(public: Ed25519PublicKey) -> SignatureCheck:
    """Return the Ed25519 check; that s is below the group order is checked by OpenSSL."""
    verify = public.verify

    def check(signing_input: bytes, signature: bytes) -> bool:
        if len(signature) != ED25519_SIGNATURE_BYTES:
            return False
        try:
            verify(signature, signing_input)
        except InvalidSignature:
            return False
        return True

    return check
