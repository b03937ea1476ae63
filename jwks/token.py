"""From the bytes of a token to a VerifiedToken, the only thing that the rest of Gatepass believes.

1. `parse_token` takes it apart (jws.py) and reads the payload once, as a strict JSON object. Of it
   only `iss` may be used before the signature is verified, to choose whose rules and keys apply.
2. `verify_token` checks, in this order: the issuer (exactly the configured string, or that with a
   tenant in it), the token's spelling, algorithm, key and signature, and only then tenant, whom
   the key is for, type, time, audience, what else is required, subject, and whom it is bound to.

Choosing the issuer, fetching keys and remembering verified tokens is the verifier's part.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, final

import msgspec

from gatepass.jwks.claims import (
    check_audience,
    check_required,
    check_subject,
    check_times,
    check_type,
)
from gatepass.jwks.confirmation import Confirmation, check_confirmation
from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.jws import CompactJws, check_signature, parse_jws
from gatepass.jwks.keyset import KeySet
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.tenants import accepted_tenant, check_key_issuer, check_tenant_claim

SEAL: Final = object()
"""Shown by verification alone, here and in introspection_answer.py; without it no VerifiedToken is
made."""


@final
class UnverifiedToken(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A well-formed token that anybody may have written; nothing of it shows in its repr."""

    jws: CompactJws
    claimed_issuer: str
    _claims: Mapping[str, object]
    _limits: Limits

    def __repr__(self) -> str:
        return "<UnverifiedToken>"

    @property
    def kid(self) -> str | None:
        """The name of the key that the token claims to be signed with."""
        return self.jws.header.kid


@final
class VerifiedToken(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A token that its issuer signed, or vouches for, and that is good; its repr shows nothing.

    `issuer` is the token's own, `trust` the configured one by which it passed: the same, but where
    that stands for many tenants. `expires_at` is in seconds since the epoch, without leeway;
    `payload` is the JSON document of its claims; `key_set` is the very one that verified the token,
    None where the issuer was asked about it; `digest` is the SHA-256 of its bytes;
    `confirmation` is what it is bound to, None for a bearer token: who lets it pass without its
    sender's certificate or proof takes it from a thief. It holds no containers, because many are
    kept: `claims` reads the payload each time.
    """

    issuer: str
    trust: str
    subject: str
    expires_at: float
    payload: bytes
    key_set: KeySet | None
    digest: bytes
    confirmation: Confirmation | None
    _seal: object

    def __post_init__(self) -> None:
        if self._seal is not SEAL:
            raise TypeError("a VerifiedToken is made by verification only")
        # taken away again, so that no changed copy of a token can be made with it
        msgspec.structs.force_setattr(self, "_seal", None)

    def __repr__(self) -> str:
        return "<VerifiedToken>"

    @property
    def claims(self) -> Mapping[str, object]:
        """What the token says, read anew: for whoever keeps what they need of it."""
        return MappingProxyType(parse_json_object(self.payload, None))


def parse_token(
    token: bytes,
    limits: Limits,
    *,
    allow_padding: bool = False,
    headers: HeaderCache | None = None,
) -> UnverifiedToken:
    """Take a token apart without believing it.

    `allow_padding` if any issuer's rules do: whose token it is shows only afterwards, and
    `verify_token` judges by the issuer's own.

    Raises:
        TokenRefused: TOO_LARGE, MALFORMED, BAD_HEADER, UNSUPPORTED_ALG or BAD_ISSUER.

    """
    jws = parse_jws(token, limits, allow_padding=allow_padding, headers=headers)
    try:
        claims = parse_json_object(jws.payload, limits.max_json_depth)
    except NotStrictJson:
        raise TokenRefused(TokenFault.MALFORMED) from None
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise TokenRefused(TokenFault.BAD_ISSUER)
    return UnverifiedToken(jws, issuer, claims, limits)


def verify_token(
    parsed: UnverifiedToken, rules: IssuerRules, key_set: KeySet, now: float, digest: bytes
) -> VerifiedToken:
    """Return the token as verified by one issuer's rules and keys.

    `now` is in seconds since the epoch, `digest` the SHA-256 of the token's bytes.

    Raises:
        TokenRefused: naming the first rule that the token breaks.

    """
    tenant = _tenant(parsed.claimed_issuer, rules)
    # one string for all tokens that are remembered
    issuer = rules.issuer if tenant is None else parsed.claimed_issuer
    jws = parsed.jws
    if jws.padded and not rules.allow_padding:
        raise TokenRefused(TokenFault.MALFORMED)
    key = check_signature(jws, key_set, rules.algorithms)
    claims = parsed._claims  # noqa: SLF001 - verification is what may read them
    if tenant is not None:
        check_tenant_claim(claims, tenant)
    check_key_issuer(key, issuer, claims)
    check_type(claims, jws.header.typ, rules)
    expires_at = check_times(claims, rules, now)
    check_audience(claims, rules)
    check_required(claims, rules)
    subject = check_subject(claims, parsed._limits.max_subject_chars)  # noqa: SLF001 - the same
    bound = check_confirmation(claims, rules)
    return VerifiedToken(
        issuer, rules.issuer, subject, expires_at, jws.payload, key_set, digest, bound, SEAL
    )


def _tenant(issuer: str, rules: IssuerRules) -> str | None:
    """Return the tenant of an accepted issuer, None where the issuer has none."""
    if rules.templated:
        tenant = accepted_tenant(issuer, rules)
        if tenant is None:
            raise TokenRefused(TokenFault.BAD_ISSUER)
        return tenant
    if issuer != rules.issuer:
        raise TokenRefused(TokenFault.BAD_ISSUER)
    return None
