"""A proof that whoever sends a token holds its key: a JWT of the sender's own (RFC 9449).

Rules of section 4.3, in order:

1. It is a JWT as strict as a token (jws.py) of type `dpop+jwt`, by an accepted algorithm.
2. The key stands in its header, which counts in no token (SEC-03): here it must be the very key
   that the verified token is bound to, by its thumbprint, before anything is done with it. It is
   public and sound as keys of issuers are (keys.py), and the signature is its own.
3. `htm` is the request's method, `htu` its URL at one of the addresses by which clients know us,
   without query and fragment; the path is compared as it was sent.
4. `ath` is the hash of the token.
5. It was made lately: `iat` is not in the future, not too long ago, and not before this process
   began, which cannot know what another one has seen.
6. It has a `jti`, so that it can be used once (replays.py).

Nonces of the server's are not given, and ignored.
"""

from hashlib import sha256
from typing import Final

from gatepass.jwks.claims import numeric_date
from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.encoding import NotStrictJson, decode_segment, parse_json_object
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.faults import KeyRejected
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.jws import CompactJws, parse_jws
from gatepass.jwks.keys import Key, key_from_jwk
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.proof_rules import ProofRules, normal_url
from gatepass.jwks.replays import Proof, UsedProofs
from gatepass.jwks.thumbprint import key_thumbprint
from gatepass.jwks.token import VerifiedToken

PROOF_TYPE: Final = "dpop+jwt"
_MAX_KEYS: Final = 1024


class ProofChecker:
    """Judges proofs by one set of rules; `used` remembers those that were used."""

    def __init__(
        self,
        rules: ProofRules,
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._limits = limits
        self._urls = tuple(
            normal.rstrip("/") for url in rules.external_urls if (normal := normal_url(url))
        )
        self._headers = HeaderCache(_MAX_KEYS)
        self._keys: dict[bytes, tuple[bytes, Key]] = {}
        self.used = UsedProofs(
            clock,
            max_proofs=rules.max_proofs,
            max_age_seconds=rules.max_age_seconds,
            leeway_seconds=rules.leeway_seconds,
        )

    @property
    def algorithms(self) -> frozenset[str]:
        """The accepted algorithms."""
        return self._rules.algorithms

    def inherit(self, other: "ProofChecker") -> None:
        """Go on with what another checker has seen: new settings make no used proof good again."""
        self.used = other.used
        self.used.widen(
            max_proofs=self._rules.max_proofs,
            max_age_seconds=self._rules.max_age_seconds,
            leeway_seconds=self._rules.leeway_seconds,
        )

    def check(
        self, proof: bytes, token: VerifiedToken, bound: bytes, method: str, path: str
    ) -> Proof:
        """Return the proof of one request as good, if it is used only once; see `use`.

        `bound` is the thumbprint of the key that the token is bound to; `path` is what stands in
        the request line before the query.

        Raises:
            TokenRefused: BAD_PROOF, PROOF_KEY, PROOF_MISMATCH or PROOF_STALE.

        """
        try:
            jws = parse_jws(proof, self._limits, headers=self._headers)
            claims = parse_json_object(jws.payload, self._limits.max_json_depth)
            issued_at = numeric_date(claims, "iat")
        except (TokenRefused, NotStrictJson):
            raise TokenRefused(TokenFault.BAD_PROOF) from None
        algorithm = jws.header.algorithm
        if jws.header.typ != PROOF_TYPE or algorithm not in self._rules.algorithms:
            raise TokenRefused(TokenFault.BAD_PROOF)
        if not self._key(jws, bound).verify(algorithm, jws.signing_input, jws.signature):
            raise TokenRefused(TokenFault.BAD_PROOF)
        name, url, method_named = claims.get("jti"), claims.get("htu"), claims.get("htm")
        if not isinstance(name, str) or not name or issued_at is None:
            raise TokenRefused(TokenFault.BAD_PROOF)
        if method_named != method or not self._names_us(url, path):
            raise TokenRefused(TokenFault.PROOF_MISMATCH)
        if not _is_hash_of(claims.get("ath"), token):
            raise TokenRefused(TokenFault.PROOF_MISMATCH)
        self._check_age(issued_at)
        # the thumbprint's length is fixed, so that no two pairs are the same octets
        digest = sha256(bound + name.encode("utf-8", "surrogatepass")).digest()
        return Proof(digest, issued_at, (token.issuer, token.subject))

    def use(self, proof: Proof, request_id: str | None = None) -> None:
        """Let a good proof count for the request that is let through now, and for no other.

        `request_id` is the gateway's own name of the request; a repeated question has the same.

        Raises:
            TokenRefused: PROOF_REPLAYED.
            TooManyProofs: no room is left to remember it.

        """
        self.used.add(proof, request_id)

    def _key(self, jws: CompactJws, bound: bytes) -> Key:
        segment = jws.signing_input[: jws.signing_input.find(b".")]
        known = self._keys.get(segment)
        if known is None:
            known = self._read_key(segment, bound)
        thumbprint, key = known
        if thumbprint != bound:
            raise TokenRefused(TokenFault.PROOF_KEY)
        return key

    def _read_key(self, segment: bytes, bound: bytes) -> tuple[bytes, Key]:
        members = parse_json_object(decode_segment(segment), None)  # read_header has judged it
        jwk = members.get("jwk")
        if not isinstance(jwk, dict):
            raise TokenRefused(TokenFault.BAD_PROOF)
        try:
            if key_thumbprint(jwk) != bound:
                raise TokenRefused(TokenFault.PROOF_KEY)
            known = bound, key_from_jwk(jwk, self._limits)
        except KeyRejected:
            raise TokenRefused(TokenFault.BAD_PROOF) from None
        if len(self._keys) >= _MAX_KEYS:
            self._keys.clear()
        self._keys[segment] = known
        return known

    def _names_us(self, url: object, path: str) -> bool:
        if not isinstance(url, str):
            return False
        normal = normal_url(url)
        return any(normal == ours + path for ours in self._urls)

    def _check_age(self, issued_at: float) -> None:
        now = self._clock.wall()
        oldest = max(self.used.since, now - self._rules.max_age_seconds)
        if not oldest <= issued_at <= now + self._rules.leeway_seconds:
            raise TokenRefused(TokenFault.PROOF_STALE)


def _is_hash_of(text: object, token: VerifiedToken) -> bool:
    """Say whether a text is the base64url of the token's SHA-256 (RFC 9449 section 4.1)."""
    if not isinstance(text, str) or not text.isascii():
        return False
    try:
        return decode_segment(text.encode("ascii")) == token.digest
    except TokenRefused:
        return False
