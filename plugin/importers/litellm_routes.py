"""What each role may call in LiteLLM, in our words.

The peer asks no list for an LLM route, opens `self_managed_routes` to everybody because its own
handlers check again, and lets administrators of its database do everything. Here each role has its
routes written out, without `self_managed_routes`. Other groups hold routes on which handlers check
whose key, team or user it is: `roles_with_guarded_routes` names the roles that keep some.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from gatepass.plugin.importers.verdicts import Notes
from gatepass.rbac.roles import Role
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import METHODS, RouteMatcher, compile_routes

ADMIN_ROUTES = (
    "management_routes",
    "spend_tracking_routes",
    "global_spend_tracking_routes",
    "info_routes",
)
"""What the admin scope opens by default."""

TEAM_ROUTES = (
    "openai_routes",
    "info_routes",
    "mcp_routes",
    "/v1/messages",
    "/v1/messages/count_tokens",
)
"""What a team pays for by default."""

_USER = ("llm_api_routes", "info_routes", "internal_user_routes", "org_admin_only_routes")
_VIEWER = ("info_routes", "internal_user_view_only_routes")
_ADMIN_VIEWER = ("info_routes", "spend_tracking_routes", "global_spend_tracking_routes")

BASE_ROUTES: Mapping[Role, tuple[str, ...]] = {
    Role.PROXY_ADMIN: ("*",),
    Role.PROXY_ADMIN_VIEWER: _ADMIN_VIEWER,
    Role.ORG_ADMIN: _USER,
    Role.TEAM: ("llm_api_routes", "info_routes"),
    Role.INTERNAL_USER: _USER,
    Role.INTERNAL_USER_VIEWER: _VIEWER,
}

_PARAMETER = re.compile(r"\{[^}]*\}")
_GROUP = re.compile(r"[a-z_]+")
_SEGMENT = "~"
"""Stands for any segment; nobody writes it in a rule."""
_DEPTHS = (1, 2, 9)
"""How many segments stand for any number of them; no list of templates reaches the last."""

_GUARDED = re.compile(
    r"([A-Z]+ )?/(v2/|management/v1/)?"
    r"(key|user|users|team|organization|project|spend|spend_logs|global|tag|auto_router)/.*"
)
_GUARDED_GROUPS = (
    "info_routes",
    "internal_user_routes",
    "internal_user_view_only_routes",
    "org_admin_only_routes",
)
_ADMINS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


def to_routes(entries: Iterable[str], key: str, setting: str, notes: Notes) -> list[str]:
    """Return the entries that mean something here; each other one is noted, and opens nothing."""
    routes = []
    for at, entry in enumerate(entries):
        if entry in ROUTE_GROUPS or _is_route(entry):
            routes.append(entry)
        elif _GROUP.fullmatch(entry):
            notes.manual(
                f"{key}[{at}]",
                "there is no such group here; list the paths that you mean under route_groups",
                setting,
            )
        else:
            notes.manual(
                f"{key}[{at}]",
                "not a route here: a path, /x/{name}, or /x/* with the * as last segment",
                setting,
            )
    return routes


def narrowed(asked: Sequence[str], base: Sequence[str]) -> list[str]:
    """Return the routes that both lists hold: what a permission asks for opens nothing more."""
    if "*" in base:
        return list(asked)
    if "*" in asked:
        return list(base)
    kept: list[str] = []
    for entries, other in ((asked, base), (base, asked)):
        _keep(entries, compile_routes(other, ROUTE_GROUPS), kept)
    return kept


def roles_with_guarded_routes(routes: Mapping[Role, Sequence[str]]) -> list[Role]:
    """Return the roles, less the proxy's administrators, that keep what only a handler guards."""
    guarded = [route for route in _members(_GUARDED_GROUPS) if _GUARDED.fullmatch(route)]
    found = []
    for role, entries in routes.items():
        own = _members(entries)
        if role not in _ADMINS and (_touch(guarded, own) or _touch(own, guarded)):
            found.append(role)
    return found


def _members(entries: Iterable[str]) -> list[str]:
    return [member for entry in entries for member in ROUTE_GROUPS.get(entry, (entry,))]


def _touch(routes: Iterable[str], others: Sequence[str]) -> bool:
    """Answer whether a call that one of the routes covers is covered by the others."""
    matcher = compile_routes(others, {})
    return any(matcher.allows(*call) for route in routes for call in _calls(route))


def _keep(entries: Sequence[str], other: RouteMatcher, kept: list[str]) -> None:
    """Keep the entries that lie within the other list; a group as a whole, or what of it does."""
    for entry in entries:
        members = ROUTE_GROUPS.get(entry, (entry,))
        inside = [member for member in members if _lies_within(member, other)]
        covered = compile_routes(kept, ROUTE_GROUPS)
        new = [member for member in inside if not _lies_within(member, covered)]
        kept += [entry] if new and len(inside) == len(members) else new


def _lies_within(route: str, other: RouteMatcher) -> bool:
    return all(other.allows(*call) for call in _calls(route))


def _calls(route: str) -> list[tuple[str, str]]:
    """Return methods and paths, of each kind that the rule covers one."""
    method, _, path = route.rpartition(" ")
    methods = (method,) if method else METHODS
    return [(each, sample) for each in methods for sample in _samples(path)]


def _samples(path: str) -> list[str]:
    """Return paths that the rule covers: one, or for any number of segments one of each depth."""
    many = ["/".join([_SEGMENT] * depth) for depth in _DEPTHS]
    if path.endswith("/*"):  # a slash may stand at the end, too
        many = [*many, f"{_SEGMENT}/"]
        path = path[:-1] + "{below:path}"
    samples = [re.sub(r"\{[^}]*:path\}", segments, path) for segments in many]
    return list(dict.fromkeys(_PARAMETER.sub(_SEGMENT, sample) for sample in samples))


def _is_route(entry: str) -> bool:
    try:
        compile_routes((entry,), {})
    except ValueError:
        return False
    return True
