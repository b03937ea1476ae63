"""The keys of the demo's identity provider, and what they sign.

Rotation puts a new key in front and keeps the one before it published, as providers do, so that
tokens signed a moment ago still verify. Signing is joserfc's, which authlib brings along.
"""

import base64
import json
import threading
from collections.abc import Mapping

from joserfc import jwt
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
_PUBLISHED = 2


class SigningKeys:
    """The provider's key pairs, newest first; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = 0
        self._keys: tuple[RSAKey, ...] = ()
        self.rotate()

    @property
    def current(self) -> RSAKey:
        """Return the key that signs now."""
        return self._keys[0]

    def rotate(self) -> str:
        """Make a new key pair, let it sign from now on, and return its kid."""
        with self._lock:
            self._made += 1
            kid = f"demo-{self._made}"
            self._keys = (new_key(kid), *self._keys)[:_PUBLISHED]
        return kid

    def public_set(self) -> dict[str, object]:
        """Return the published half as a JWK set (RFC 7517 section 5)."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}


def new_key(kid: str) -> RSAKey:
    """Make an RSA key pair of 2048 bits under the name `kid`."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": ALGORITHM})


def sign(key: RSAKey, claims: Mapping[str, object], token_type: str) -> str:
    """Return the compact JWS of the claims; `token_type` goes into the header's `typ`."""
    header = {"alg": ALGORITHM, "kid": key.kid, "typ": token_type}
    return jwt.encode(header, dict(claims), key)


def forge(token: str, key: RSAKey) -> str:
    """Return the same header and claims with a signature by another key.

    What somebody can do who holds no key of the issuer but has seen one of its tokens.
    """
    header, payload = (_decode(segment) for segment in token.split(".")[:2])
    return jwt.encode(header, payload, key)


def key_id(token: str) -> object:
    """Return the kid that a token's header names, or None."""
    return _decode(token.split(".", 1)[0]).get("kid")


def _decode(segment: str) -> dict[str, object]:
    document = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return dict(document)
