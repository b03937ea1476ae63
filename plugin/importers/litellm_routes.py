"""What each role may call in LiteLLM, in our words.

The peer asks no list for an LLM route, opens `self_managed_routes` to everybody because its own
handlers check again, and lets administrators of its database do everything. Here each role has its
routes written out, and what only a handler behind it would guard is in none of them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from gatepass.plugin.importers.verdicts import Notes
from gatepass.rbac.roles import Role
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import RouteMatcher, compile_routes

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


def _keep(entries: Sequence[str], other: RouteMatcher, kept: list[str]) -> None:
    """Keep the entries that lie within the other list; a group as a whole, or what of it does."""
    for entry in entries:
        members = ROUTE_GROUPS.get(entry, (entry,))
        inside = [member for member in members if _lies_within(member, other)]
        covered = compile_routes(kept, ROUTE_GROUPS)
        new = [member for member in inside if not _lies_within(member, covered)]
        kept += [entry] if new and len(inside) == len(members) else new


def _lies_within(route: str, other: RouteMatcher) -> bool:
    method, _, path = route.rpartition(" ")
    sample = _PARAMETER.sub("x", path)
    if sample.endswith("/*"):  # below it, however deep
        sample = sample[:-1] + "x/x"
    return other.allows(method or "POST", sample) and (bool(method) or other.allows("GET", sample))


def _is_route(entry: str) -> bool:
    try:
        compile_routes((entry,), {})
    except ValueError:
        return False
    return True
