"""What one issuer's tokens must look like: plain values that verification goes by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.limits import MAX_LEEWAY_SECONDS
from gatepass.jwks.tenants import is_template, template_problems

ALGORITHMS = frozenset(
    {
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES384",
        "ES512",
        "EdDSA",
    }
)
"""Signature algorithms of RFC 7518 section 3 and RFC 8037 that can verify with a public key.

HS* and none are not here and cannot be configured (SEC-01, SEC-05).
"""

DEFAULT_TOKEN_TYPES = frozenset({"jwt", "at+jwt"})
"""`typ` values of an access token, lower case, without `application/` (RFC 9068 section 2.1)."""


class Binding(StrEnum):
    """Whether tokens are to be bound to their sender in one of the ways that there are.

    OFF does not look for the sender's evidence, and so refuses tokens that need it.
    """

    OFF = "off"
    OPTIONAL = "optional"
    REQUIRED = "required"


NO_CLAIM_RULES: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class IssuerRules:
    """The rules for tokens of one issuer.

    `issuer` is compared as an exact string (SEC-14), or stands for those `tenants`, or for any,
    where it holds `{tenantid}` (gatepass.jwks.tenants). `audiences` holds the accepted values; a
    token passes when one of its own is among them (SEC-12). An empty set is refused unless
    `unsafe_any_audience` says so. `token_types` are compared in lower case after `application/` is
    cut off; with `absent_type_allowed` a token without `typ` passes too. `type_claims` are further
    type rules by payload claim: name -> accepted values in lower case, checked when the claim is
    there (Keycloak `typ`, Cognito `token_use`). Of `access_token_claims` a token needs one, if any
    are named: they stand in access tokens of the issuer and not in its ID tokens (SEC-15).
    `id_tokens_allowed` is for issuers that have no other JWT. `audience_claim` names who a token
    without `aud` is for (Cognito `client_id`). `required_claims` are claims that a token must hold,
    each as one text that is among the accepted values, exactly. `mtls` and `dpop` say whether
    tokens are bound to a certificate or to a key (gatepass.jwks.confirmation); where one is not
    off, whoever verifies a token must look at its `confirmation`.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    token_types: frozenset[str] = DEFAULT_TOKEN_TYPES
    absent_type_allowed: bool = True
    type_claims: Mapping[str, frozenset[str]] = field(default_factory=lambda: NO_CLAIM_RULES)
    access_token_claims: frozenset[str] = frozenset()
    id_tokens_allowed: bool = False
    audience_claim: str | None = None
    required_claims: Mapping[str, frozenset[str]] = field(default_factory=lambda: NO_CLAIM_RULES)
    leeway_seconds: int = 0
    max_lifetime_seconds: int | None = None
    allow_padding: bool = False
    unsafe_any_audience: bool = False
    tenants: frozenset[str] = frozenset()
    unsafe_any_tenant: bool = False
    mtls: Binding = Binding.OFF
    dpop: Binding = Binding.OFF
    unsafe_ignore_confirmation: bool = False
    templated: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "templated", is_template(self.issuer))
        problems = list(self._problems())
        if problems:
            raise ConfigurationError(problems)

    def _problems(self) -> list[str]:
        problems = []
        if not self.issuer:
            problems.append("issuer: must not be empty")
        problems += template_problems(self)
        if self.unsafe_any_audience == bool(self.audiences):
            problems.append(
                "audience: name at least one, or say unsafe_any_audience: true, but not both"
            )
        if "" in self.audiences:
            problems.append("audience: an empty string would match tokens that name nobody")
        if not self.algorithms:
            problems.append("algorithms: name at least one; an empty list accepts nothing")
        refused = sorted(self.algorithms - ALGORITHMS)
        if refused:
            problems.append(
                f"algorithms: {', '.join(refused)} cannot be accepted; "
                f"possible: {', '.join(sorted(ALGORITHMS))}"
            )
        if not self.token_types and not self.absent_type_allowed:
            problems.append("token_types: name at least one")
        if not all(self.required_claims.values()):
            problems.append("require_claims: name at least one value, or no token would pass")
        if not 0 <= self.leeway_seconds <= MAX_LEEWAY_SECONDS:
            problems.append(f"leeway: must be between 0 and {MAX_LEEWAY_SECONDS} seconds")
        if self.max_lifetime_seconds is not None and self.max_lifetime_seconds <= 0:
            problems.append("max_lifetime: must be positive")
        return problems + self._binding_problems()

    def _binding_problems(self) -> list[str]:
        if self.unsafe_ignore_confirmation and Binding.OFF not in {self.mtls, self.dpop}:
            return ["unsafe_ignore_confirmation: nothing is left to ignore; leave it out"]
        return []
