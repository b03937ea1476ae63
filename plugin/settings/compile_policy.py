"""What the settings of the rules mean: one Policy, every list of it compiled and bound."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.claims import ClaimNames, ClaimPath, compile_claim_path
from gatepass.rbac.grace import Grace
from gatepass.rbac.models import ALL_MODELS, ModelRule, compile_models
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.providers import PROVIDERS
from gatepass.rbac.roles import RoleMapping, RoleRules
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import ALL_ROUTES, RouteMatcher, compile_routes
from gatepass.rbac.scopes import ScopeGrants, ScopeMapping
from gatepass.rbac.teams import TeamRules

if TYPE_CHECKING:
    from gatepass.plugin.settings.grammar import ModelChoice
    from gatepass.plugin.settings.issuers import IssuerSettings
    from gatepass.plugin.settings.model import Settings
    from gatepass.plugin.settings.naming_models import ScopeSettings
    from gatepass.plugin.settings.profiles import ProfileSettings, UncountedSettings

_SEPARATORS = {"comma": ",", "space": " "}


def compile_policy(settings: "Settings") -> Policy:
    """Return the rules of a deployment.

    Raises:
        ValueError: for settings that were put together around their checks.

    """
    groups = {**ROUTE_GROUPS, **settings.route_groups}
    catalog = ModelCatalog(
        settings.access_groups, settings.model_aliases, {**PROVIDERS, **settings.providers}
    )
    return Policy(
        profiles={
            name: _profile(name, profile, groups, catalog)
            for name, profile in settings.profiles.items()
        },
        catalog=catalog,
        scopes=_scope_grants(settings.scopes, groups, catalog),
        email_domains=only_these(settings.users.email_domains),
        claim_names={issuer.issuer: _claim_names(issuer) for issuer in settings.issuers},
        roles=RoleRules(
            admin_scope=settings.roles.admin_scope,
            mappings=tuple(
                RoleMapping(mapping.value, mapping.role) for mapping in settings.roles.mappings
            ),
            precedence=settings.roles.precedence,
            allowed=only_these(settings.roles.allowed),
            required=settings.roles.require_role,
        ),
        teams=TeamRules(
            default=settings.teams.default,
            fallback=settings.teams.fallback,
            unknown_falls_back=settings.teams.unknown_claim_falls_back,
            required=settings.teams.required,
        ),
    )


def only_these(listed: Iterable[str] | None) -> frozenset[str] | None:
    """Return all that may pass: None where there is no such rule, and nothing for an empty list."""
    return None if listed is None else frozenset(listed)


def _profile(
    name: str,
    settings: "ProfileSettings",
    groups: Mapping[str, tuple[str, ...]],
    catalog: ModelCatalog,
) -> Profile:
    return Profile(
        name=name,
        public_routes=compile_routes(settings.public_routes, groups),
        permissions={
            role: Permission(
                routes=compile_routes(permission.routes, groups),
                models=catalog.bind(_model_rule(permission.models)),
            )
            for role, permission in settings.permissions.items()
        },
        require_model=settings.require_model,
        unseen_model_routes=compile_routes(settings.unsafe_unseen_model_routes, groups),
        routes_without_store=compile_routes(settings.unsafe_routes_without_store, groups),
        grace=_grace(name, settings.allow_uncounted, groups),
        allowed_parameters=frozenset(settings.allow_parameters),
        allow_token_upstream=settings.allow_token_upstream,
        require_user_parameter=settings.require_user_parameter,
        allow_guardrail_changes=settings.allow_guardrail_changes,
        team_routes=_limit(settings.team_routes, groups),
        admin_scope_routes=_limit(settings.admin_scope_routes, groups),
    )


def _grace(
    name: str, settings: "UncountedSettings | None", groups: Mapping[str, tuple[str, ...]]
) -> Grace | None:
    if settings is None:
        return None
    return Grace(name, compile_routes(settings.routes, groups), settings.spend, settings.time)


def _limit(entries: tuple[str, ...] | None, groups: Mapping[str, tuple[str, ...]]) -> RouteMatcher:
    return ALL_ROUTES if entries is None else compile_routes(entries, groups)


def _scope_grants(
    settings: "ScopeSettings", groups: Mapping[str, tuple[str, ...]], catalog: ModelCatalog
) -> ScopeGrants:
    mappings = tuple(
        ScopeMapping(
            mapping.scope,
            catalog.bind(_model_rule(mapping.models)),
            compile_routes(mapping.routes, groups),
        )
        for mapping in settings.mappings
    )
    return ScopeGrants(settings.enforce_models, settings.enforce_routes, mappings)


def _claim_names(issuer: "IssuerSettings") -> ClaimNames:
    def paths(names: tuple[str, ...]) -> tuple[ClaimPath, ...]:
        return tuple(compile_claim_path(name) for name in names)

    settings = issuer.claims
    return ClaimNames(
        user=paths(settings.user),
        email=paths(settings.email),
        email_verified=paths(settings.email_verified),
        email_owner=paths(settings.email_owner),
        team=paths(settings.team),
        team_alias=paths(settings.team_alias),
        teams=paths(settings.teams),
        organization=paths(settings.organization),
        organization_alias=paths(settings.organization_alias),
        end_user=paths(settings.end_user),
        object_id=paths(settings.object_id),
        roles=paths(settings.roles),
        scopes=paths(settings.scopes),
        separators={claim: _SEPARATORS[name] for claim, name in issuer.separators.items()},
        numbers_as_ids=frozenset(issuer.numbers_as_ids),
    )


def _model_rule(models: "ModelChoice") -> ModelRule:
    return ALL_MODELS if models == "all" else compile_models(models)
