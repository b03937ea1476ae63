"""May this caller do this? THE ordered checks, in docs/checks.md too; each raises or says nothing.

The order decides what a caller with several faults is told:

    1 blocked        a blocked team, then user, organization, end user (standing.py)
    2 role           the token's, else the stored row's, else what the token is (standing.py)
    3 route          the role's routes in this profile, those that a team may pay for or the admin
                     scope opens, then those of the scopes (SEC-39)
    4 models         the role's list, the scopes', and every list of binding.py (SEC-57, SEC-58)
    5 user           the `user` parameter, where the profile requires one
    6 guardrails     changing them, by whoever may not
    7 organizations  administering one, by whoever does not
    8 late           the domain of the e-mail address, then the deployment's own check

The first two are taken when a caller is seen for the first time and hold until their rows are read
again. Money comes last of all. Left to others: reading path and body, money, and whether a model
must be named at all.
"""

from collections.abc import Sequence

import msgspec

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.organizations import OrganizationUse, check_organizations
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Profile
from gatepass.rbac.standing import Standing

_TOUCHES_NONE = OrganizationUse.NONE


class Call(msgspec.Struct, frozen=True, gc=False):
    """What a request does beside using models, as far as the rules look at it.

    `lacks_user` is true for a POST of inference without a `user`; `organizations` are those that
    the request names.
    """

    lacks_user: bool = False
    changes_guardrails: bool = False
    organization_use: OrganizationUse = OrganizationUse.NONE
    organizations: tuple[str, ...] = ()


def check_route(profile: Profile, standing: Standing, method: str, path: str) -> Permission:
    """Return what the caller's role may do in the profile, if that includes this route.

    Raises:
        AccessDenied: ROUTE_DENIED, also for a role that the profile does not mention, or
            SCOPE_DENIED.

    """
    permission = profile.permissions.get(standing.role)
    if permission is None or not permission.routes.allows(method, path):
        raise AccessDenied(AccessFault.ROUTE_DENIED)
    if standing.team_pays and not profile.team_routes.allows(method, path):
        raise AccessDenied(AccessFault.ROUTE_DENIED)
    if standing.by_admin_scope and not profile.admin_scope_routes.allows(method, path):
        raise AccessDenied(AccessFault.ROUTE_DENIED)
    scopes = standing.scopes
    if scopes.enforce_routes and not scopes.allow_route(method, path):
        raise AccessDenied(AccessFault.SCOPE_DENIED)
    return permission


def check_models(
    permission: Permission, standing: Standing, method: str, path: str, models: Sequence[str]
) -> None:
    """Refuse models that a list which binds the caller does not admit.

    `permission` is what `check_route` returned; `models` are all models that path and body name,
    each alias as its target.

    Raises:
        AccessDenied: MODEL_DENIED or SCOPE_DENIED.

    """
    scopes = standing.scopes
    for model in models:
        if not permission.models.allows(model):
            raise AccessDenied(AccessFault.MODEL_DENIED)
        if scopes.enforce_models and not scopes.allow_model(method, path, model):
            raise AccessDenied(AccessFault.SCOPE_DENIED)
        for rule in standing.rules:
            if not rule.allows(model):
                raise AccessDenied(AccessFault.MODEL_DENIED)


def check_call(profile: Profile, standing: Standing, call: Call) -> None:
    """Take all checks that come after the models, in order.

    Raises:
        AccessDenied: for the first that refuses.

    """
    if call.lacks_user and profile.require_user_parameter:
        raise AccessDenied(AccessFault.USER_PARAMETER_MISSING)
    if call.changes_guardrails and not may_modify_guardrails(profile, standing):
        raise AccessDenied(AccessFault.GUARDRAILS_DENIED)
    if call.organization_use is not _TOUCHES_NONE:
        check_organizations(
            call.organization_use, call.organizations, standing.role, standing.organizations
        )
    if standing.late is not None:
        raise AccessDenied(standing.late)


def may_modify_guardrails(profile: Profile, standing: Standing) -> bool:
    """Return the team's word where there is a team, else the profile's."""
    said = standing.may_modify_guardrails
    return profile.allow_guardrail_changes if said is None else said
