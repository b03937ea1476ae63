"""Notices: whoever depends on a row that changed is looked up again, and nobody else."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin import caller_memory as memory_module
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS, Callers
from gatepass.plugin.decision import Caller, Effect
from gatepass.plugin.directory.changed import Changed, ChangedKind
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.headers import Header
from gatepass.plugin.known_caller import KnownCaller
from gatepass.rbac.budgets import Budget, Limit, Unit
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.standing import Standing, standing_of
from gatepass.rbac.teams import Fallback, TeamChoice, TeamRules, choose_team
from support.callers import NOBODY, SOMEBODY
from support.clock import ManualClock
from support.fake_directory import FakeDirectory
from support.verification import verified


def money(budget_id: str) -> Budget:
    return Budget(budget_id, (Limit(Unit.MONEY, 1),))


FULL = Principals(
    user=User("ann", ALL_MODELS, budget=money("b-user")),
    team=Team("t1", ALL_MODELS, budget=money("b-team")),
    organization=Organization("corp", ALL_MODELS, budget=money("b-organization")),
    end_user=EndUser("c-1", ALL_MODELS, budget=money("b-end-user")),
    member=Member(ALL_MODELS, budget=money("b-member")),
)


class Rows(FakeDirectory):
    """Answers with these rows; `on_the_way` runs between reading and answering."""

    def __init__(self, *rows: Principals) -> None:
        super().__init__()
        self.rows = rows
        self.effects: tuple[Effect, ...] = ()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        self.asked.append((identity, team))
        await self.may_answer.wait()
        if self.failure is not None:
            raise self.failure
        return Resolved(self.rows, self.effects)


class Bench:
    """Callers whose tokens all say `identity`; `told` is what others were told of."""

    def __init__(self, *rows: Principals, teams: TeamRules | None = None) -> None:
        self.clock = ManualClock()
        self.rows = Rows(*(rows or (FULL,)))
        self.identity = replace(SOMEBODY, user_id="ann", end_user="c-1")
        self.teams = teams or TeamRules()
        self.told: list[Changed] = []
        rules = CallerRules(self._identify, self._complete, self._choose, self._stand, self._say)
        self.callers = Callers(self.rows, self.clock, rules, tell=self._tell)

    def _identify(self, token: VerifiedToken) -> Identity:
        del token
        return self.identity

    async def _complete(self, token: VerifiedToken) -> Identity:
        raise AssertionError(token)

    def _choose(self, identity: Identity, chosen: str | None) -> TeamChoice:
        return choose_team(identity, chosen, self.teams)

    def _stand(self, identity: Identity, principals: Principals) -> Standing:
        return standing_of(Policy({}, {}, RoleRules()), identity, principals)

    def _say(self, caller: Caller) -> tuple[Header, ...]:
        del caller
        return ()

    def _tell(self, changes: Sequence[Changed]) -> None:
        self.told += changes

    async def find(self) -> KnownCaller:
        return (await self.callers.find(TOKEN, None)).known

    def remembers(self) -> bool:
        """Answer whether the caller is remembered, by this token and by another."""
        by_token = self.callers.known(TOKEN, None)
        by_identity = self.callers.known(ANOTHER, None)
        assert (by_token is None) == (by_identity is None)
        return by_token is not None


def living(memory: memory_module.CallerMemory) -> int:
    """Return how many callers notices can reach."""
    found = [memory_module._each(lives) for lives in memory._lives.values()]
    return len({life for lives in found for life in lives})


TOKEN, ANOTHER = verified(jti="1"), verified(jti="2")


@pytest.mark.parametrize(
    ("kind", "row_id"),
    [
        ("user", "ann"),
        ("team", "t1"),
        ("organization", "corp"),
        ("end_user", "c-1"),
        ("budget", "b-user"),
        ("budget", "b-team"),
        ("budget", "b-organization"),
        ("budget", "b-end-user"),
        ("budget", "b-member"),
    ],
)
async def test_sec_51_a_change_of_any_row_behind_a_caller_counts_at_once(
    kind: ChangedKind, row_id: str
) -> None:
    bench = Bench()
    held = await bench.find()
    assert bench.remembers()
    bench.callers.announce([Changed(kind, row_id)])
    assert not bench.remembers()
    assert bench.clock.monotonic() >= held.good_until
    assert bench.told == [Changed(kind, row_id)]
    await bench.find()
    assert bench.remembers()
    assert len(bench.rows.asked) == 2


async def test_sec_51_a_change_of_a_share_counts_at_once_without_a_membership() -> None:
    bench = Bench(replace(FULL, member=None, share=money("b-share")))
    await bench.find()
    bench.callers.announce([Changed("budget", "b-share")])
    assert not bench.remembers()


@pytest.mark.parametrize(
    ("kind", "row_id"),
    [("user", "bob"), ("team", "ann"), ("organization", "t1"), ("budget", "b"), ("end_user", "")],
)
async def test_a_change_of_another_row_disturbs_nobody(kind: ChangedKind, row_id: str) -> None:
    bench = Bench()
    await bench.find()
    bench.callers.announce([Changed(kind, row_id)])
    assert bench.remembers()


async def test_every_team_that_a_caller_could_act_for_counts() -> None:
    bench = Bench(FULL, replace(FULL, team=Team("t2", ALL_MODELS)))
    bench.identity = replace(bench.identity, teams=("t1", "t2", "t3"))
    for team_id in ("t2", "t3"):  # one with a row, and one that is not stored yet
        await bench.find()
        bench.callers.announce([Changed("team", team_id)])
        assert not bench.remembers()


@pytest.mark.parametrize(
    ("said", "teams", "kind"),
    [
        ({"team_alias": "red"}, TeamRules(), "team"),
        ({}, TeamRules(fallback=Fallback.MEMBERSHIPS), "team"),
        ({"organization_alias": "Corp"}, TeamRules(), "organization"),
    ],
)
async def test_where_a_name_decides_any_row_of_the_kind_could_be_meant(
    said: dict[str, str], teams: TeamRules, kind: ChangedKind
) -> None:
    bench = Bench(teams=teams)
    bench.identity = replace(bench.identity, **said)
    await bench.find()
    bench.callers.announce([Changed(kind, "made just now")])
    assert not bench.remembers()


async def test_whoever_has_no_row_could_be_given_one() -> None:
    bench = Bench(Principals(team=Team("t1", ALL_MODELS)))
    bench.identity = replace(NOBODY, team="t1")
    await bench.find()
    bench.callers.announce([Changed("user", "the machine's, from now on")])
    assert not bench.remembers()


async def test_a_named_organization_that_no_row_shows_counts_too() -> None:
    bench = Bench(Principals(user=User("ann", ALL_MODELS)))
    bench.identity = replace(bench.identity, organization="lab")
    await bench.find()
    bench.callers.announce([Changed("organization", "lab")])
    assert not bench.remembers()


async def test_sec_51_any_change_ends_every_refusal() -> None:
    bench = Bench()
    bench.rows.failure = AccessDenied(AccessFault.USER_UNKNOWN)
    for _ in range(2):
        with pytest.raises(AccessDenied):
            await bench.find()
    assert len(bench.rows.asked) == 1
    bench.callers.announce([Changed("user", "somebody who has the address")])
    bench.rows.failure = None
    await bench.find()


async def test_a_change_while_somebody_is_looked_up_is_not_lost() -> None:
    bench = Bench()
    bench.rows.may_answer.clear()
    looking = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    bench.callers.announce([Changed("user", "ann")])
    late = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    assert len(bench.rows.asked) == 2, "who comes after the change is not served from before it"
    bench.rows.may_answer.set()
    await asyncio.gather(looking, late)
    assert bench.remembers()


async def test_what_was_read_before_a_change_is_not_remembered() -> None:
    bench = Bench()
    bench.rows.may_answer.clear()
    looking = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    bench.callers.announce([Changed("team", "another"), Changed("user", "ann")])
    bench.rows.may_answer.set()
    await looking
    assert not bench.remembers()


async def test_a_refusal_that_was_read_before_a_change_is_not_remembered() -> None:
    bench = Bench()
    bench.rows.may_answer.clear()
    bench.rows.failure = AccessDenied(AccessFault.USER_UNKNOWN)
    looking = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    bench.callers.announce([Changed("user", "ann")])
    bench.rows.may_answer.set()
    with pytest.raises(AccessDenied):
        await looking
    bench.rows.failure = None
    await bench.find()


@pytest.mark.parametrize("many", [1, 300])
async def test_changes_of_others_meanwhile_cost_a_memory_only_when_there_are_too_many(
    many: int,
) -> None:
    bench = Bench()
    bench.rows.may_answer.clear()
    looking = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    bench.callers.announce([Changed("team", str(number)) for number in range(many)])
    bench.rows.may_answer.set()
    await looking
    assert bench.remembers() is (many == 1)


@pytest.mark.parametrize(
    ("effect", "change"),
    [
        (Effect("user_created", "ann"), Changed("user", "ann")),
        (Effect("member_added", "t1"), Changed("user", "ann")),
        (Effect("team_created", "t1"), Changed("team", "t1")),
        (Effect("end_user_created", "c-1"), Changed("end_user", "c-1")),
    ],
)
async def test_what_looking_somebody_up_has_changed_is_told_and_remembered(
    effect: Effect, change: Changed
) -> None:
    bench = Bench()
    bench.rows.effects = (effect, effect)
    await bench.find()
    assert bench.told == [change]
    assert bench.remembers()


async def test_fifty_at_once_are_one_question_and_one_tells_what_was_done() -> None:
    bench = Bench()
    bench.rows.effects = (Effect("user_created", "ann"),)
    bench.rows.may_answer.clear()
    tokens = [verified(jti=str(number)) for number in range(50)]
    looking = [asyncio.create_task(bench.callers.find(one, None)) for one in tokens]
    await asyncio.sleep(0)
    bench.rows.may_answer.set()
    found = await asyncio.gather(*looking)
    assert len(bench.rows.asked) == 1
    assert len({id(one.known) for one in found}) == 1
    assert [one.effects for one in found if one.effects] == [bench.rows.effects]
    assert all(bench.callers.known(one, None) is not None for one in tokens)


async def test_fresh_rows_are_read_again_each_time_and_remembered_for_others() -> None:
    bench = Bench()
    await bench.find()
    for number in (2, 3):
        await bench.callers.find(TOKEN, None, fresh=True)
        assert len(bench.rows.asked) == number
    assert bench.remembers()


async def test_everything_can_be_forgotten_and_doubted() -> None:
    bench = Bench()
    memory = bench.callers.memory
    held = await bench.find()
    memory.doubt_all(bench.clock.monotonic())
    assert not bench.remembers()
    assert held.life.stale_until > bench.clock.monotonic()
    held = await bench.find()
    memory.forget(None)
    assert not bench.remembers()
    assert held.life.stale_until == 0


async def test_a_question_from_before_a_doubt_is_not_remembered() -> None:
    bench = Bench()
    bench.rows.may_answer.clear()
    looking = asyncio.create_task(bench.find())
    await asyncio.sleep(0)
    bench.callers.memory.doubt_all(bench.clock.monotonic())
    bench.rows.may_answer.set()
    await looking
    assert not bench.remembers()


async def test_nothing_is_kept_about_whoever_was_forgotten() -> None:
    bench = Bench()
    memory = bench.callers.memory
    for _ in range(3):
        await bench.find()
        bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    rows = len(memory._lives)
    assert living(memory) == 1
    bench.callers.announce([Changed("user", "ann")])
    assert rows
    assert not memory._lives


async def test_many_who_share_a_row_are_forgotten_together_and_one_by_one() -> None:
    bench = Bench()
    memory, ann = bench.callers.memory, bench.identity
    for number in range(3):
        bench.identity = replace(ann, subject=str(number), user_id=str(number))
        bench.rows.rows = (replace(FULL, user=User(str(number), ALL_MODELS)),)
        await bench.callers.find(verified(jti=str(number)), None)
    assert living(memory) == 3
    bench.callers.announce([Changed("user", "1")])
    assert living(memory) == 2
    bench.callers.announce([Changed("team", "t1")])
    assert not memory._lives


async def test_whoever_is_pushed_out_is_forgotten_by_their_token_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory_module, "MAX_ENTRIES", 10)
    bench = Bench()
    held = await bench.find()
    assert bench.remembers()
    ann = bench.identity
    for number in range(10):
        bench.identity = replace(ann, subject=str(number))
        await bench.callers.find(verified(jti=f"another's {number}"), None)
        bench.callers.memory.by_token[TOKEN.digest, None] = held
    bench.identity = ann
    assert not bench.remembers()
    assert len(bench.callers.memory.by_identity) == 10
