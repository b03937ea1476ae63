"""A decision in words: what each step found and which rules were read, for who asks why.

The Gate hands over what it has in hand, and only when it is asked to; all wording is here. It is
meant for whoever runs the service: it names users, teams and models, and so goes to a terminal and
never to a log or to a client.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.budget_refusal import written
from gatepass.plugin.decision import Allow, Decision
from gatepass.plugin.declared.text import printable
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.known_caller import KnownCaller
from gatepass.plugin.naming import Naming
from gatepass.plugin.routing import Route
from gatepass.rbac.checks import Call
from gatepass.rbac.policy import Policy
from gatepass.rbac.rules_read import Asked, Asker, RuleRead, rules_read

Step = Route | HeaderFacts | VerifiedToken | KnownCaller | Naming
"""What a step of the pipeline found."""

Finding = Step | Call
"""All that the pipeline hands over."""

_NOT_JUDGED = RuleRead(
    "request", "what it asks for could not be read or may not be asked for", admits=False
)
_LAST_DAY_OF_DATES = 253_402_300_799


class Explanation:
    """Follows one decision: give it to `Gate.decide` as the trace, and ask it afterwards.

    `steps` are the names of the steps taken, each with what it found in one line.
    """

    def __init__(self, policy: Policy, method: str) -> None:
        self.steps: list[tuple[str, str]] = []
        self._policy = policy
        self._method = method
        self._route: Route | None = None
        self._known: KnownCaller | None = None
        self._naming: Naming | None = None
        self._call: Call | None = None

    def __call__(self, found: Finding) -> None:
        """Take note of what a step found."""
        match found:
            case Call():
                self._call = found
                return
            case Route():
                self._route = found
            case KnownCaller():
                self._known = found
            case Naming():
                self._naming = found
        self.steps.append(explain(found))

    def rules(self) -> tuple[RuleRead, ...]:
        """Return the rules that were read, for each team up to the first that passes."""
        if self._route is not None and self._route.public:
            routes = self._route.profile.public_routes
            at = routes.first_that_allows(self._method, self._route.path) or 0
            place = f"profiles.{self._route.profile.name}.public_routes[{at}]"
            return (RuleRead(place, routes.listed[at], admits=True),)
        return tuple(self._read())

    def _read(self) -> Iterator[RuleRead]:
        if self._route is None or self._known is None:
            return
        models = None if self._naming is None else self._naming.models
        asked = Asked(self._route.profile, self._method, self._route.path, models)
        if self._known.barred is not None:
            yield RuleRead("teams row of an earlier team", self._known.barred.value, admits=False)
        for known in (self._known, *self._known.others):
            asker = Asker(known.caller.identity, known.caller.principals, known.standing)
            rules = rules_read(self._policy, asker, asked)
            if rules[-1].admits:  # this one acts
                yield from rules_read(self._policy, asker, replace(asked, call=self._call))
                if self._call is None:
                    yield _NOT_JUDGED
                return
            yield from rules


def explain(found: Step) -> tuple[str, str]:
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


def explain_refusal(decision: Decision) -> list[tuple[str, str]]:
    """Return what stands behind a refusal by a row or a limit, as further steps."""
    if isinstance(decision, Allow):
        return []
    if decision.unlinked is not None:
        row = decision.unlinked.user_id
        which = "no row" if row is None else f"user {printable(row)} matches, and is not linked"
        return [("link", f"{which}: {decision.unlinked.obstacle.value}")]
    if decision.limit is not None:
        limit = decision.limit
        told = [f"the {limit.scope.value}'s limit of {limit.unit.value}"]
        if limit.model is not None:
            told.append(f"for {printable(limit.model)}")
        if limit.limit is not None:
            amount, left = (written(limit.unit, number) for number in (limit.limit, limit.left))
            told.append(f"is {amount}, {left} of it left: the call may use more")
        else:
            told.append("has less left than the call may use")
        if limit.resets_in_seconds is not None:
            told.append(f"(it resets in {limit.resets_in_seconds} s)")
        return [("budgets", " ".join(told))]
    return []


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
        ("limits", ", ".join(dict.fromkeys(one.scope for one in known.limits.limits)) or "none"),
    )
    return "; ".join(f"{word} {name}" for word, name in named if name is not None)
