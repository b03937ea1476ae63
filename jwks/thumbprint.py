"""The one name of a public key that anybody can work out: its thumbprint (RFC 7638, RFC 8037).

It is the SHA-256 of the members without which the key would be another one, in the order of their
names and without blanks. Whether the key is sound is for keys.py to judge.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from gatepass.jwks.faults import KeyFault, KeyRejected

_MEMBERS: Final[Mapping[object, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


def key_thumbprint(jwk: Mapping[str, object]) -> bytes:
    """Return the SHA-256 thumbprint of a public key, as 32 octets.

    Raises:
        KeyRejected: UNSUPPORTED for another type of key, MALFORMED where a member is no text.

    """
    key_type = jwk.get("kty")
    if not isinstance(key_type, str) or key_type not in _MEMBERS:
        raise KeyRejected(KeyFault.UNSUPPORTED)
    members = {name: jwk.get(name) for name in _MEMBERS[key_type]}
    if not all(isinstance(member, str) for member in members.values()):
        raise KeyRejected(KeyFault.MALFORMED)
    try:
        return sha256(msgspec.json.encode(members)).digest()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise KeyRejected(KeyFault.MALFORMED) from None
