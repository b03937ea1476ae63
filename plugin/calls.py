"""What a request does, put together for the ordered checks of gatepass.rbac.checks.

A body that nobody had to see is judged in nothing: it lacks no user and changes no guardrails.
"""

from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.naming import Naming
from gatepass.plugin.organizations import named_organizations
from gatepass.plugin.request import Request
from gatepass.plugin.routing import Route
from gatepass.rbac.checks import Call
from gatepass.rbac.organizations import OrganizationUse
from gatepass.rbac.roles import Role

_TOUCHES_NONE = OrganizationUse.NONE
NOTHING_ELSE = Call()
_PROXY_ADMIN = Role.PROXY_ADMIN


def to_call(
    request: Request, route: Route, headers: HeaderFacts, naming: Naming, role: Role
) -> Call:
    """Return what the request does; the organizations only where the role is asked for them.

    Raises:
        RequestRefused: the organizations have to be known and are not.

    """
    if route.organization_use is not _TOUCHES_NONE and role is not _PROXY_ADMIN:
        named = named_organizations(request, headers)
        return Call(organization_use=route.organization_use, organizations=named)
    facts = naming.facts
    if facts is None or not (route.must_name_user or facts.changes_guardrails):
        return NOTHING_ELSE
    return Call(route.must_name_user and not facts.names_user, facts.changes_guardrails)
