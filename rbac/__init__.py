"""Who is the caller, and what may they do? Pure functions over values: no input or output."""

from gatepass.rbac.authorize import (
    binding_rules,
    check_models,
    check_route,
    check_standing,
    effective_role,
)
from gatepass.rbac.claims import ClaimNames, ClaimPath, compile_claim_path
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.model_use import ModelUse, model_in_path, model_use
from gatepass.rbac.models import ALL_MODELS, NO_MODELS, ModelRule, compile_models
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import Budget, EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import NO_ROUTES, RouteMatcher, compile_routes, read_path

__all__ = [
    "ALL_MODELS",
    "NO_MODELS",
    "NO_ROUTES",
    "ROUTE_GROUPS",
    "AccessDenied",
    "AccessFault",
    "Budget",
    "ClaimNames",
    "ClaimPath",
    "EndUser",
    "Identity",
    "ModelRule",
    "ModelUse",
    "Organization",
    "Permission",
    "Policy",
    "Principals",
    "Profile",
    "Role",
    "RoleMapping",
    "RoleRules",
    "RouteMatcher",
    "Team",
    "User",
    "binding_rules",
    "check_models",
    "check_route",
    "check_standing",
    "compile_claim_path",
    "compile_models",
    "compile_routes",
    "effective_role",
    "identify",
    "model_in_path",
    "model_use",
    "read_path",
]
