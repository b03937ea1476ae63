"""The part of `gatepass check` about tokens that are bound to certificates, which a door must know.

Kong and APISIX are asked for the certificate; at the HTTP decision service a header has to hold it.
"""

from gatepass.jwks.rules import Binding
from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.settings import Compiled

_SUBJECT = "doors.http.client_certificate_header"
_ADVICE = "name the header in which your proxies show the certificate of the client"


def certificate_findings(compiled: Compiled) -> list[Finding]:
    """Return what is to be said where nobody could know a client's certificate."""
    wanted = [issuer.rules for issuer in compiled.issuers if issuer.rules.mtls is not Binding.OFF]
    known = compiled.http.client_certificate or compiled.kong or compiled.apisix
    if known is not None or not wanted:
        return []
    return [
        Finding(
            _SUBJECT,
            ok=False,
            found=f"not there, and no other door knows certificates: every token of {rules.issuer} "
            "is refused, for its sender_constrained.mtls is required",
            advice=_ADVICE,
        )
        if rules.mtls is Binding.REQUIRED
        else note(
            _SUBJECT,
            "not there, and no other door knows certificates: tokens of "
            f"{rules.issuer} that are bound to one are refused",
            _ADVICE,
        )
        for rules in wanted
    ]
