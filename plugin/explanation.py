"""A decision in words: what each step found, for the person who asked why.

The Gate hands over what it has in hand, and only when it is asked to; all wording is here. It is
meant for whoever runs the service: it names users, teams and models, and so goes to a terminal and
never to a log or to a client.
"""

from datetime import UTC, datetime

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.known_caller import KnownCaller
from gatepass.plugin.naming import Naming
from gatepass.plugin.routing import Route

Finding = Route | HeaderFacts | VerifiedToken | KnownCaller | Naming
"""What a step of the pipeline can have found."""

_LAST_DAY_OF_DATES = 253_402_300_799


def explain(found: Finding) -> tuple[str, str]:
    """Return the name of the step, and what it found in one line."""
    match found:
        case Route():
            return "route", f"{found.path} under profile {found.profile.name}"
        case HeaderFacts():
            token = "no bearer token" if found.token is None else "one bearer token"
            return "credential", token
        case VerifiedToken():
            return "verify", f"signed by {found.issuer}, valid until {_when(found.expires_at)}"
        case KnownCaller():
            return "identify", _who(found)
        case Naming():
            named = ", ".join(found.models)
            return "authorize", f"models: {named}" if named else "no model named"


def _when(seconds: float) -> str:
    if seconds > _LAST_DAY_OF_DATES:
        return "the end of time"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _who(known: KnownCaller) -> str:
    identity = known.caller.identity
    teams = [one.caller.principals.team for one in (known, *known.others)]
    named_teams = " or ".join(team.team_id for team in teams if team is not None)
    named = (
        ("user", known.caller.user_id),
        ("team", named_teams or None),
        ("organization", identity.organization),
        ("end user", identity.end_user),
        ("role", known.caller.role.value),
        ("money limits", ", ".join(limit.scope for limit in known.limits) or "none"),
    )
    return "; ".join(f"{word} {name}" for word, name in named if name is not None)
