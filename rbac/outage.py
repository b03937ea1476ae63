"""What holds of a caller while their rows cannot be read: never more than before, never an admin.

Rows that were read a while ago may serve on, but nobody administers anything by them: not the
proxy, whatever says that they are its admin, and no organization. Of whoever was not remembered
only the token is known. Where a profile opens routes for that, a person has them under the rules
for an internal user, or for one who may only look if that is what the token says. Administrators,
and whoever needs a row to be anybody (a machine acts for a team), wait for the store.
"""

import msgspec

from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import PRIVILEGED_ROLES
from gatepass.rbac.organizations import OrganizationUse, organization_use
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import Role
from gatepass.rbac.standing import Standing, domain_fault, is_allowed

_ORDINARY = {None, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER}
"""What a token may assert of somebody who has no rows."""

_NO_ROWS = Principals()


def may_serve_stale(standing: Standing) -> bool:
    """Answer whether a caller may go on by rows that cannot be read again."""
    return standing.role not in PRIVILEGED_ROLES


def without_administration(standing: Standing) -> Standing:
    """Return the standing of somebody who is no organization's admin."""
    if not standing.organizations:
        return standing
    members = dict.fromkeys(standing.organizations, Role.INTERNAL_USER)
    return msgspec.structs.replace(standing, organizations=members)


def opens_without_rows(profile: Profile, method: str, path: str) -> bool:
    """Answer whether a profile opens a route to whoever only has a good token.

    What touches organizations takes rows, whatever is listed.
    """
    routes = profile.routes_without_store
    return routes.allows(method, path) and organization_use(path) is OrganizationUse.NONE


def stand_without_rows(policy: Policy, identity: Identity) -> Standing | None:
    """Return where a person stands by their token alone, or None where that is not enough."""
    roles, said = policy.roles, identity.role
    if identity.user_id is None or identity.groups_withheld or said not in _ORDINARY:
        return None
    if said is None and (roles.required or not is_allowed(roles, identity)):
        return None
    if policy.teams.required:
        return None
    viewer = said is Role.INTERNAL_USER_VIEWER
    role = Role.INTERNAL_USER_VIEWER if viewer else Role.INTERNAL_USER
    return Standing(
        role=role,
        rules=(),
        scopes=policy.scopes.held_by(identity.scopes),
        aliases=policy.catalog.aliases,
        may_modify_guardrails=False,
        organizations={},
        team_pays=True,  # perhaps: the routes of teams bind as well
        late=domain_fault(policy.email_domains, identity, _NO_ROWS, role),
    )


def nameless(identity: Identity) -> Identity:
    """Return the identity less every name of a row: without rows none of them is proven."""
    return msgspec.structs.replace(
        identity,
        user_id=None,
        team=None,
        teams=(),
        team_alias=None,
        organization=None,
        organization_alias=None,
        end_user=None,
        role=None,
    )
