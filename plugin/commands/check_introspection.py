"""The part of `gatepass check` that asks every issuer about an opaque token, as the service would.

The token is made up: an issuer that knows its business, and us, says that it is not active.
"""

import secrets
from dataclasses import replace

from gatepass.jwks.errors import IntrospectionUnavailable, TokenFault, TokenRefused
from gatepass.jwks.verifier import Verifier
from gatepass.plugin.commands.check_keys import warnings_unsaid
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.key_advice import advice_on
from gatepass.plugin.settings import Compiled

_ADVICE = {
    "status": "check client_id, client_secret and auth, and that the client may introspect tokens",
    "answer: a signed one (RFC 9701)": "have the issuer answer this client in plain JSON",
}
_UNTIL_THEN = "its opaque tokens get 503 until then"


async def introspection_findings(compiled: Compiled) -> list[Finding]:
    """Ask every issuer that has introspection, and return a finding for each."""
    prefixes = {
        issuer.rules.issuer: issuer.introspection.token_prefix
        for issuer in compiled.issuers
        if issuer.introspection is not None
    }
    if not prefixes:
        return []
    verifier = Verifier(
        [
            replace(issuer, source=None, keys_folder=None)
            for issuer in compiled.issuers
            if issuer.introspection is not None
        ]
    )
    try:
        with warnings_unsaid():
            return [await _finding(verifier, issuer, prefix) for issuer, prefix in prefixes.items()]
    finally:
        await verifier.close()


async def _finding(verifier: Verifier, issuer: str, prefix: str) -> Finding:
    subject = f"issuer {issuer}"
    try:
        await verifier.verify(f"{prefix}{secrets.token_hex(16)}".encode("ascii"))
    except IntrospectionUnavailable as unavailable:
        advice = _ADVICE.get(unavailable.detail) or advice_on(unavailable.detail, "endpoint")
        return Finding(
            subject,
            ok=False,
            found=f"does not answer about opaque tokens: {unavailable.detail}",
            advice=f"{advice}; {_UNTIL_THEN}",
        )
    except TokenRefused as refusal:
        if refusal.fault is TokenFault.INACTIVE:
            return Finding(subject, ok=True, found="answers about opaque tokens")
    return Finding(
        subject,
        ok=False,
        found="calls a made-up opaque token active",
        advice="check that the endpoint is the issuer's own: whoever answers lets everybody in",
    )
