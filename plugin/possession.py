"""Whether whoever sends a bound token holds what it is bound to (RFC 8705, RFC 9449).

Rules, in order:

1. A token that is bound to a certificate passes beside that certificate only; where the gateway
   does not show whether there is one, it does not pass.
2. A token that is bound to a key passes by the scheme `DPoP` with one proof only, never as a bearer
   token (RFC 9449 section 7.2); a token that is bound to no key does not pass by that scheme.

What a token must be bound to was judged when it was verified; every rule about the proof itself
stands in gatepass.jwks.dpop. A proof is good for one request that is let through, so it is used up
only when everything else has said yes: a refused request may be asked about again.
"""

from typing import TYPE_CHECKING, cast

from gatepass.jwks.confirmation import check_certificate
from gatepass.jwks.dpop import ProofChecker
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.rules import Binding
from gatepass.plugin.refusals import Schemes
from gatepass.plugin.request import CertificateState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepass.jwks.issuer import Issuer
    from gatepass.jwks.replays import Proof
    from gatepass.jwks.token import VerifiedToken
    from gatepass.plugin.inspection import HeaderFacts
    from gatepass.plugin.request import Request

# Looking up a member of an enum costs more than the comparison.
_NOT_SHOWN = CertificateState.NOT_SHOWN


class Possession:
    """Judges what comes beside a token; `proofs` is None where no issuer's rules want any."""

    __slots__ = ("_proofs",)

    def __init__(self, proofs: ProofChecker | None) -> None:
        self._proofs = proofs

    @property
    def proofs(self) -> ProofChecker | None:
        """What judges proofs."""
        return self._proofs

    def inherit(self, other: "Possession") -> None:
        """Remember the proofs that were used under other settings."""
        if self._proofs is not None and other.proofs is not None:
            self._proofs.inherit(other.proofs)

    def check(
        self, token: "VerifiedToken", facts: "HeaderFacts", request: "Request", path: str
    ) -> "Proof | None":
        """Return the proof that came with a token, None for one that needs none; `path` is its own.

        Raises:
            TokenRefused: the token is not in the hands that it was made for.

        """
        bound = token.confirmation
        if bound is not None and bound.certificate is not None:
            _check_certificate(bound.certificate, request)
        if bound is None or bound.key is None:
            if facts.by_dpop:
                raise TokenRefused(TokenFault.NOT_BOUND)
            return None
        if self._proofs is None or not facts.by_dpop or facts.proof is None:
            raise TokenRefused(TokenFault.PROOF_MISSING)
        return self._proofs.check(facts.proof, token, bound.key, request.method, path)

    def use(self, proof: "Proof", request: "Request") -> None:
        """Let a proof count for a request that is let through now, and for no other.

        Raises:
            TokenRefused: it was used before.
            TooManyProofs: there is no room to remember it.

        """
        checker = cast("ProofChecker", self._proofs)  # without one no proof came from `check`
        checker.use(proof, request.gateway_request_id)


def schemes_of(issuers: "Sequence[Issuer]", proofs: ProofChecker | None) -> Schemes:
    """Return by which schemes tokens of these issuers may come."""
    if proofs is None:
        return Schemes()
    bearer = any(issuer.rules.dpop is not Binding.REQUIRED for issuer in issuers)
    return Schemes(bearer=bearer, dpop=" ".join(sorted(proofs.algorithms)))


def _check_certificate(bound: bytes, request: "Request") -> None:
    certificate = request.client_certificate
    if certificate is _NOT_SHOWN:
        raise TokenRefused(TokenFault.CERTIFICATE_NOT_SHOWN)
    check_certificate(bound, certificate if isinstance(certificate, bytes) else None)
