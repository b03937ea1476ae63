"""Requests that administer an organization: who may, judged by the path and the memberships.

Making an organization is for a proxy_admin. The routes that only an organization's admin may use,
and making a team, need the org_admin membership of every organization that the request names. A
request that names none is refused, except that somebody who is a member of no organization may make
a team of none. A proxy_admin may do all of it; that the role may use the route at all is asked
elsewhere.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.groups_admin import ORG_ADMIN_ONLY_ROUTES
from gatepass.rbac.roles import Role


class OrganizationUse(Enum):
    """What a route does to organizations."""

    NONE = "none"
    MAKES_ONE = "makes_one"
    ADMINISTERS = "administers"
    MAKES_A_TEAM = "makes_a_team"


_USES = {
    "/organization/new": OrganizationUse.MAKES_ONE,
    "/team/new": OrganizationUse.MAKES_A_TEAM,
} | dict.fromkeys(ORG_ADMIN_ONLY_ROUTES, OrganizationUse.ADMINISTERS)


def organization_use(path: str) -> OrganizationUse:
    """Return what a route does to organizations; a trailing slash changes nothing about it."""
    return _USES.get(path.removesuffix("/"), OrganizationUse.NONE)


def check_organizations(
    use: OrganizationUse, named: Sequence[str], role: Role, member_of: Mapping[str, Role]
) -> None:
    """Refuse who does not administer every organization that the request names.

    `member_of` are the caller's memberships, by organization.

    Raises:
        AccessDenied: ORGANIZATION_DENIED.

    """
    if use is OrganizationUse.NONE or role is Role.PROXY_ADMIN:
        return
    if use is OrganizationUse.MAKES_ONE:
        raise AccessDenied(AccessFault.ORGANIZATION_DENIED)
    if use is OrganizationUse.MAKES_A_TEAM and not named and not member_of:
        return
    if not named or any(member_of.get(name) is not Role.ORG_ADMIN for name in named):
        raise AccessDenied(AccessFault.ORGANIZATION_DENIED)
