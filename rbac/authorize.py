"""May this caller do this? The ordered checks; each raises or says nothing.

THE order, which decides what a caller with several faults is told:

    1 standing   a blocked team, then user, organization, end user
    2 role       what the token asserts, else the stored row's, else what the token plainly is
    3 route      the role's routes in this profile; what is not listed is denied (SEC-39)
    4 models     the role's rule, then the payer's, the organization's, the end user's

Left to others: reading path and body, money, and whether a model must be named at all.
"""

from collections.abc import Sequence

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ModelRule
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Profile
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import Role


def check_standing(principals: Principals) -> None:
    """Refuse callers of whom any row is blocked.

    Raises:
        AccessDenied: TEAM_BLOCKED, USER_BLOCKED, ORGANIZATION_BLOCKED or END_USER_BLOCKED.

    """
    if principals.team is not None and principals.team.blocked:
        raise AccessDenied(AccessFault.TEAM_BLOCKED)
    if principals.user is not None and principals.user.blocked:
        raise AccessDenied(AccessFault.USER_BLOCKED)
    if principals.organization is not None and principals.organization.blocked:
        raise AccessDenied(AccessFault.ORGANIZATION_BLOCKED)
    if principals.end_user is not None and principals.end_user.blocked:
        raise AccessDenied(AccessFault.END_USER_BLOCKED)


def effective_role(identity: Identity, principals: Principals) -> Role:
    """Return the role that counts; nobody becomes an admin by default.

    A machine acts for a team, so the team must be there: otherwise nobody's rules and nobody's
    money would bind it.

    Raises:
        AccessDenied: NO_IDENTITY when the token names neither a user nor a team, TEAM_UNKNOWN when
            none of the teams that it names is stored.

    """
    user = principals.user
    role = identity.role or (None if user is None else user.role)
    if role is None:
        is_person = identity.user_id is not None or user is not None
        role = Role.INTERNAL_USER if is_person else Role.TEAM
    if role is Role.TEAM and principals.team is None:
        named = identity.team is not None or identity.teams
        raise AccessDenied(AccessFault.TEAM_UNKNOWN if named else AccessFault.NO_IDENTITY)
    return role


def binding_rules(principals: Principals) -> tuple[ModelRule, ...]:
    """Return the model rules of a caller's rows that can refuse anything.

    Who pays, decides: the team's own rule binds when there is a team, else the user's; those of the
    organization and of the end user bind always.
    """
    payer = principals.user if principals.team is None else principals.team
    rows = (payer, principals.organization, principals.end_user)
    return tuple(row.models for row in rows if row is not None and not row.models.everything)


def check_route(profile: Profile, role: Role, method: str, path: str) -> Permission:
    """Return what the role may do in the profile, if that includes this route.

    Raises:
        AccessDenied: ROUTE_DENIED, also for a role that the profile does not mention.

    """
    permission = profile.permissions.get(role)
    if permission is None or not permission.routes.allows(method, path):
        raise AccessDenied(AccessFault.ROUTE_DENIED)
    return permission


def check_models(permission: Permission, rules: Sequence[ModelRule], models: Sequence[str]) -> None:
    """Refuse models that the role's rule or one of the rows' rules excludes.

    `rules` are the caller's `binding_rules`; `models` are all models that path and body name.

    Raises:
        AccessDenied: MODEL_DENIED.

    """
    for model in models:
        if not permission.models.allows(model):
            raise AccessDenied(AccessFault.MODEL_DENIED)
        for rule in rules:
            if not rule.allows(model):
                raise AccessDenied(AccessFault.MODEL_DENIED)
