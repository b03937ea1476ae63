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
from gatepass.rbac.principals import Principals, User
from gatepass.rbac.roles import Role


def authorize(  # noqa: PLR0913, PLR0917 - who, by which rules, and the three parts of a request
    profile: Profile,
    identity: Identity,
    principals: Principals,
    method: str,
    path: str,
    models: Sequence[str],
) -> Role:
    """Run all checks in their order and return the role that counts.

    `path` comes from `read_path`; `models` are all models that path and body name.

    Raises:
        AccessDenied: with the fault of the first check that fails.

    """
    check_standing(principals)
    role = effective_role(identity, principals.user)
    permission = check_route(profile, role, method, path)
    check_models(permission, principals, models)
    return role


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


def effective_role(identity: Identity, user: User | None) -> Role:
    """Return the role that counts; nobody becomes an admin by default.

    Raises:
        AccessDenied: NO_IDENTITY when the token names neither a user nor a team: there would be
            nobody to judge or to bill.

    """
    if identity.role is not None:
        return identity.role
    if user is not None and user.role is not None:
        return user.role
    if identity.user_id is not None or user is not None:
        return Role.INTERNAL_USER
    if identity.team is not None or identity.teams:
        return Role.TEAM
    raise AccessDenied(AccessFault.NO_IDENTITY)


def check_route(profile: Profile, role: Role, method: str, path: str) -> Permission:
    """Return what the role may do in the profile, if that includes this route.

    Raises:
        AccessDenied: ROUTE_DENIED, also for a role that the profile does not mention.

    """
    permission = profile.permissions.get(role)
    if permission is None or not permission.routes.allows(method, path):
        raise AccessDenied(AccessFault.ROUTE_DENIED)
    return permission


def check_models(permission: Permission, principals: Principals, models: Sequence[str]) -> None:
    """Refuse models that any rule above the caller excludes.

    Who pays, decides: the team's own rule binds when there is a team, else the user's.

    Raises:
        AccessDenied: MODEL_DENIED.

    """
    _check(permission.models, models)
    if principals.team is not None:
        _check(principals.team.models, models)
    elif principals.user is not None:
        _check(principals.user.models, models)
    if principals.organization is not None:
        _check(principals.organization.models, models)
    if principals.end_user is not None:
        _check(principals.end_user.models, models)


def _check(rule: ModelRule, models: Sequence[str]) -> None:
    for model in models:
        if not rule.allows(model):
            raise AccessDenied(AccessFault.MODEL_DENIED)
