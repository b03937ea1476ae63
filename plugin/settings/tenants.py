"""What can be wrong with an issuer that stands for many tenants, and where its metadata stands.

Entra ID publishes one document for all of its tenants, beneath the name of no tenant in particular;
what that document calls its issuer is the template itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import PlainValidator, WithJsonSchema

from gatepass.jwks.tenants import TENANT, is_template, is_tenant, tenant_issuer
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.values import to_text

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings

DEFAULT_DISCOVERY_TENANT = "organizations"


def _to_tenant(value: object) -> str:
    tenant = to_text(value)
    if not is_tenant(tenant):
        raise BadValue("not the id of a tenant; write the GUID in lower case")
    return tenant


Tenant = Annotated[
    str, PlainValidator(_to_tenant), WithJsonSchema({"type": "string", "minLength": 1})
]


def metadata_base(settings: "IssuerSettings") -> str | None:
    """Return the URL that stands for a template where its metadata is asked for."""
    if not is_template(settings.issuer):
        return None
    return tenant_issuer(settings.issuer, settings.discovery_tenant or DEFAULT_DISCOVERY_TENANT)


def tenant_findings(settings: "IssuerSettings") -> Iterator[Finding]:
    """Yield what is wrong between an issuer and its tenants; all of these must be right."""
    rest = settings.issuer.replace(TENANT, "", 1)
    if "{" in rest or "}" in rest:
        yield Finding(("issuer",), f"may hold {TENANT} once, and no other braces")
    elif is_template(settings.issuer):
        yield from _template_findings(settings)
    else:
        for name in ("tenants", "unsafe_any_tenant", "discovery_tenant"):
            if getattr(settings, name):
                yield Finding((name,), f"counts for an issuer with {TENANT} only; leave it out")


def _template_findings(settings: "IssuerSettings") -> Iterator[Finding]:
    if not settings.tenants and not settings.unsafe_any_tenant:
        yield Finding(("tenants",), "name at least one, or say unsafe_any_tenant: true")
    if settings.tenants and settings.unsafe_any_tenant:
        yield Finding(("unsafe_any_tenant",), "contradicts tenants; leave one of them out")
    if settings.discovery_tenant and not settings.discovers:
        yield Finding(("discovery_tenant",), "counts for discovery only; leave it out")
    if settings.email_trusted and settings.unsafe_any_tenant:
        # whoever makes a tenant of their own verifies any address in it
        yield Finding(("email_trusted",), "contradicts unsafe_any_tenant; name the tenants")
