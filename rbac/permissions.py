"""What one role may do in one profile: which routes it may call, and which models it may name."""

from dataclasses import dataclass

from gatepass.rbac.models import ModelRule
from gatepass.rbac.routes import RouteMatcher


@dataclass(frozen=True, slots=True)
class Permission:
    """The routes and the models of a role; a call needs both."""

    routes: RouteMatcher
    models: ModelRule
