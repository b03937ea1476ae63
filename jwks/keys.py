"""One JWK becomes a key that can verify, or a named reason why it cannot (RFC 7517 section 4).

1. It is an object whose `kid`, where it has one, is a printable string of bounded length.
2. It is a public key: symmetric keys never come from a key set (SEC-05), and a key whose private
   half was published proves nothing (SEC-30).
3. It is for verifying: `use` is "sig" or absent, `key_ops` contains "verify" or is absent.
4. Its numbers are sound (material.py).
5. `alg`, where there is one, binds it to that algorithm (SEC-02); without it an RSA key serves all
   of RS* and PS*, an elliptic curve its one algorithm.

Certificates (x5c, x5u, x5t) are not read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatepass.jwks.faults import KeyFault, KeyRejected, KeyRemark
from gatepass.jwks.limits import Limits
from gatepass.jwks.material import MATERIAL_READERS
from gatepass.jwks.rules import ALGORITHMS
from gatepass.jwks.signatures import SignatureCheck

__all__ = ["Key", "KeyFault", "KeyRejected", "KeyRemark", "key_from_jwk"]

PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""What only the owner of a key may know (RFC 7518 sections 6.2.2, 6.3.2 and 6.4)."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A public key that may verify; `algorithms` are those that it may verify with.

    `issuer` is the only one that it is for, where it names one (gatepass.jwks.tenants); no standard
    has that member, Entra does.
    """

    kid: str | None = field(repr=False)
    key_type: str
    algorithms: frozenset[str]
    remarks: frozenset[KeyRemark]
    _checks: Mapping[str, SignatureCheck] = field(repr=False)
    issuer: str | None = field(default=None, repr=False)

    def verify(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Say whether the signature is this key's; False also for an algorithm not its own."""
        check = self._checks.get(algorithm)
        return check is not None and check(signing_input, signature)


def key_from_jwk(jwk: object, limits: Limits) -> Key:
    """Return the key that a JWK publishes.

    Raises:
        KeyRejected: with the reason why it cannot be used.

    """
    if not isinstance(jwk, dict):
        raise KeyRejected(KeyFault.NOT_AN_OBJECT)
    members: Mapping[str, object] = jwk
    kid = _kid(members, limits)
    key_type = members.get("kty")
    if key_type == "oct":
        raise KeyRejected(KeyFault.SYMMETRIC)
    if not isinstance(key_type, str) or key_type not in MATERIAL_READERS:
        raise KeyRejected(KeyFault.UNSUPPORTED)
    if not PRIVATE_MEMBERS.isdisjoint(members):
        raise KeyRejected(KeyFault.PRIVATE)
    algorithm = _purpose(members)
    material = MATERIAL_READERS[key_type](members, limits)
    checks = material.checks
    if algorithm is not None:
        if algorithm not in checks:
            raise KeyRejected(KeyFault.MALFORMED)
        checks = {algorithm: checks[algorithm]}
    return Key(kid, key_type, frozenset(checks), material.remarks, checks, _issuer(members))


def _kid(jwk: Mapping[str, object], limits: Limits) -> str | None:
    if "kid" not in jwk:
        return None
    kid = jwk["kid"]
    if not isinstance(kid, str) or len(kid) > limits.max_kid_chars or not kid.isprintable():
        raise KeyRejected(KeyFault.BAD_KID)
    return kid


def _issuer(jwk: Mapping[str, object]) -> str | None:
    issuer = jwk.get("issuer")
    if issuer is not None and not isinstance(issuer, str):
        raise KeyRejected(KeyFault.MALFORMED)
    return issuer


def _purpose(jwk: Mapping[str, object]) -> str | None:
    """Return the algorithm that the key is bound to, or None where it names none."""
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list):
        raise KeyRejected(KeyFault.MALFORMED)
    if jwk.get("use", "sig") != "sig" or "verify" not in operations:
        raise KeyRejected(KeyFault.NOT_FOR_SIGNATURES)
    if "alg" not in jwk:
        return None
    algorithm = jwk["alg"]
    if not isinstance(algorithm, str):
        raise KeyRejected(KeyFault.MALFORMED)
    if algorithm not in ALGORITHMS:
        raise KeyRejected(KeyFault.NOT_FOR_SIGNATURES)
    return algorithm
