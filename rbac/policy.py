"""The rules of a deployment, compiled once from its settings and never changed afterwards.

A reload builds a whole new Policy. A gateway names the profile that a request is judged by; a role
that a profile does not mention may call nothing there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gatepass.rbac.catalog import PLAIN_CATALOG, ModelCatalog
from gatepass.rbac.claims import ClaimNames
from gatepass.rbac.grace import Grace
from gatepass.rbac.permissions import Permission
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.routes import ALL_ROUTES, NO_ROUTES, RouteMatcher
from gatepass.rbac.scopes import NO_SCOPE_RULES, ScopeGrants
from gatepass.rbac.teams import NO_TEAM_RULES, TeamRules


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules for the requests of one kind of route.

    `public_routes` need no token. With `require_model` a call of a route that names a model must
    name one. On `unseen_model_routes` a body that the gateway did not show passes although a model
    rule applies. `allowed_parameters` are body members that are refused otherwise.
    `allow_token_upstream` leaves the caller's token in the request. With `require_user_parameter` a
    POST of inference must say for whom it is; `allow_guardrail_changes` is for callers without a
    team. `team_routes` are all that a team may pay for, whatever the role; `admin_scope_routes` all
    that the admin scope opens. `routes_without_store` pass by the token alone while no rows can be
    read (outage.py). `grace` is what may pass while nobody can count.
    """

    name: str
    public_routes: RouteMatcher
    permissions: Mapping[Role, Permission]
    require_model: bool
    unseen_model_routes: RouteMatcher
    allowed_parameters: frozenset[str]
    allow_token_upstream: bool
    require_user_parameter: bool = False
    allow_guardrail_changes: bool = False
    team_routes: RouteMatcher = ALL_ROUTES
    admin_scope_routes: RouteMatcher = ALL_ROUTES
    routes_without_store: RouteMatcher = NO_ROUTES
    grace: Grace | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All profiles by name, the claim names by issuer, and the rules that hold in every profile.

    The model lists of profiles and scopes are bound to the catalog already. `email_domains` in
    lower case are the only ones that people may come from; None means any, and no domain nobody.
    """

    profiles: Mapping[str, Profile]
    claim_names: Mapping[str, ClaimNames]
    roles: RoleRules
    catalog: ModelCatalog = PLAIN_CATALOG
    scopes: ScopeGrants = NO_SCOPE_RULES
    email_domains: frozenset[str] | None = None
    teams: TeamRules = NO_TEAM_RULES
