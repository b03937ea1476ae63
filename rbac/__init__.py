"""Who is the caller, and what may they do? Pure functions over values: no input or output."""

from gatepass.rbac.binding import binding_rules
from gatepass.rbac.budgets import Budget, Limit, Raise, Unit
from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.checks import Call, check_call, check_models, check_route
from gatepass.rbac.claims import ClaimNames, ClaimPath, compile_claim_path
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.model_use import ModelUse, model_in_path, model_use
from gatepass.rbac.models import ALL_MODELS, NO_MODELS, ModelRule, compile_models
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import NO_ROUTES, RouteMatcher, compile_routes, read_path
from gatepass.rbac.scopes import ScopeGrants, ScopeMapping
from gatepass.rbac.standing import Standing, standing_of

__all__ = [
    "ALL_MODELS",
    "NO_MODELS",
    "NO_ROUTES",
    "ROUTE_GROUPS",
    "AccessDenied",
    "AccessFault",
    "Budget",
    "Call",
    "ClaimNames",
    "ClaimPath",
    "EndUser",
    "Identity",
    "Limit",
    "Member",
    "ModelCatalog",
    "ModelRule",
    "ModelUse",
    "Organization",
    "Permission",
    "Policy",
    "Principals",
    "Profile",
    "Raise",
    "Role",
    "RoleMapping",
    "RoleRules",
    "RouteMatcher",
    "ScopeGrants",
    "ScopeMapping",
    "Standing",
    "Team",
    "Unit",
    "User",
    "binding_rules",
    "check_call",
    "check_models",
    "check_route",
    "compile_claim_path",
    "compile_models",
    "compile_routes",
    "identify",
    "model_in_path",
    "model_use",
    "read_path",
    "standing_of",
]
