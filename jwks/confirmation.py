"""Whom a token is bound to: its `cnf` claim, and the certificate that must come with it (RFC 7800).

A bound token is worth nothing in anybody else's hands, so it is never taken for a bearer token.
Rules, in order:

1. `cnf` is an object that names a certificate (`x5t#S256`, RFC 8705 section 3.1), a key (`jkt`, RFC
   9449 section 6.1) or both, each by the canonical base64url of a SHA-256. What it names beside
   them is ignored (RFC 7800 section 3.1); what names neither cannot be checked here.
2. What the issuer's rules have switched off cannot be checked either: the token is refused, unless
   `unsafe_ignore_confirmation` lets whoever holds it use it.
3. What the rules require must be named.
4. A token that calls itself bound to a key (`typ: DPoP`, as Keycloak does) must name one.

The certificate is compared here; the proof of the key is for dpop.py to judge, and that both are
asked for is up to whoever lets a request pass.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from gatepass.jwks.encoding import decode_segment
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.rules import Binding, IssuerRules

THUMBPRINT_BYTES: Final = 32
"""How long a SHA-256 is."""

_REQUIRED: Final = Binding.REQUIRED
_OFF: Final = Binding.OFF


class Confirmation(msgspec.Struct, frozen=True, gc=False):
    """What a token is bound to, at least one of the two; nothing of it shows in its repr.

    `certificate` is the SHA-256 of the client's certificate in DER, `key` the thumbprint of the
    key that signs its proofs (RFC 7638).
    """

    certificate: bytes | None
    key: bytes | None

    def __repr__(self) -> str:
        return "<Confirmation>"


def check_confirmation(claims: Mapping[str, object], rules: IssuerRules) -> Confirmation | None:
    """Return what a token is bound to, None where anybody may use it.

    Raises:
        TokenRefused: NOT_BOUND, BINDING_UNCHECKED or BAD_CLAIM.

    """
    if "cnf" not in claims:
        if rules.mtls is _REQUIRED or rules.dpop is _REQUIRED or _says_dpop(claims):
            raise TokenRefused(TokenFault.NOT_BOUND)
        return None
    names = claims["cnf"]
    if not isinstance(names, dict):
        raise TokenRefused(TokenFault.BAD_CLAIM)
    ignored = rules.unsafe_ignore_confirmation
    certificate = _thumbprint(names, "x5t#S256", rules.mtls, ignored=ignored)
    key = _thumbprint(names, "jkt", rules.dpop, ignored=ignored)
    if certificate is None and key is None:
        if not ignored:
            raise TokenRefused(TokenFault.BINDING_UNCHECKED)
        return None
    if key is None and not ignored and _says_dpop(claims):
        raise TokenRefused(TokenFault.NOT_BOUND)
    return Confirmation(certificate, key)


def check_certificate(bound: bytes, shown: bytes | None) -> None:
    """Let a token pass that came with its certificate; both are SHA-256 of DER.

    `shown` is that of the client's side of the TLS connection, None where it showed none.

    Raises:
        TokenRefused: CERTIFICATE_MISSING or CERTIFICATE_MISMATCH.

    """
    if shown is None:
        raise TokenRefused(TokenFault.CERTIFICATE_MISSING)
    if shown != bound:
        raise TokenRefused(TokenFault.CERTIFICATE_MISMATCH)


def _says_dpop(claims: Mapping[str, object]) -> bool:
    kind = claims.get("typ")
    return isinstance(kind, str) and kind.lower() == "dpop"


def _thumbprint(
    names: Mapping[str, object], name: str, binding: Binding, *, ignored: bool
) -> bytes | None:
    if name not in names:
        if binding is _REQUIRED:
            raise TokenRefused(TokenFault.NOT_BOUND)
        return None
    if binding is _OFF:
        if not ignored:
            raise TokenRefused(TokenFault.BINDING_UNCHECKED)
        return None
    text = names[name]
    if not isinstance(text, str) or not text.isascii():
        raise TokenRefused(TokenFault.BAD_CLAIM)
    try:
        thumbprint = decode_segment(text.encode("ascii"))
    except TokenRefused:
        raise TokenRefused(TokenFault.BAD_CLAIM) from None
    if len(thumbprint) != THUMBPRINT_BYTES:
        raise TokenRefused(TokenFault.BAD_CLAIM)
    return thumbprint
