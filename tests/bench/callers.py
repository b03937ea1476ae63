"""What it costs to know somebody: the time to find them remembered, and the memory they take.

Everybody here has all that can be stored of a caller: user, team, membership, organization, end
user, each with a budget. Found are they by a token that was seen before, and by what a new token of
theirs says. Memory is what tracemalloc counts for a caller who was looked up by one token.
"""

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

from bench.figures import BATCH, Figure, Reading
from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.callers import Callers
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.resolved import Resolved
from gatepass.rbac.budgets import Budget, Limit, Unit
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.standing import standing_of
from gatepass.rbac.teams import TeamChoice, choose_team
from gatepass.rbac.windows import Rolling
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.fake_directory import FakeDirectory
from support.verification import verified

PEOPLE = 2_000
KIB = 1024
POLICY = Policy({}, {}, RoleRules())


class Rows(FakeDirectory):
    """Gives everybody rows of their own, made anew as a database would."""

    def __init__(self, *, with_budgets: bool) -> None:
        super().__init__()
        self._with_budgets = with_budgets

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        del team
        name = str(identity.user_id)

        def money(scope: str) -> Budget | None:
            if not self._with_budgets:
                return None
            window = Rolling(2_592_000, 1_700_000_000)
            return Budget(f"{scope}-{name}", (Limit(Unit.MONEY, 1_000_000_000),), window)

        rows = Principals(
            user=User(f"{name}-row", ALL_MODELS, budget=money("user")),
            team=Team(str(identity.team), ALL_MODELS, budget=money("team")),
            organization=Organization(str(identity.organization), ALL_MODELS, budget=money("corp")),
            end_user=EndUser(str(identity.end_user), ALL_MODELS, budget=money("customer")),
            member=Member(ALL_MODELS, budget=money("member")),
        )
        return Resolved((rows,), ())


class Deployment:
    """Callers by the name that stands in for what their token says."""

    def __init__(self, *, with_budgets: bool = True) -> None:
        self.said: dict[bytes, Identity] = {}
        rules = CallerRules(
            identify=lambda token: self.said[token.digest],
            complete=_nothing_is_left_out,
            choose_team=choose_team,
            stand=partial(standing_of, POLICY),
            upstream_headers=lambda caller: ((b"x-gatepass-user", str(caller.user_id).encode()),),
        )
        self.callers = Callers(Rows(with_budgets=with_budgets), ManualClock(), rules)

    def token(self, number: int) -> VerifiedToken:
        token = verified(jti=str(number))
        person = f"somebody-{number}"
        self.said[token.digest] = replace(
            SOMEBODY,
            subject=f"sub-{person}",
            user_id=person,
            email=f"{person}@corp.example",
            team="research",
            organization="corp",
            end_user=f"customer-{number}",
        )
        return token


async def _nothing_is_left_out(token: VerifiedToken) -> Identity:
    raise AssertionError(token)


def _microseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(BATCH):
        work()
    return (time.perf_counter() - start) / BATCH * 1e6


async def _weigh(deployment: Deployment, tokens: list[VerifiedToken]) -> float:
    """Look everybody up, and return the KiB that each takes."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for token in tokens:
        await deployment.callers.find(token, None)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / len(tokens) / KIB


async def callers(rounds: int, bare: float) -> list[Figure | Reading]:
    """Time finding somebody in memory, and weigh them there."""
    deployment, without = Deployment(), Deployment(with_budgets=False)
    tokens = [deployment.token(number) for number in range(PEOPLE)]
    weight = await _weigh(deployment, tokens)
    weight_without = await _weigh(without, [without.token(number) for number in range(PEOPLE)])
    token = tokens[0]
    key = deployment.said[token.digest], None
    seen = [_microseconds(partial(deployment.callers.known, token, None)) for _ in range(rounds)]
    new = [_microseconds(partial(deployment.callers._remembered, key)) for _ in range(rounds)]
    start = time.process_time()
    deployment.callers.announce([Changed("team", "research")])
    forgetting = (time.process_time() - start) / PEOPLE * 1e6
    assert deployment.callers.known(token, None) is None
    return [
        _figure("all rows of a caller, token seen before", seen, bare),
        _figure("all rows of a caller, by what a new token says", new, bare),
        Reading("memory of a caller with all rows", weight_without, " KiB", 4),
        Reading("the same with a budget on each", weight, " KiB", 8),
        Reading("forgetting each caller of a changed team", forgetting, " us", 20),
    ]


def _figure(name: str, times: list[float], bare: float) -> Figure:
    typical = statistics.median(times)
    return Figure(name, typical, typical / bare, 3.0, bound_is_microseconds=True)
