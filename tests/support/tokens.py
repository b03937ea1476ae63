"""Keys and tokens of our own making, so that malformed ones are possible too."""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://idp.example"
AUDIENCE = "llm-gateway"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def b64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def b64_int(number: int, size: int = 0) -> str:
    return b64(number.to_bytes(size or max(1, (number.bit_length() + 7) // 8), "big"))


@dataclass(frozen=True)
class SigningKey:
    """A private key with the name under which its public half is published."""

    kid: str
    algorithm: str
    private: PrivateKey

    def jwk(self, **changes: object) -> dict[str, object]:
        """Return the public key as a JWK; a change to None leaves the member out."""
        public = self.private.public_key()
        jwk: dict[str, object] = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            jwk |= {"kty": "RSA", "n": b64_int(numbers.n), "e": b64_int(numbers.e)}
        elif isinstance(public, ec.EllipticCurvePublicKey):
            size = (public.curve.key_size + 7) // 8
            point = public.public_numbers()
            crv = {256: "P-256", 384: "P-384", 521: "P-521"}[public.curve.key_size]
            jwk |= {
                "kty": "EC",
                "crv": crv,
                "x": b64_int(point.x, size),
                "y": b64_int(point.y, size),
            }
        else:
            raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            jwk |= {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        jwk |= changes
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, signing_input: bytes, algorithm: str | None = None) -> bytes:
        algorithm = algorithm or self.algorithm
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(signing_input)
        digest = _HASHES[algorithm[2:]]
        if isinstance(self.private, rsa.RSAPrivateKey):
            if algorithm.startswith("PS"):
                pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
                return self.private.sign(signing_input, pss, digest)
            return self.private.sign(signing_input, padding.PKCS1v15(), digest)
        size = (self.private.curve.key_size + 7) // 8
        r, s = decode_dss_signature(self.private.sign(signing_input, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def token(
        self,
        claims: Mapping[str, object] | bytes | None = None,
        header: Mapping[str, object] | bytes | None = None,
    ) -> bytes:
        """Return a signed compact JWS; None as a member's value leaves it out, bytes go raw."""
        if not isinstance(claims, bytes):
            claims = _encode(base_claims() | dict(claims or {}))
        if not isinstance(header, bytes):
            base = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}
            header = _encode(base | dict(header or {}))
        signing_input = f"{b64(header)}.{b64(claims)}".encode()
        return signing_input + b"." + b64(self.sign(signing_input)).encode()


def _encode(members: Mapping[str, object]) -> bytes:
    present = {name: value for name, value in members.items() if value is not None}
    return json.dumps(present, separators=(",", ":")).encode()


def base_claims() -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "exp": now + 3600,
        "nbf": now - 5,
        "iat": now - 5,
    }


def signing_key(algorithm: str = "RS256", kid: str = "") -> SigningKey:
    """Return the key of that name, the same one for the whole run: RSA keys cost a second each."""
    return _signing_key(algorithm, kid)


@cache
def _signing_key(algorithm: str, kid: str) -> SigningKey:
    private: PrivateKey
    if algorithm == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
    elif algorithm in _CURVES:
        private = ec.generate_private_key(_CURVES[algorithm])
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return SigningKey(kid or f"key-{algorithm}", algorithm, private)


def key_set(*keys: SigningKey) -> bytes:
    """Return the published key set of these keys, as JSON."""
    return json.dumps({"keys": [key.jwk() for key in keys]}).encode()


def digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
