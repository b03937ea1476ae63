"""The rules of a deployment, compiled once from its settings and never changed afterwards.

A reload builds a whole new Policy. A gateway names the profile that a request is judged by; a role
that a profile does not mention may call nothing there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gatepass.rbac.claims import ClaimNames
from gatepass.rbac.permissions import Permission
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.routes import RouteMatcher


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules for the requests of one kind of route.

    `public_routes` need no token. With `require_model` a call of a route that names a model must
    name one. On `unseen_model_routes` a body that the gateway did not show passes although a model
    rule applies. `allowed_parameters` are body members that are refused otherwise.
    `allow_token_upstream` leaves the caller's token in the request.
    """

    name: str
    public_routes: RouteMatcher
    permissions: Mapping[Role, Permission]
    require_model: bool
    unseen_model_routes: RouteMatcher
    allowed_parameters: frozenset[str]
    allow_token_upstream: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """All profiles by name, the claim names by issuer, and how claims assert a role."""

    profiles: Mapping[str, Profile]
    claim_names: Mapping[str, ClaimNames]
    roles: RoleRules
