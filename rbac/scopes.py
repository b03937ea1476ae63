"""What the scopes of a token grant, where the settings enforce that.

With `enforce_models` a mapping whose scope the token holds must grant each model that is named;
with `enforce_routes` a held mapping must grant the route. With both it must be one mapping that
grants the model on that route: two scopes add up, they never mix. A request that names no model
needs no grant of one. Nothing here adds to what the role and the rows allow.
"""

from dataclasses import dataclass

from gatepass.rbac.models import ModelRule
from gatepass.rbac.routes import RouteMatcher


@dataclass(frozen=True, slots=True)
class ScopeMapping:
    """One scope, and the models and routes that it grants."""

    scope: str
    models: ModelRule
    routes: RouteMatcher


@dataclass(frozen=True, slots=True)
class ScopeGrants:
    """The mappings that count for somebody, and what of them is enforced."""

    enforce_models: bool = False
    enforce_routes: bool = False
    mappings: tuple[ScopeMapping, ...] = ()

    def held_by(self, scopes: frozenset[str]) -> "ScopeGrants":
        """Return what is left for a token that holds these scopes."""
        if not self.mappings:
            return self
        held = tuple(mapping for mapping in self.mappings if mapping.scope in scopes)
        return ScopeGrants(self.enforce_models, self.enforce_routes, held)

    def allow_route(self, method: str, path: str) -> bool:
        """Answer whether a mapping grants the route; asked where routes are enforced."""
        return any(mapping.routes.allows(method, path) for mapping in self.mappings)

    def allow_model(self, method: str, path: str, model: str) -> bool:
        """Answer whether a mapping grants the model on the route; asked where models are."""
        return any(
            mapping.models.allows(model)
            and (not self.enforce_routes or mapping.routes.allows(method, path))
            for mapping in self.mappings
        )


NO_SCOPE_RULES = ScopeGrants()
"""Scopes grant and refuse nothing."""
