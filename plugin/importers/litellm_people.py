"""LiteLLM's users and teams: who is made on the fly, which team counts, what new rows start with.

An empty list of models means every model there; here that is the word `all`.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from gatepass.plugin.importers.keys import Keys
from gatepass.rbac.roles import Role

TEAM_HEADER = "x-litellm-team-id"
_DURATION = re.compile(r"[0-9]{1,9}[smhd]")
_MONTH = re.compile(r"1mo(nth)?|month")
_NEW_USER_ROLES = {Role.INTERNAL_USER.value, Role.INTERNAL_USER_VIEWER.value}


def row_models(models: Sequence[str] | None) -> list[str] | str:
    """Return what a row's list means here: an empty one is every model there."""
    return list(models) if models else "all"


def read_users(jwt: Keys, service: Keys) -> dict[str, object]:
    """Return our section `users`."""
    notes = jwt.notes
    users: dict[str, object] = {}
    domain = jwt.text("user_allowed_email_domain")
    if domain is not None:
        users["email_domains"] = [domain.lower()]
        notes.changed(
            jwt.name("user_allowed_email_domain"),
            "users.email_domains",
            "letter case does not count, and administrators are asked too",
        )
    if jwt.has("user_id_upsert"):
        users["upsert"] = jwt.flag("user_id_upsert")
        notes.exact(jwt.name("user_id_upsert"), "users.upsert")
    if jwt.has("sync_user_role_and_teams"):
        synced = jwt.flag("sync_user_role_and_teams")
        users |= {"sync_role": synced, "sync_teams": synced}
        notes.changed(
            jwt.name("sync_user_role_and_teams"),
            "users.sync_teams",
            "a token without the claim changes nothing; only an empty list ends memberships",
        )
    defaults = _read_new_user(service)
    return users | ({"defaults": defaults} if defaults else {})


def _read_new_user(service: Keys) -> dict[str, object]:
    given = service.below("default_internal_user_params")
    where = "users.defaults"
    defaults = _read_row(given, where)
    role = given.text("user_role")
    if role in _NEW_USER_ROLES:
        defaults["role"] = role
        given.notes.exact(given.name("user_role"), f"{where}.role")
    elif role is not None:
        given.notes.manual(
            given.name("user_role"), "nobody is an administrator by being new: left out", where
        )
    if given.has("teams"):
        given.drop("teams")
        given.notes.manual(given.name("teams"), "list the ids of the teams there", f"{where}.teams")
    _name_the_rest(given)
    limit = service.number("max_internal_user_budget")
    window = service.text("internal_user_budget_duration")
    if limit is not None and "budget" not in defaults:
        defaults["budget"] = read_budget(
            service, "max_internal_user_budget", limit, window, f"{where}.budget"
        )
    return defaults


def read_teams(jwt: Keys, service: Keys, claims: Mapping[str, str]) -> dict[str, object]:
    """Return our section `teams`."""
    upsert = _noted_flag(jwt, "team_id_upsert", "teams.upsert")
    falls_back = jwt.flag("team_claim_fallback")
    memberships = _noted_flag(jwt, "fallback_to_db_teams", "teams.fallback")
    required = _noted_flag(jwt, "enforce_team_based_model_access", "teams.required")
    default = jwt.text("team_id_default")
    if "team" in claims or "team_alias" in claims:
        required |= not falls_back and not memberships and default is None
    teams: dict[str, object] = {"upsert": upsert, "header": TEAM_HEADER, "required": required}
    teams["fallback"] = _fallback(memberships=memberships, closed=required or default is not None)
    if falls_back:
        _note_fallback(jwt, upsert=upsert)
        teams["unknown_claim_falls_back"] = not upsert
    if default is not None:
        teams["default"] = default
        jwt.notes.changed(
            jwt.name("team_id_default"),
            "teams.default",
            "counts after the list of teams of the token, and for nobody who is nobody",
        )
    given = service.below("default_team_params")
    defaults = _read_row(given, "teams.defaults")
    _name_the_rest(given)
    return teams | ({"defaults": defaults} if defaults else {})


def _fallback(*, memberships: bool, closed: bool) -> str:
    if memberships:
        return "memberships"
    return "none" if closed else "single_membership"


def _note_fallback(jwt: Keys, *, upsert: bool) -> None:
    key, where = jwt.name("team_claim_fallback"), "teams.unknown_claim_falls_back"
    if upsert:
        jwt.notes.changed(key, "teams.upsert", "never comes to it: team_id_upsert makes the team")
    else:
        jwt.notes.changed(
            key, where, "a token without the claim falls back as well, instead of being refused"
        )


def _noted_flag(jwt: Keys, key: str, setting: str) -> bool:
    if jwt.has(key):
        jwt.notes.exact(jwt.name(key), setting)
    return jwt.flag(key)


def _read_row(given: Keys, where: str) -> dict[str, object]:
    """Return what new rows start with."""
    defaults: dict[str, object] = {}
    if given.has("models"):
        defaults["models"] = row_models(given.texts("models"))
        given.notes.changed(
            given.name("models"), f"{where}.models", "an empty list is the word all here"
        )
    limit = given.number("max_budget")
    window = given.text("budget_duration")
    if limit is not None:
        defaults["budget"] = read_budget(given, "max_budget", limit, window, f"{where}.budget")
    elif window is not None:
        given.notes.exact(given.name("budget_duration"), "", "means nothing without max_budget")
    return defaults


def read_budget(keys: Keys, key: str, limit: Decimal, window: str | None, setting: str) -> str:
    """Return the text of a budget, and note what becomes of its key."""
    amount = f"${limit:f}"
    if window is None:
        keys.notes.exact(keys.name(key), setting)
        return amount
    if _MONTH.fullmatch(window):
        keys.notes.exact(keys.name(key), setting)
        return f"{amount} per month"
    if _DURATION.fullmatch(window):
        keys.notes.exact(keys.name(key), setting)
        return f"{amount} per {window}"
    keys.notes.manual(keys.name(key), "its duration is none here; the budget never resets", setting)
    return amount


def _name_the_rest(keys: Keys) -> None:
    for key in keys.names():
        keys.notes.manual(keys.name(key), "there is no such default here; left out")
