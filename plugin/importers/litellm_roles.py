"""LiteLLM's roles and permissions: who is an administrator, and what each role may do.

What the peer reads only with a switch (`enforce_rbac`, `sync_user_role_and_teams`) is taken over
only with that switch; without it a person decides. Mappings are looked at before anything is
inferred, and one that says proxy_admin makes an administrator.
"""

from collections.abc import Mapping

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_routes import (
    ADMIN_ROUTES,
    BASE_ROUTES,
    TEAM_ROUTES,
    narrowed,
    to_routes,
)
from gatepass.rbac.roles import Role

ADMIN_SCOPE = "litellm_proxy_admin"

_OTHER_WORDS = {"customer": "end_user"}
_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})
_PROFILE = "profiles.default"


def read_roles(jwt: Keys, claims: Mapping[str, str], *, enforced: bool) -> dict[str, object]:
    """Return our section `roles`; `enforced` says that `enforce_rbac` is set."""
    notes = jwt.notes
    scope = jwt.text("admin_jwt_scope")
    if scope is not None:
        notes.exact(jwt.name("admin_jwt_scope"), "roles.admin_scope")
    mappings = _read_mappings(jwt, "role_mappings", "role", "internal_role")
    if mappings:
        notes.changed(
            jwt.name("role_mappings"),
            "roles.mappings",
            "looked at before a team or user id is; one to proxy_admin makes an administrator",
        )
    if "object_id" in claims and not mappings:
        notes.refused(jwt.name("object_id_jwt_field"), "means nothing without role_mappings")
    synced = _read_mappings(jwt, "jwt_litellm_role_map", "jwt_role", "litellm_role")
    if synced and not jwt.has("sync_user_role_and_teams"):
        notes.manual(
            jwt.name("jwt_litellm_role_map"),
            "read by nothing without sync_user_role_and_teams; add it to roles.mappings if it is "
            "meant to count",
        )
    elif synced:
        notes.exact(jwt.name("jwt_litellm_role_map"), "roles.mappings")
        mappings = [*synced, *mappings]
    roles: dict[str, object] = {"admin_scope": scope or ADMIN_SCOPE, "mappings": mappings}
    allowed = _read_allowed(jwt, enforced=enforced)
    if allowed:
        roles["allowed"] = allowed
    named = {"user", "team", "team_alias", "teams"} & claims.keys()
    if enforced:
        roles["require_role"] = not named and not jwt.has("team_id_default")
        notes.exact(jwt.name("enforce_rbac"), "roles.require_role")
    return roles


def _read_mappings(jwt: Keys, key: str, value_key: str, role_key: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for entry in jwt.list_below(key):
        value, role = entry.text(value_key), entry.text(role_key)
        entry.refuse_the_rest()
        if value is None or role is None:
            jwt.notes.refused(entry.name(value_key), f"a mapping needs {value_key} and {role_key}")
            continue
        role = _OTHER_WORDS.get(role, role)
        if role not in set(Role):
            jwt.notes.refused(entry.name(role_key), "not a role")
        elif any(letter in value for letter in "?["):
            jwt.notes.manual(
                entry.name(value_key),
                "only * stands for something here; left out",
                "roles.mappings",
            )
        elif value not in {mapping["value"] for mapping in found}:
            found.append({"value": value, "role": role})
    return found


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


def read_profile(jwt: Keys, general: Keys, *, enforced: bool) -> dict[str, object]:
    """Return our profile: what each role may call and use, and what a team pays for."""
    notes = jwt.notes
    permissions: dict[str, dict[str, object]] = {
        role.value: {"routes": list(routes)} | ({} if role in _VIEWERS else {"models": "all"})
        for role, routes in BASE_ROUTES.items()
    }
    notes.changed(
        "(any LLM route passes; self_managed_routes are open)",
        f"{_PROFILE}.permissions",
        "each role has its routes written out; what only the peer's own handlers guard is in none "
        "of them, and viewers use no models",
    )
    _read_permissions(general, permissions, enforced=enforced)
    profile: dict[str, object] = {"permissions": permissions}
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
    general: Keys, permissions: dict[str, dict[str, object]], *, enforced: bool
) -> None:
    seen: set[str] = set()
    for entry in general.list_below("role_permissions"):
        role, models, routes = entry.text("role"), entry.texts("models"), entry.texts("routes")
        entry.refuse_the_rest()
        where = f"{_PROFILE}.permissions.{role}"
        if role not in permissions:
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
            if models is not None:
                permissions[role]["models"] = models
            if routes is not None:
                asked = to_routes(routes, entry.name("routes"), f"{where}.routes", general.notes)
                base = BASE_ROUTES[Role(role)]
                permissions[role]["routes"] = narrowed(asked, base)
            general.notes.changed(entry.name("role"), where, "a * in models counts as a wildcard")
