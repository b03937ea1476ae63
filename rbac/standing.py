"""What is known of a caller before any request of theirs: worked out once, used for each.

Order: a blocked team, user, organization or end user, then the role, then whether there has to be a
team; all of these refuse at once. A proxy admin needs no team, and is not held to the routes of
one: what they administer is nobody's bill. What refuses later (the domain of the e-mail address) is
carried along and raised at its place in the order of checks.py.
"""

from collections.abc import Mapping

import msgspec

from gatepass.rbac.binding import binding_rules
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ModelRule
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import PROXY_ADMINS, Role, RoleRules
from gatepass.rbac.scopes import ScopeGrants


class Standing(msgspec.Struct, frozen=True):
    """The caller's part of every check.

    `rules` are the model rules of the rows. `aliases` are the names that stand for other models.
    `may_modify_guardrails` is the team's word, None without a team. `late` is what refuses the
    caller after all rules about the request. `team_pays` binds the caller to the routes of teams,
    `by_admin_scope` to those that the admin scope opens.
    """

    role: Role
    rules: tuple[ModelRule, ...]
    scopes: ScopeGrants
    aliases: Mapping[str, str]
    may_modify_guardrails: bool | None
    organizations: Mapping[str, Role]
    late: AccessFault | None
    team_pays: bool = False
    by_admin_scope: bool = False

    @property
    def model_decides(self) -> bool:
        """Answer whether a rule of the caller's own needs to know the model."""
        return bool(self.rules) or self.scopes.enforce_models


def standing_of(policy: Policy, identity: Identity, principals: Principals) -> Standing:
    """Return where the caller stands.

    Raises:
        AccessDenied: a row is blocked, or the caller has no role, or not the team that is needed.

    """
    check_blocked(principals)
    role = effective_role(policy.roles, identity, principals)
    team, user = principals.team, principals.user
    if team is None and policy.teams.required and role not in PROXY_ADMINS:
        raise AccessDenied(AccessFault.TEAM_MISSING)
    catalog = policy.catalog
    return Standing(
        role=role,
        rules=binding_rules(principals, catalog),
        scopes=policy.scopes.held_by(identity.scopes),
        aliases=catalog.aliases if team is None else catalog.aliases_with(team.model_aliases),
        may_modify_guardrails=None if team is None else team.may_modify_guardrails,
        organizations={} if user is None else user.organizations,
        late=domain_fault(policy.email_domains, identity, principals, role),
        team_pays=team is not None and role not in PROXY_ADMINS,
        by_admin_scope=policy.roles.admin_scope in identity.scopes,
    )


def check_blocked(principals: Principals) -> None:
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


def effective_role(rules: RoleRules, identity: Identity, principals: Principals) -> Role:
    """Return the role that counts; nobody becomes an admin by default.

    Whoever is no person acts for a team, which must be there: otherwise nobody's rules and nobody's
    money would bind them. Only who administers the proxy need not be anybody. A token that names
    nobody at all does not get the default team, unless a mapping says that it is a team's.

    Raises:
        AccessDenied: NO_ROLE when the token's roles are not accepted, NO_IDENTITY when the token
            names neither a user nor a team, TEAM_UNKNOWN when none of the teams that it names is
            stored.

    """
    is_person = identity.user_id is not None or principals.user is not None
    if is_person and identity.role is None and not is_allowed(rules, identity):
        raise AccessDenied(AccessFault.NO_ROLE)
    stored = None if principals.user is None else principals.user.role
    role = identity.role or stored or _inferred_role(rules, identity, is_person=is_person)
    names_team = bool(identity.team or identity.teams or identity.team_alias)
    needs_no_name = is_person or names_team or identity.role is Role.TEAM
    if not needs_no_name and role not in PROXY_ADMINS:
        raise AccessDenied(AccessFault.NO_IDENTITY)
    needs_team = role is Role.TEAM or not (is_person or role in PROXY_ADMINS)
    if needs_team and principals.team is None:
        raise AccessDenied(AccessFault.TEAM_UNKNOWN if names_team else AccessFault.NO_IDENTITY)
    return role


def is_allowed(rules: RoleRules, identity: Identity) -> bool:
    """Answer whether a person has one of the values of the roles claim that are needed."""
    return rules.allowed is None or _has_one(rules.allowed, identity)


def _has_one(allowed: frozenset[str], identity: Identity) -> bool:
    return not allowed.isdisjoint(identity.roles)


def _inferred_role(rules: RoleRules, identity: Identity, *, is_person: bool) -> Role:
    """Return what the caller plainly is; a role that is allowed makes a person just that.

    Raises:
        AccessDenied: NO_ROLE when a role is required and nothing says one.

    """
    says_one = is_person and rules.allowed is not None and _has_one(rules.allowed, identity)
    if rules.required and not says_one:
        raise AccessDenied(AccessFault.NO_ROLE)
    return Role.INTERNAL_USER if is_person else Role.TEAM


def domain_fault(
    domains: frozenset[str] | None, identity: Identity, principals: Principals, role: Role
) -> AccessFault | None:
    """Return what the domain of whoever is a person refuses: the address itself, verified or not.

    It opens no account, it only keeps others out. A machine of a team has no address; one that has
    is judged like a person.
    """
    if domains is None or _is_machine(identity, principals, role):
        return None
    _, _, domain = (identity.email or "").rpartition("@")
    return None if domain in domains else AccessFault.EMAIL_DOMAIN_DENIED


def _is_machine(identity: Identity, principals: Principals, role: Role) -> bool:
    return (
        role is Role.TEAM
        and identity.user_id is None
        and identity.email is None
        and principals.user is None
    )
