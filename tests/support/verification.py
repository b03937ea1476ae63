"""Verified tokens for tests, made the only way there is: signed, then verified."""

from functools import cache

from gatepass.jwks.keyset import KeySet, parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.tokens import AUDIENCE, ISSUER, SigningKey, digest, key_set, signing_key

NOW = 1_800_000_000
"""A second in January 2027; claims of `claims_at` expire five minutes later."""

GOOD_RULES = IssuerRules(ISSUER, frozenset({AUDIENCE}), ALGORITHMS)


def claims_at(now: int = NOW, /, **changes: object) -> dict[str, object]:
    """Return the claims of a good token; a change to None leaves the claim out."""
    return {"exp": now + 300, "nbf": now - 5, "iat": now - 5} | changes


@cache
def published(*keys: SigningKey) -> KeySet:
    return parse_key_set(key_set(*(keys or (signing_key(),))))


def verify(
    token: bytes,
    rules: IssuerRules = GOOD_RULES,
    keys: KeySet | None = None,
    now: float = NOW,
    limits: Limits = DEFAULT_LIMITS,
) -> VerifiedToken:
    """Verify as the verifier does, without its caches; the keys are those of `signing_key()`."""
    parsed = parse_token(token, limits, allow_padding=rules.allow_padding)
    return verify_token(parsed, rules, keys or published(), now, digest(token))


def verified(**claims: object) -> VerifiedToken:
    """Return a verified token that holds these claims."""
    return verify(signing_key().token(claims_at(**claims)))
