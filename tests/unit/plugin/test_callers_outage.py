"""While the store is away: who is remembered goes on for so long, and nobody as an admin."""

import asyncio

import pytest
from msgspec.structs import replace

from gatepass.plugin import callers as module
from gatepass.plugin.budgets.applicable import NO_LIMITS
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS, Callers
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.outage import stand_without_rows
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals, Team, User
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.standing import standing_of
from gatepass.rbac.teams import TeamChoice, choose_team
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.fake_directory import FakeDirectory
from support.verification import verified

STALE_SECONDS = 60
TOKEN, ANOTHER = verified(jti="1"), verified(jti="2")
POLICY = Policy({}, {}, RoleRules())


class Rows(FakeDirectory):
    """Answers with these rows; `hangs` answers nobody, `bad_row` fails and still can be pinged."""

    def __init__(self) -> None:
        super().__init__()
        self.user = User("ann", ALL_MODELS)
        self.hangs = False
        self.bad_row = False

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        await super().resolve(identity, team)
        if self.hangs:
            await asyncio.Event().wait()
        if self.bad_row:
            raise StoreUnavailable
        teams: list[Team | None] = [Team(team_id, ALL_MODELS) for team_id in team.ids_to_load]
        return Resolved(tuple(Principals(self.user, one) for one in teams or [None]), ())

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        await super().ping()


class Bench:
    """Callers on rows of our own, on a clock of our own."""

    def __init__(
        self, check: CustomCheck | None = None, stale_seconds: int = STALE_SECONDS
    ) -> None:
        self.clock = ManualClock()
        self.rows = Rows()
        self.identity = SOMEBODY
        rules = CallerRules(
            identify=lambda _token: self.identity,
            complete=lambda _token: pytest.fail("nothing is left out"),
            choose_team=choose_team,
            stand=lambda identity, rows: standing_of(POLICY, identity, rows),
            upstream_headers=lambda _caller: (),
            custom_check=check,
            serve_stale_seconds=stale_seconds,
            stand_without_rows=lambda identity: stand_without_rows(POLICY, identity),
        )
        self.callers = Callers(self.rows, self.clock, rules)

    def lose_the_store(self) -> None:
        self.rows.failure = StoreUnavailable()

    async def passes(self) -> bool:
        try:
            await self.callers.find(TOKEN, None)
        except StoreUnavailable:
            return False
        return True


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_sec_51_rows_serve_on_for_so_long_and_no_longer(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS - 0.1)
    assert await bench.passes()
    assert bench.callers.stale_served == 0
    bench.clock.advance(STALE_SECONDS)
    assert await bench.passes()
    assert bench.callers.could_serve()
    bench.clock.advance(0.1)
    assert not await bench.passes()
    assert not bench.callers.could_serve()
    assert bench.callers.stale_served == 1
    await bench.callers.store.close()


async def test_warm_requests_wait_for_nothing_once_the_outage_is_known(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert bench.callers.known(TOKEN, None) is None, "nobody knows of an outage yet"
    assert await bench.passes()
    asked = len(bench.rows.asked)
    for token in (TOKEN, ANOTHER):
        assert bench.callers.known(token, None) is not None
        await bench.callers.find(token, None)
    assert len(bench.rows.asked) == asked
    assert bench.callers.stale_served == 5
    await bench.callers.store.close()


async def test_a_limit_of_nothing_turns_it_off() -> None:
    bench = Bench(stale_seconds=0)
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    assert await bench.passes()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert not await bench.passes()
    await bench.callers.store.close()


async def test_it_ends_with_the_outage(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert await bench.passes()
    bench.rows.failure = None
    bench.rows.user = User("ann", ALL_MODELS, blocked=True)
    bench.identity = replace(SOMEBODY, subject="somebody else")
    with pytest.raises(AccessDenied):  # whoever is not remembered tries the store, and finds it
        await bench.callers.find(ANOTHER, None)
    assert not bench.callers.store.away
    bench.identity = SOMEBODY
    assert bench.callers.known(TOKEN, None) is None
    with pytest.raises(AccessDenied, match="blocked"):
        await bench.callers.find(TOKEN, None)
    await bench.callers.store.close()


@pytest.mark.parametrize("role", [Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.ORG_ADMIN])
@pytest.mark.parametrize("said_by", ["row", "token"])
async def test_sec_41_nobody_administers_by_rows_that_cannot_be_read(
    bench: Bench, role: Role, said_by: str
) -> None:
    if said_by == "row":
        bench.rows.user = User("ann", ALL_MODELS, role=role)
    else:
        bench.identity = replace(SOMEBODY, role=role)
    found = await bench.callers.find(TOKEN, None)
    assert found.known.standing.role is role
    bench.lose_the_store()
    assert not bench.callers.could_serve()
    assert await bench.passes(), "within the usual life nothing is different"
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert not await bench.passes()
    assert bench.callers.known(TOKEN, None) is None
    await bench.callers.store.close()


async def test_sec_41_nor_an_organization_for_any_of_their_teams(bench: Bench) -> None:
    bench.identity = replace(SOMEBODY, teams=("t1", "t2"))
    bench.rows.user = User("ann", ALL_MODELS, organizations={"corp": Role.ORG_ADMIN})
    fresh = (await bench.callers.find(TOKEN, None)).known
    assert [one.standing.organizations["corp"] for one in (fresh, *fresh.others)] == [
        Role.ORG_ADMIN
    ] * 2
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    for _ in range(2):
        stale = (await bench.callers.find(TOKEN, None)).known
        assert [one.standing.organizations["corp"] for one in (stale, *stale.others)] == [
            Role.INTERNAL_USER
        ] * 2
    await bench.callers.store.close()


async def test_sec_51_what_a_notice_has_ended_does_not_serve(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.callers.announce([Changed("user", "ann")])
    assert not await bench.passes()
    await bench.callers.store.close()


async def test_what_may_have_changed_serves_like_what_is_old(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.callers.memory.doubt_all(bench.clock.monotonic())
    assert await bench.passes()
    assert bench.callers.stale_served == 1
    await bench.callers.store.close()


async def test_refusals_are_not_prolonged(bench: Bench) -> None:
    bench.rows.user = User("ann", ALL_MODELS, blocked=True)
    with pytest.raises(AccessDenied):
        await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert not await bench.passes()
    await bench.callers.store.close()


async def test_rows_that_cannot_be_right_are_no_outage(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    bench.rows.bad_row = True
    assert not await bench.passes()
    assert not bench.callers.store.away
    assert await bench.callers.find_without_rows(TOKEN) is None


async def test_weighty_requests_are_not_served_by_old_rows(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await bench.callers.find(TOKEN, None, fresh=True)
    await bench.callers.store.close()


async def test_a_store_that_hangs_costs_a_moment_and_then_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALE_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("gatepass.plugin.directory.watch.PING_SECONDS", 0.01)
    await bench.callers.find(TOKEN, None)
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    bench.rows.hangs = True
    tokens = [verified(jti=str(number)) for number in range(20)]
    found = await asyncio.gather(*(bench.callers.find(token, None) for token in tokens))
    assert len({id(one.known.life) for one in found}) == 1
    assert bench.callers.store.away
    bench.identity = replace(SOMEBODY, subject="a stranger")
    trying = asyncio.create_task(bench.callers.find(verified(jti="s"), None))
    await asyncio.sleep(0)
    bench.identity = replace(SOMEBODY, subject="another stranger")
    with pytest.raises(StoreUnavailable):
        await bench.callers.find(verified(jti="t"), None)
    trying.cancel()
    await asyncio.wait([trying])
    await bench.callers.store.close()


async def test_a_check_of_the_deployments_own_still_sees_every_token_once() -> None:
    seen: list[object] = []

    def check(claims: dict[str, object]) -> bool:
        seen.append(claims["jti"])
        return claims["jti"] != "2"

    bench = Bench(CustomCheck(check, 5))
    await bench.callers.find(TOKEN, None)
    bench.lose_the_store()
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    for _ in range(2):
        found = (await bench.callers.find(TOKEN, None)).known
        assert found.standing.late is None
    assert bench.callers.known(ANOTHER, None) is None
    refused = (await bench.callers.find(ANOTHER, None)).known
    assert refused.standing.late is AccessFault.CUSTOM_CHECK_DENIED
    again = bench.callers.known(ANOTHER, None)
    assert again is not None
    assert again.standing.late is AccessFault.CUSTOM_CHECK_DENIED
    assert seen == ["1", "1", "2"]
    alone = await bench.callers.find_without_rows(ANOTHER)
    assert alone is not None
    assert alone.standing.late is AccessFault.CUSTOM_CHECK_DENIED
    await bench.callers.store.close()


async def test_without_rows_only_while_the_store_is_away_and_only_for_so_long(
    bench: Bench,
) -> None:
    assert await bench.callers.find_without_rows(TOKEN) is None
    bench.lose_the_store()
    known = await bench.callers.find_without_rows(TOKEN)
    assert known is not None
    assert known.caller.user_id is None
    assert known.caller.principals == Principals()
    assert known.limits is NO_LIMITS
    assert known.good_until < bench.clock.monotonic()
    assert bench.callers.known(TOKEN, None) is None, "nothing of it is remembered"
    bench.identity = replace(SOMEBODY, role=Role.PROXY_ADMIN)
    assert await bench.callers.find_without_rows(TOKEN) is None
    bench.identity = SOMEBODY
    bench.rows.failure = None
    assert await bench.passes()
    assert await bench.callers.find_without_rows(TOKEN) is None
