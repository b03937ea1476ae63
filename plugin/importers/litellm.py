"""LiteLLM's config.yaml and its JWT_* environment become our settings, with a verdict for each key.

Order: the switch, the models, the claims, the issuers, roles and profile, people, aliases, and then
whatever is left. What is refused leaves nothing to write. The result is validated by the loader of
our own settings before anybody gets it, so that what comes out loads.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_claims import read_claims
from gatepass.plugin.importers.litellm_issuers import read_issuers
from gatepass.plugin.importers.litellm_limits import read_limits
from gatepass.plugin.importers.litellm_models import read_aliases, read_prices
from gatepass.plugin.importers.litellm_people import read_teams, read_users
from gatepass.plugin.importers.litellm_roles import read_profile, read_roles
from gatepass.plugin.importers.litellm_scopes import read_scopes
from gatepass.plugin.importers.litellm_service import (
    note_the_rest,
    note_the_rest_of_jwt,
    read_check,
    read_profile_flags,
)
from gatepass.plugin.importers.settings_text import settings_text
from gatepass.plugin.importers.verdicts import KeyVerdict, Notes, Verdict, exit_status
from gatepass.plugin.settings import load_settings

_OTHER_SECTIONS = ("litellm_settings", "router_settings", "model_list", "environment_variables")
_READ_ELSEWHERE = frozenset(
    {"callbacks", "include", "guardrails", "mcp_servers", "credential_list"}
)
_HEAD = (
    "Imported from a configuration of LiteLLM. What changes stands above the setting; `gatepass "
    "import litellm` tells what became of every key."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """The settings as text, None when something was refused, and what became of each key."""

    text: str | None
    verdicts: tuple[KeyVerdict, ...]

    @property
    def status(self) -> int:
        """Return 0 when nothing needs a person, 1 when something does, 2 when nothing came out."""
        return exit_status(self.verdicts)


def import_litellm(config: str, environ: Mapping[str, str]) -> Imported:
    """Translate the text of a config.yaml; `environ` holds JWT_* and what the file refers to.

    Raises:
        ConfigurationError: the text is no mapping in YAML.

    """
    notes = Notes()
    top = Keys(_parsed(config), "", notes, environ)
    named = top.below("environment_variables")
    environ = {**environ, **{key: named.text(key) or "" for key in named.names_left()}}
    top = Keys(_parsed(config), "", notes, environ)
    document = _translated(top, environ, notes)
    if exit_status(notes.verdicts) == 2:  # noqa: PLR2004 - refused
        return Imported(None, notes.verdicts)
    text = settings_text(document, _comments(notes), [_HEAD])
    for problem in _problems(text):
        place, _, sentence = problem.partition(": ")
        notes.refused(place, f"our own setting would not load: {sentence}")
    loads = exit_status(notes.verdicts) != 2  # noqa: PLR2004 - refused
    return Imported(text if loads else None, notes.verdicts)


def _translated(top: Keys, environ: Mapping[str, str], notes: Notes) -> dict[str, object]:
    general, service = top.below("general_settings"), top.below("litellm_settings")
    router, models = top.below("router_settings"), top.list_below("model_list")
    jwt = general.below("litellm_jwtauth")
    if not general.flag("enable_jwt_auth"):
        notes.manual(
            general.name("enable_jwt_auth"),
            "is not on there: no token counts yet, and here tokens are all that counts",
        )
    if jwt.has("user_roles_jwt_field") != jwt.has("user_allowed_roles"):
        notes.refused(jwt.name("user_allowed_roles"), "goes together with user_roles_jwt_field")
    enforced = jwt.flag("enforce_rbac")
    prices, groups = read_prices(models)
    claims = read_claims(jwt)
    document: dict[str, object] = {"issuers": read_issuers(jwt, claims, environ, notes)}
    document["roles"] = read_roles(jwt, claims, enforced=enforced)
    scopes = read_scopes(jwt, groups)
    if scopes is not None:
        document["scopes"] = scopes
    profile = read_profile(jwt, general, groups, enforced=enforced)
    document["profiles"] = {"default": profile | read_profile_flags(general)}
    document["teams"] = read_teams(jwt, service, claims)
    document["users"] = read_users(jwt, service)
    aliases = read_aliases(router, service)
    budgets = read_limits(general, service) | ({"prices": prices} if prices else {})
    found = {"access_groups": groups, "model_aliases": aliases, "budgets": budgets}
    document |= found
    check = read_check(jwt)
    if check is not None:
        document["checks"] = check
    note_the_rest_of_jwt(jwt)
    note_the_rest(general)
    _note_tokens(notes)
    _note_sections(top)
    return {name: section for name, section in document.items() if section}


def _note_tokens(notes: Notes) -> None:
    notes.changed(
        "(tokens)",
        "issuers",
        "a token needs exp and sub, the algorithm and use of its key have to fit, and an ID token "
        "is refused where it says that it is one: see token_types and type_claims",
    )
    notes.changed(
        "(public routes)",
        "profiles.default",
        "no route is open without a token; list those that shall be under public_routes",
    )


def _note_sections(top: Keys) -> None:
    for key in _OTHER_SECTIONS:
        top.drop(key)
    for key in top.names():
        if key in _READ_ELSEWHERE:
            top.notes.exact(key, "", "is about the peer's own service, and stays there")
        else:
            top.notes.manual(
                key,
                "unknown to this importer at the top of the file; read by nothing there, either",
            )


def _parsed(config: str) -> dict[str, object]:
    try:
        document = yaml.safe_load(config)
    except yaml.YAMLError as wrong:
        # not chained: the library's own message quotes the file
        raise ConfigurationError(["the configuration is not YAML"]) from wrong
    if not isinstance(document, dict):
        raise ConfigurationError(["the configuration is no mapping"])
    return document


def _comments(notes: Notes) -> dict[str, list[str]]:
    """Return what people should read in the file, by the setting."""
    comments: dict[str, list[str]] = {}
    for verdict in notes.verdicts:
        if verdict.verdict in {Verdict.CHANGED, Verdict.MANUAL} and verdict.setting:
            to_do = "TO DO, " if verdict.verdict is Verdict.MANUAL else ""
            where = verdict.setting.replace("issuers[]", "issuers[0]")
            comments.setdefault(where, []).append(f"{to_do}{verdict.key}: {verdict.sentence}")
    return comments


def _problems(text: str) -> list[str]:
    """Return what our own loader says, without the name of the file."""
    with tempfile.TemporaryDirectory(prefix="gatepass-") as folder:
        path = Path(folder, "gatepass.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            load_settings(path, environ={})
        except ConfigurationError as wrong:
            return [
                problem.removeprefix(f"{path}:").lstrip("0123456789:, ")
                for problem in wrong.problems
            ]
    return []
