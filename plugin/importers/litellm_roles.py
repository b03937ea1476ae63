"""LiteLLM's roles and permissions: who is an administrator, and what each role may do.

What the peer reads only with a switch (`enforce_rbac`, `sync_user_role_and_teams`) is taken over
only with that switch; without it a person decides. What somebody's roles stand for is read in
litellm_mappings.py.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_mappings import read_mappings
from gatepass.plugin.importers.litellm_models import read_names
from gatepass.plugin.importers.litellm_routes import (
    ADMIN_ROUTES,
    BASE_ROUTES,
    TEAM_ROUTES,
    narrowed,
    roles_with_guarded_routes,
    to_routes,
)
from gatepass.plugin.importers.verdicts import Notes
from gatepass.rbac.roles import Role

ADMIN_SCOPE = "litellm_proxy_admin"

_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})
_PROFILE = "profiles.default"


@dataclass(slots=True)
class _Permission:
    """What a role may call and use; models None stands for none."""

    routes: list[str]
    models: list[str] | str | None

    def section(self) -> dict[str, object]:
        section: dict[str, object] = {"routes": self.routes}
        return section if self.models is None else section | {"models": self.models}


def read_roles(jwt: Keys, claims: Mapping[str, str], *, enforced: bool) -> dict[str, object]:
    """Return our section `roles`; `enforced` says that `enforce_rbac` is set."""
    notes = jwt.notes
    scope = jwt.text("admin_jwt_scope")
    if scope is not None:
        notes.exact(jwt.name("admin_jwt_scope"), "roles.admin_scope")
    mappings = read_mappings(jwt, claims, enforced=enforced)
    roles: dict[str, object] = {"admin_scope": scope or ADMIN_SCOPE, "mappings": mappings}
    allowed = _read_allowed(jwt, enforced=enforced)
    if allowed:
        roles["allowed"] = allowed
    named = {"user", "team", "team_alias", "teams"} & claims.keys()
    if enforced:
        roles["require_role"] = not named and not jwt.has("team_id_default")
        notes.exact(jwt.name("enforce_rbac"), "roles.require_role")
    return roles


def _read_allowed(jwt: Keys, *, enforced: bool) -> list[str] | None:
    allowed = jwt.texts("user_allowed_roles")
    if allowed is None:
        return None
    key = jwt.name("user_allowed_roles")
    if not enforced:
        jwt.notes.manual(
            key, "read by nothing without enforce_rbac; write it as roles.allowed to enforce it"
        )
        return None
    jwt.notes.changed(
        key, "roles.allowed", "a person needs one of them also when the token has a user id"
    )
    return allowed


def read_profile(
    jwt: Keys, general: Keys, groups: Container[str], *, enforced: bool
) -> dict[str, object]:
    """Return our profile: what each role may call and use, and what a team pays for.

    `groups` are the names of access groups.
    """
    notes = jwt.notes
    notes.changed(
        "(any LLM route passes; self_managed_routes are open)",
        f"{_PROFILE}.permissions",
        "each role has its routes written out, without self_managed_routes, and viewers use no "
        "models",
    )
    permissions = _read_permissions(general, groups, enforced=enforced)
    _note_guarded_routes(permissions, notes)
    profile: dict[str, object] = {
        "permissions": {role.value: found.section() for role, found in permissions.items()}
    }
    for key, setting, usual in (
        ("team_allowed_routes", "team_routes", TEAM_ROUTES),
        ("admin_allowed_routes", "admin_scope_routes", ADMIN_ROUTES),
    ):
        asked = jwt.texts(key)
        where = f"{_PROFILE}.{setting}"
        if asked is None:
            profile[setting] = list(usual)
        else:
            notes.exact(jwt.name(key), where)
            profile[setting] = to_routes(asked, jwt.name(key), where, notes)
    notes.changed(
        "(team_allowed_routes do not hold for a single team)",
        f"{_PROFILE}.team_routes",
        "they hold for every team that pays, wherever it comes from",
    )
    notes.exact("(guardrails)", f"{_PROFILE}.allow_guardrail_changes", "only teams are asked")
    return profile | {"allow_guardrail_changes": True}


def _read_permissions(
    general: Keys, groups: Container[str], *, enforced: bool
) -> dict[Role, _Permission]:
    permissions = {
        role: _Permission(list(routes), None if role in _VIEWERS else "all")
        for role, routes in BASE_ROUTES.items()
    }
    seen: set[str] = set()
    for entry in general.list_below("role_permissions"):
        role, models, routes = entry.text("role"), entry.texts("models"), entry.texts("routes")
        entry.refuse_the_rest()
        where = f"{_PROFILE}.permissions.{role}"
        if role is None or role not in BASE_ROUTES:
            general.notes.refused(entry.name("role"), "not a role that permissions are for")
        elif not enforced:
            general.notes.manual(
                entry.name("role"),
                "read by nothing without litellm_jwtauth.enforce_rbac; write it under profiles to "
                "enforce it",
                where,
            )
        elif role in seen:
            general.notes.changed(entry.name("role"), where, "the first entry of a role counts")
        else:
            seen.add(role)
            of_role, notes = permissions[Role(role)], general.notes
            if models is not None:
                key = entry.name("models")
                of_role.models = read_names(models, groups, key, f"{where}.models", notes)
            if routes is not None:
                asked = to_routes(routes, entry.name("routes"), f"{where}.routes", notes)
                of_role.routes = narrowed(asked, of_role.routes)
            notes.changed(
                entry.name("role"),
                where,
                "opens nothing that the role has not, and an alias in models counts as the model "
                "it stands for",
            )
    return permissions


def _note_guarded_routes(permissions: Mapping[Role, _Permission], notes: Notes) -> None:
    roles = roles_with_guarded_routes({role: of.routes for role, of in permissions.items()})
    if roles:
        notes.manual(
            "(handlers check whose key, team or user it is)",
            "nothing checks it here, for /user/info and, in internal_user_routes, /key/generate, "
            "/key/{key_id}/reset_spend and /team/key/bulk_update, among others, of "
            f"{', '.join(roles)}: take info_routes, internal_user_routes, "
            "internal_user_view_only_routes and org_admin_only_routes out, unless the peer stands "
            "behind the gateway and is told who calls",
            f"{_PROFILE}.permissions",
        )
