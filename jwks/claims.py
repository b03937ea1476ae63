"""What a verified payload must say: type, time, audience, subject, and what else is required.

RFC 7519 section 4.1 has most of it.

Pure functions over claims, one issuer's rules and a time; each returns what it established or
raises. They are called only after the signature was verified, so that without one nobody learns
which claims would have been accepted.

What the claims say about roles and teams is for rbac to read.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.limits import MAX_NUMERIC_DATE
from gatepass.jwks.rules import IssuerRules

Claims = Mapping[str, object]

_ABSENT: Final = object()
_ID_TOKEN_HASHES: Final = ("at_hash", "c_hash")


def check_type(claims: Claims, typ: str | None, rules: IssuerRules) -> None:
    """Let access tokens pass, and no other token that the issuer signs (SEC-15).

    `typ` is the header's, in lower case and without `application/`. An `events` claim marks a
    security event or logout token (RFC 8417), `nonce` with a hash an ID token; the lack of what all
    access tokens of the issuer have marks any other.

    Raises:
        TokenRefused: WRONG_TOKEN_TYPE.

    """
    accepted = rules.absent_type_allowed if typ is None else typ in rules.token_types
    if not accepted:
        raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
    check_type_claims(claims, rules)


def check_type_claims(claims: Claims, rules: IssuerRules) -> None:
    """Let access tokens pass, as far as their claims tell.

    Raises:
        TokenRefused: WRONG_TOKEN_TYPE.

    """
    if "events" in claims:
        raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
    if (
        "nonce" in claims
        and any(name in claims for name in _ID_TOKEN_HASHES)
        and not rules.id_tokens_allowed
    ):
        raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
    marks = rules.access_token_claims
    if marks and not _holds_one(claims, marks):
        raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
    for name, values in rules.type_claims.items():
        if name in claims:
            value = claims[name]
            if not isinstance(value, str) or value.lower() not in values:
                raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)


def check_times(claims: Claims, rules: IssuerRules, now: float) -> float:
    """Return when the token expires; `now` in seconds since the epoch (SEC-10, SEC-11).

    At the second of `exp` plus leeway the token is no longer good.

    Raises:
        TokenRefused: BAD_CLAIM, EXPIRED or NOT_YET_VALID.

    """
    expires_at = numeric_date(claims, "exp")
    not_before = numeric_date(claims, "nbf")
    issued_at = numeric_date(claims, "iat")
    if expires_at is None or (not_before or 0) < 0 or (issued_at or 0) < 0:
        raise TokenRefused(TokenFault.BAD_CLAIM)
    leeway = rules.leeway_seconds
    if expires_at <= now - leeway:
        raise TokenRefused(TokenFault.EXPIRED)
    if (not_before or 0) > now + leeway or (issued_at or 0) > now + leeway:
        raise TokenRefused(TokenFault.NOT_YET_VALID)
    if rules.max_lifetime_seconds is not None:
        # Also catches an `exp` in milliseconds, which would be good for 50,000 years.
        begins_at = now if issued_at is None else issued_at
        if expires_at - begins_at > rules.max_lifetime_seconds:
            raise TokenRefused(TokenFault.BAD_CLAIM)
    return float(expires_at)


def check_audience(claims: Claims, rules: IssuerRules) -> None:
    """Let a token pass that is meant for us: a string or a list of strings, compared exactly.

    Under `unsafe_any_audience` any value of that form will do, and none at all (SEC-12). Another
    claim stands for the audience only where there is no `aud`: a token for somebody else stays one.

    Raises:
        TokenRefused: BAD_AUDIENCE.

    """
    if "aud" not in claims and rules.unsafe_any_audience:
        return
    claim = rules.audience_claim
    audience = claims.get("aud" if claim is None or "aud" in claims else claim)
    named = audience if isinstance(audience, list) else [audience]
    ours = rules.unsafe_any_audience
    for name in named:
        # One foreign member spoils the list: who wrote it means something that we do not know.
        if not isinstance(name, str) or not name:
            raise TokenRefused(TokenFault.BAD_AUDIENCE)
        ours = ours or name in rules.audiences
    if not ours:
        raise TokenRefused(TokenFault.BAD_AUDIENCE)


def check_required(claims: Claims, rules: IssuerRules) -> None:
    """Let a token pass that holds what the settings require of this issuer's tokens.

    Raises:
        TokenRefused: BAD_CLAIM.

    """
    for name, values in rules.required_claims.items():
        value = claims.get(name)
        if not isinstance(value, str) or value not in values:
            raise TokenRefused(TokenFault.BAD_CLAIM)


def check_subject(claims: Claims, max_chars: int) -> str:
    """Return who the token is about: 1 to `max_chars` printable characters (SEC-17).

    The name becomes a key of stores and a header of requests: line breaks, NUL, invisible and
    direction-changing characters, lone surrogates and surrounding blanks have no place in it.

    Raises:
        TokenRefused: BAD_CLAIM.

    """
    subject = claims.get("sub")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= max_chars
        or not subject.isprintable()  # of all blanks only the ASCII space is printable
        or subject[0] == " "
        or subject[-1] == " "
    ):
        raise TokenRefused(TokenFault.BAD_CLAIM)
    return subject


def _holds_one(claims: Claims, names: AbstractSet[str]) -> bool:
    """Tell whether one of the claims is there; JSON null is not."""
    for name in names:  # noqa: SIM110 - a generator costs more than all of them
        if claims.get(name) is not None:
            return True
    return False


def numeric_date(claims: Claims, name: str) -> float | None:
    """Return seconds since the epoch (RFC 7519 section 2), or None where the claim is missing."""
    value = claims.get(name, _ABSENT)
    if type(value) is int and value <= MAX_NUMERIC_DATE:
        return value
    if value is _ABSENT:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TokenRefused(TokenFault.BAD_CLAIM)
    if not value <= MAX_NUMERIC_DATE:
        raise TokenRefused(TokenFault.BAD_CLAIM)
    return value
