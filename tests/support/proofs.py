"""Proofs of a key as clients make them (RFC 9449), good ones and others; and bound tokens."""

import hashlib
import json
import time
from collections.abc import Mapping
from itertools import count

from support.tokens import SigningKey, b64, signing_key

CLIENT_KEY = signing_key("ES256", "client")
THIEF_KEY = signing_key("ES256", "thief")
URL = "https://llm.example.com"
_THUMBPRINT_MEMBERS = ("crv", "e", "kty", "n", "x", "y")
_numbers = count(1)


def public_jwk(key: SigningKey) -> dict[str, object]:
    """Return the key as it stands in a proof's header."""
    return key.jwk(kid=None, use=None, alg=None)


def thumbprint(key: SigningKey) -> bytes:
    """Return the thumbprint by the words of RFC 7638."""
    jwk = key.jwk()
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS if name in jwk}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def bound_to(key: SigningKey = CLIENT_KEY) -> dict[str, object]:
    """Return the `cnf` of a token that is bound to a key."""
    return {"jkt": b64(thumbprint(key))}


def proof_for(
    token: bytes,
    key: SigningKey = CLIENT_KEY,
    header: Mapping[str, object] | None = None,
    **changes: object,
) -> bytes:
    """Return a good proof for a POST of a chat; a change to None leaves a member out."""
    base: dict[str, object] = {
        "jti": f"proof-{next(_numbers)}",
        "htm": "POST",
        "htu": f"{URL}/v1/chat/completions",
        "iat": time.time(),
        "ath": b64(hashlib.sha256(token).digest()),
    }
    members = base | changes
    claims = {name: value for name, value in members.items() if value is not None}
    named = {"typ": "dpop+jwt", "kid": None, "jwk": public_jwk(key)} | dict(header or {})
    return key.token(json.dumps(claims).encode(), named)
