"""The rules alone: who is it, and may they, for a token that is verified already.

First sight is a token whose caller was never seen: claims are read, three teams are judged, route
and model are checked. Again is the same token for the same route and model. Both once more with
10,000 exact and 10,000 prefix entries in every list in place of 10, which should change nothing.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.figures import BATCH, Figure

from gatepass.plugin.calls import NOTHING_ELSE
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.known_caller import who_acts, who_may_call
from gatepass.plugin.naming import Naming
from gatepass.plugin.rulebook import make_rulebook
from gatepass.plugin.settings import compile_settings, make_settings
from gatepass.rbac.checks import check_call, check_models, check_route
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.models import ALL_MODELS, compile_models
from gatepass.rbac.principals import Organization, Principals, Team, User
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.standing import standing_of
from gatepass.rbac.teams import TeamChoice
from support.clock import ManualClock
from support.fake_directory import FakeDirectory
from support.tokens import AUDIENCE, ISSUER, signing_key
from support.verification import verified

TEAMS = ("research", "berlin", "staff")
MODELS = 50
ROUTES = 260
FEW, MANY = 10, 10_000
PATH = "/v1/chat/completions"


class Rows(FakeDirectory):
    """Gives everybody a row, an organization and a team for each candidate."""

    def __init__(self, models: list[str]) -> None:
        super().__init__()
        self.rows = [
            Principals(
                user=User("ann", ALL_MODELS),
                team=Team(team_id, compile_models(models)),
                organization=Organization("corp", compile_models(models)),
            )
            for team_id in TEAMS
        ]

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        del identity, team
        return Resolved(tuple(self.rows), ())


class Deployment:
    """One set of rules, and one verified token of a person in three teams."""

    def __init__(self, models: list[str], routes: list[str], model: str, path: str) -> None:
        self.path = path
        self.naming = Naming((model,), None, 0)
        settings = make_settings(
            {
                "issuers": [
                    {
                        "issuer": ISSUER,
                        "audience": AUDIENCE,
                        "jwks": {"keys": [signing_key("RS256").jwk()]},
                        "claims": {"teams": "groups", "organization": "org"},
                    }
                ],
                "roles": {"mappings": [{"value": "dev", "role": "internal_user"}]},
                "profiles": {
                    "default": {
                        "permissions": {"internal_user": {"routes": routes, "models": models}}
                    }
                },
            },
            Path(),
        )
        compiled = compile_settings(settings)
        self.directory = Rows(models)
        self.policy = compiled.policy
        self.rulebook = make_rulebook(compiled, self.directory, ManualClock())
        self.profile = self.policy.profiles["default"]
        self.token = verified(
            sub="ann",
            groups=list(TEAMS),
            org="corp",
            roles=["dev"],
            scope="openid profile email",
            email="ann@corp.example",
            email_verified=True,
        )

    async def open(self) -> None:
        await self.rulebook.callers.find(self.token, None)

    def first_sight(self) -> None:
        names = self.policy.claim_names[self.token.issuer]
        identity = identify(self.token, names, self.policy.roles)
        standings = [standing_of(self.policy, identity, rows) for rows in self.directory.rows]
        permission = check_route(self.profile, standings[0], "POST", self.path)
        check_models(permission, standings[0], "POST", self.path, self.naming.models)
        check_call(self.profile, standings[0], NOTHING_ELSE)

    def again(self) -> None:
        known = self.rulebook.callers.known(self.token, None)
        assert known is not None
        fitting = who_may_call(known, self.profile, "POST", self.path)
        known, _ = who_acts(fitting, "POST", self.path, self.naming)
        check_call(self.profile, known.standing, NOTHING_ELSE)


def _grown(entries: int) -> Deployment:
    """Return a deployment with that many exact and that many prefix entries in every list."""
    models = [name for n in range(entries) for name in (f"vendor-{n}/small", f"maker-{n}/*")]
    routes = [path for n in range(entries) for path in (f"/own/{n}/chat", f"/other/{n}/*")]
    return Deployment(models, routes, "maker-5/large", "/other/5/chat")


def _microseconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(BATCH):
        work()
    return (time.perf_counter() - start) / BATCH * 1e6


async def rules(rounds: int, bare: float) -> list[Figure]:
    """Time who it is and what they may do."""
    routes = sorted({path for group in ROUTE_GROUPS.values() for path in group})[:ROUTES]
    models = [f"gpt-{number}" for number in range(MODELS)]
    usual = Deployment(models, [*routes, PATH], models[-1], PATH)
    few, many = _grown(FEW), _grown(MANY)
    for deployment in (usual, few, many):
        await deployment.open()
    figures = []
    for name, work, bound in (
        ("identify + authorize, first sight", Deployment.first_sight, 10.0),
        ("the same token, route and model again", Deployment.again, 2.0),
    ):
        times = [
            [_microseconds(partial(work, deployment)) for deployment in (usual, few, many)]
            for _ in range(rounds * 4)
        ]
        typical = statistics.median(usual_time for usual_time, _, _ in times)
        growth = statistics.median(most / least for _, least, most in times)
        most = statistics.median(time_of_many for _, _, time_of_many in times)
        figures += [
            Figure(name, typical, typical / bare, bound, bound_is_microseconds=True),
            Figure(f"{name}: 10,000 entries to 10", most, growth, 1.2),
        ]
    return figures
