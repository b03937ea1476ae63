"""What the settings of bound tokens mean."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gatepass.jwks.proof_rules import ProofRules
from gatepass.jwks.rules import Binding

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings
    from gatepass.plugin.settings.sender_constrained import DpopSettings

_BEARER = "bearer"
_DPOP = "dpop"


def compile_proofs(
    settings: "DpopSettings", issuers: "Sequence[IssuerSettings]"
) -> ProofRules | None:
    """Return the rules for proofs, None where no token may be bound to a key.

    Raises:
        ConfigurationError: for settings around whose checks somebody went.

    """
    if not any(_binds_to_keys(issuer) for issuer in issuers):
        return None
    return ProofRules(
        external_urls=settings.external_urls,
        algorithms=frozenset(settings.algorithms),
        max_age_seconds=settings.max_age,
        leeway_seconds=settings.leeway,
        max_proofs=settings.max_proofs,
    )


def certificates_are_wanted(issuers: "Sequence[IssuerSettings]") -> bool:
    """Tell whether tokens may be bound to a client's certificate."""
    return any(issuer.sender_constrained.mtls is not Binding.OFF for issuer in issuers)


def type_claims(settings: "IssuerSettings") -> Mapping[str, frozenset[str]]:
    """Return the claims that tell access tokens from others, with their values in lower case.

    Keycloak says DPoP instead of Bearer in the `typ` of a token that it binds to a key; one that
    names no key is refused (gatepass.jwks.confirmation).
    """
    claims = {
        name: frozenset(value.lower() for value in values)
        for name, values in settings.type_claims.items()
    }
    if _binds_to_keys(settings) and _BEARER in claims.get("typ", ()):
        claims["typ"] |= {_DPOP}
    return claims


def _binds_to_keys(settings: "IssuerSettings") -> bool:
    return settings.sender_constrained.dpop is not Binding.OFF
