"""Notes on settings that are valid and, very likely unmeant, refuse everybody or let anybody in.

Rules, in order: a profile that no example asks for; a role whose routes need models that it may not
name; a default that lets unreported calls be free; limits that nobody counts, or without a price;
persons who are unknown and stay so; an issuer that makes tokens for any audience for whoever asks.
What is wrong in itself is the settings' own business.
"""

import re
from collections.abc import Iterator, Mapping

from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.settings import Settings
from gatepass.rbac.budgets import Unit
from gatepass.rbac.model_use import ModelUse, model_use
from gatepass.rbac.route_groups import ROUTE_GROUPS

_GOOGLE = "https://accounts.google.com"
_OWN_OF_GOOGLE = frozenset({"hd", "azp"})
"""Claims that others cannot choose for the ID tokens of their service accounts."""

_PARAMETER = re.compile(r"\{[^}]*\}|(?<=/)\*$")


def notes_on(settings: Settings, *, stored: bool) -> list[Finding]:
    """Return the notes; `stored` says whether there is a database already."""
    return [
        *_profile_notes(settings),
        *_budget_notes(settings),
        *_user_notes(settings, stored),
        *_issuer_notes(settings),
    ]


def _profile_notes(settings: Settings) -> Iterator[Finding]:
    if "default" not in settings.profiles:
        yield note(
            "profiles",
            "none is named default, which is the one that the examples ask for",
            "rename one, or name yours in the gateway's configuration",
        )
    groups = {**ROUTE_GROUPS, **settings.route_groups}
    for name, profile in settings.profiles.items():
        for role, permission in profile.permissions.items():
            if not permission.models and _need_a_model(permission.routes, groups):
                yield note(
                    f"profiles.{name}.permissions.{role}",
                    "has routes that need a model, and no models: such calls are refused",
                    "set models: all, or list some",
                )


def _need_a_model(entries: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> bool:
    rules = (rule for entry in entries for rule in groups.get(entry, (entry,)))
    return any(_needs_a_model(rule) for rule in rules)


def _needs_a_model(rule: str) -> bool:
    if rule == "*":
        return True
    method, _, path = rule.rpartition(" ")
    return model_use(method or "POST", _PARAMETER.sub("x", path)) is ModelUse.REQUIRED


def _budget_notes(settings: Settings) -> Iterator[Finding]:
    money = settings.budgets
    token = settings.doors.http.usage_token
    if token is not None and settings.doors.kong is None and money.unsettled is None:
        yield note(
            "doors.http.usage_token",
            "a call of which nobody reports is free once budgets.reservation_timeout is over",
            "report every call (docs/usage.md), or set budgets.unsettled: charge",
        )
    for name, budget in _made_on_the_fly(settings):
        if money.engine is EngineKind.NONE:
            yield note(
                name,
                "a limit that nobody counts: every call of a model is refused",
                "leave the limit out, or say under budgets.engine who counts",
            )
        elif not (money.prices or money.published_prices or money.free_models) and any(
            limit.unit is not Unit.REQUESTS for limit in budget.limits
        ):
            yield note(
                name,
                "a limit of money or tokens without any price: every call of a model is refused",
                "say under budgets.prices what the models cost",
            )


def _made_on_the_fly(settings: Settings) -> Iterator[tuple[str, BudgetTemplate]]:
    """Yield the budgets that bind without anybody storing one, by their settings."""
    if settings.budgets.proxy is not None:
        yield "budgets.proxy", settings.budgets.proxy
    sections = (
        ("users", settings.users),
        ("teams", settings.teams),
        ("end_users", settings.end_users),
    )
    for name, rows in sections:
        if rows.upsert and rows.defaults.budget is not None:
            yield f"{name}.defaults.budget", rows.defaults.budget


def _user_notes(settings: Settings, stored: bool) -> Iterator[Finding]:  # noqa: FBT001 - private, one caller
    if not stored and not settings.users.upsert:
        yield note(
            "users.upsert",
            "is off and there is no database yet: every person is refused",
            "set users.upsert: true, or store users before the first call",
        )


def _issuer_notes(settings: Settings) -> Iterator[Finding]:
    for place, issuer in enumerate(settings.issuers):
        if issuer.issuer == _GOOGLE and _OWN_OF_GOOGLE.isdisjoint(issuer.require_claims):
            yield note(
                f"issuers[{place}].require_claims",
                "Google makes ID tokens for any audience for whoever has a Google Cloud project",
                "demand hd (your organization) or azp (your client) here",
            )
