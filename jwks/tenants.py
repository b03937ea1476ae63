"""One entry for all tenants of a provider: `{tenantid}` in an issuer stands for each of them.

Entra ID is the provider of this kind: whoever has a tenant there is an issuer of their own, and all
of them share their keys. Rules, in order (SEC-14):

1. A template holds `{tenantid}` once, and no other braces.
2. A tenant is a GUID in lower case, and one of those that the settings name, or any at all under
   `unsafe_any_tenant`; the token's `iss` is the template with the tenant in it, exactly.
3. The token's `tid` is that tenant. Two tenants are two issuers: the same `sub` of another is
   somebody else.
4. A key that names its issuer, as Entra's do, verifies tokens of that issuer and of no other, with
   `{tenantid}` in it standing for the token's own `tid`: keys for personal accounts sign for no
   company. This counts for an issuer without tenants as well, whose keys are the same.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from gatepass.jwks.errors import TokenFault, TokenRefused

if TYPE_CHECKING:
    from gatepass.jwks.keys import Key
    from gatepass.jwks.rules import IssuerRules

TENANT: Final = "{tenantid}"
"""What stands for the tenant in an issuer."""

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


def is_tenant(text: str) -> bool:
    """Say whether the text could be the id of a tenant."""
    return _GUID.fullmatch(text) is not None


def is_template(issuer: str) -> bool:
    """Say whether the issuer stands for many."""
    return TENANT in issuer


def tenant_issuer(template: str, tenant: str) -> str:
    """Return the `iss` of one tenant's tokens."""
    return template.replace(TENANT, tenant)


def template_problems(rules: "IssuerRules") -> list[str]:
    """Return what can only be wrong about an issuer's tenants, one line each."""
    problems = []
    rest = rules.issuer.replace(TENANT, "", 1)
    if "{" in rest or "}" in rest:
        problems.append(f"issuer: may hold {TENANT} once, and no other braces")
    if not is_template(rules.issuer):
        if rules.tenants or rules.unsafe_any_tenant:
            problems.append(f"tenants: count for an issuer with {TENANT} only")
    elif rules.unsafe_any_tenant == bool(rules.tenants):
        problems.append("tenants: name at least one, or say unsafe_any_tenant: true, but not both")
    if not all(map(is_tenant, rules.tenants)):
        problems.append("tenants: each is a GUID in lower case")
    return problems


def accepted_tenant(issuer: str, rules: "IssuerRules") -> str | None:
    """Return the tenant that an `iss` names, None unless its tokens are accepted."""
    before, _, after = rules.issuer.partition(TENANT)
    tenant = issuer[len(before) : len(issuer) - len(after)]
    accepted = is_tenant(tenant) if rules.unsafe_any_tenant else tenant in rules.tenants
    return tenant if accepted and issuer == tenant_issuer(rules.issuer, tenant) else None


def check_tenant_claim(claims: Mapping[str, object], tenant: str) -> None:
    """Let a token pass that says in `tid`, too, which tenant it is from.

    Raises:
        TokenRefused: BAD_ISSUER.

    """
    if claims.get("tid") != tenant:
        raise TokenRefused(TokenFault.BAD_ISSUER)


def check_key_issuer(key: "Key", issuer: str, claims: Mapping[str, object]) -> None:
    """Let a key count that is for this issuer, or that does not say for which it is.

    `claims` are those that the key signed.

    Raises:
        TokenRefused: UNKNOWN_KEY.

    """
    if key.issuer is None or key.issuer == issuer:
        return
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or tenant_issuer(key.issuer, tenant) != issuer:
        raise TokenRefused(TokenFault.UNKNOWN_KEY)
