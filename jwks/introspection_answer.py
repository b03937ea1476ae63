"""What an issuer answers about an opaque token, and whether the token is good by that (RFC 7662).

authlib takes any true value of `active` for a yes and looks at nothing but the scope beside it, so
the answer is read here. Rules, in order:

1. It is one strict JSON object of bounded size (SEC-08). A signed answer (RFC 9701) is refused by
   name: none was asked for.
2. `active` is the JSON value true, or the token is refused. Anything but true and false is no
   answer.
3. `iss` is the issuer's own, where it is there (SEC-14): some servers answer for many.
4. It says that this is an access token (SEC-15): servers call refresh tokens active, too. Either
   `token_type` is Bearer (or DPoP, of a token that is bound to a key), or one of the issuer's
   `type_claims` says so, and none speaks against it.
5. Time, audience, what else is required, sender and subject, by the same rules as for a signed
   token.

Whoever answers was chosen, and is remembered, by others.
"""

from collections.abc import Mapping
from typing import Final

from gatepass.jwks.claims import (
    check_audience,
    check_required,
    check_subject,
    check_times,
    check_type_claims,
)
from gatepass.jwks.confirmation import Confirmation, check_confirmation
from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.jwks.errors import IntrospectionUnavailable, TokenFault, TokenRefused
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.token import SEAL, VerifiedToken

_BEARER: Final = frozenset({"bearer"})
_BOUND: Final = frozenset({"bearer", "dpop"})


def read_answer(
    answer: bytes, rules: IssuerRules, limits: Limits, now: float, digest: bytes
) -> VerifiedToken:
    """Return the token as its issuer describes it.

    `now` is in seconds since the epoch, `digest` the SHA-256 of the token's bytes.

    Raises:
        TokenRefused: naming the first rule that the token breaks.
        IntrospectionUnavailable: the answer is none.

    """
    claims = _members(answer, limits)
    if claims.get("iss", rules.issuer) != rules.issuer:
        raise TokenRefused(TokenFault.BAD_ISSUER)
    check_type_claims(claims, rules)
    bound = check_confirmation(claims, rules)
    _check_token_type(claims, rules, bound)
    expires_at = check_times(claims, rules, now)
    check_audience(claims, rules)
    check_required(claims, rules)
    subject = check_subject(claims, limits.max_subject_chars)
    return VerifiedToken(
        rules.issuer, rules.issuer, subject, expires_at, answer, None, digest, bound, SEAL
    )


def _members(answer: bytes, limits: Limits) -> Mapping[str, object]:
    if len(answer) > limits.max_answer_bytes:
        raise IntrospectionUnavailable("answer: too large")
    if answer.startswith(b"ey"):
        raise IntrospectionUnavailable("answer: a signed one (RFC 9701)")
    try:
        members = parse_json_object(answer, limits.max_json_depth)
    except NotStrictJson:
        raise IntrospectionUnavailable("answer: not strict JSON") from None
    active = members.get("active")
    if active is False:
        raise TokenRefused(TokenFault.INACTIVE)
    if active is not True:
        raise IntrospectionUnavailable("answer: active is neither true nor false")
    return members


def _check_token_type(
    claims: Mapping[str, object], rules: IssuerRules, bound: Confirmation | None
) -> None:
    """Let a token pass whose answer says that it gives access; its type claims were checked."""
    if "token_type" not in claims:
        if rules.type_claims.keys().isdisjoint(claims):
            raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
        return
    kind = claims["token_type"]
    kinds = _BEARER if bound is None or bound.key is None else _BOUND
    if not isinstance(kind, str) or kind.lower() not in kinds:
        raise TokenRefused(TokenFault.WRONG_TOKEN_TYPE)
