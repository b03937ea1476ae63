"""The memory of callers: short, bounded, and keyed by everything that it stands for."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.caller_memory import MAX_ENTRIES
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS, UNKNOWN_TTL_SECONDS, Callers
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.decision import Caller
from gatepass.plugin.errors import CustomCheckFailed, StoreUnavailable
from gatepass.plugin.headers import Header
from gatepass.plugin.known_caller import KnownCaller
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.standing import Standing, standing_of
from gatepass.rbac.teams import choose_team
from support.callers import NOBODY, SOMEBODY
from support.clock import ManualClock
from support.fake_directory import FakeDirectory, gate_on
from support.gates import chat, token
from support.verification import verified


class Bench:
    """Callers on a fake directory; `identity` is what every token says from now on."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.directory = FakeDirectory()
        self.identity = SOMEBODY
        self.completed: list[VerifiedToken] = []
        self.callers = self.on(self.directory)

    def on(self, directory: FakeDirectory, check: CustomCheck | None = None) -> Callers:
        rules = CallerRules(
            self._identify, self._complete, choose_team, self._stand, self._say, check
        )
        return Callers(directory, self.clock, rules)

    def _identify(self, token: VerifiedToken) -> Identity:
        del token
        return self.identity

    async def _complete(self, token: VerifiedToken) -> Identity:
        self.completed.append(token)
        return replace(self.identity, groups_withheld=False, teams=("t1",))

    def _stand(self, identity: Identity, principals: Principals) -> Standing:
        return standing_of(Policy({}, {}, RoleRules()), identity, principals)

    def _say(self, caller: Caller) -> tuple[Header, ...]:
        return ((b"x-user", str(caller.identity.user_id).encode()),)


@pytest.fixture
def bench() -> Bench:
    return Bench()


TOKEN = verified(jti="1")
SAME_PERSON = verified(jti="2")


async def test_the_second_time_needs_no_directory(bench: Bench) -> None:
    assert bench.callers.known(TOKEN, None) is None
    found, effects = await bench.callers.find(TOKEN, None)
    assert effects == ()
    assert bench.callers.known(TOKEN, None) is found
    assert (await bench.callers.find(TOKEN, None))[0] is found
    again = bench.callers.known(SAME_PERSON, None)
    assert again is not None
    assert again.good_until == found.good_until
    assert len(bench.directory.asked) == 1


@pytest.mark.parametrize("other_token", [TOKEN, SAME_PERSON])
async def test_sec_51_rows_live_for_so_long_and_no_token_prolongs_them(
    bench: Bench, other_token: VerifiedToken
) -> None:
    await bench.callers.find(TOKEN, None)
    bench.clock.advance(PRINCIPALS_TTL_SECONDS - 0.1)
    assert bench.callers.known(other_token, None) is not None
    bench.clock.advance(0.1)
    assert bench.callers.known(other_token, None) is None
    assert bench.callers.known(TOKEN, None) is None
    await bench.callers.find(TOKEN, None)
    assert len(bench.directory.asked) == 2


async def test_sec_66_ages_are_judged_by_the_monotonic_clock(bench: Bench) -> None:
    await bench.callers.find(TOKEN, None)
    bench.clock.jump_wall(-86_400)
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    assert bench.callers.known(TOKEN, None) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(SOMEBODY, issuer="https://other.example"),
        replace(SOMEBODY, subject="user-2"),
        replace(SOMEBODY, user_id="another"),
        replace(SOMEBODY, user_id=None, team="t1"),
        replace(SOMEBODY, email="ann@corp.example", email_verified=True),
        replace(SOMEBODY, organization="acme"),
        replace(SOMEBODY, end_user="c-1"),
        replace(SOMEBODY, team="t1"),
        replace(SOMEBODY, teams=("t1",)),
    ],
)
async def test_sec_49_whatever_the_directory_looks_at_is_in_the_key(
    bench: Bench, other: Identity
) -> None:
    await bench.callers.find(TOKEN, None)
    bench.identity = other
    assert bench.callers.known(SAME_PERSON, None) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            replace(SOMEBODY, user_id="a:b", organization=None),
            replace(SOMEBODY, user_id="a", organization="b"),
        ),
        (
            replace(SOMEBODY, user_id="a", subject="b:c"),
            replace(SOMEBODY, user_id="a:b", subject="c"),
        ),
        (
            replace(SOMEBODY, user_id="team_id:t1", team=None),
            replace(SOMEBODY, user_id="team_id", team="t1"),
        ),
        (replace(SOMEBODY, teams=("a", "b")), replace(SOMEBODY, teams=("a,b",))),
        (replace(SOMEBODY, teams=("None",)), replace(SOMEBODY, teams=())),
    ],
)
async def test_sec_49_no_two_identities_share_a_key(
    bench: Bench, one: Identity, other: Identity
) -> None:
    bench.identity = one
    await bench.callers.find(TOKEN, None)
    bench.identity = other
    assert bench.callers.known(SAME_PERSON, None) is None


async def test_the_chosen_team_is_part_of_the_key(bench: Bench) -> None:
    bench.identity = replace(SOMEBODY, teams=("t1", "t2"))
    first, _ = await bench.callers.find(TOKEN, "t1")
    assert bench.callers.known(TOKEN, "t2") is None
    second, _ = await bench.callers.find(TOKEN, "t2")
    assert (first.caller.principals.team, second.caller.principals.team) != (None, None)
    assert first.caller.principals.team != second.caller.principals.team
    for refused in ("t3", "T1", ""):
        assert bench.callers.known(TOKEN, refused) is None
        with pytest.raises(AccessDenied, match="team"):
            await bench.callers.find(TOKEN, refused)


async def test_headers_that_choose_no_team_push_nobody_out_of_the_memory(bench: Bench) -> None:
    bench.identity = replace(NOBODY, teams=("t1",))
    for number in range(3):
        with pytest.raises(AccessDenied, match="chosen team"):
            await bench.callers.find(TOKEN, f"made up {number}")
    assert not bench.callers.memory.by_identity


def teams_of(known: KnownCaller) -> list[str]:
    rows = [one.caller.principals.team for one in (known, *known.others)]
    return [team.team_id for team in rows if team is not None]


async def test_a_caller_is_known_for_every_team_that_does_not_bar_them(bench: Bench) -> None:
    bench.identity = replace(NOBODY, teams=("t2", "blocked", "t1"))
    found, _ = await bench.callers.find(TOKEN, None)
    assert teams_of(found) == ["t2", "t1"]
    assert found.barred is None
    assert bench.callers.known(SAME_PERSON, None) is found


async def test_a_first_team_that_bars_the_caller_keeps_its_place(bench: Bench) -> None:
    bench.identity = replace(NOBODY, teams=("blocked", "t1"))
    found, _ = await bench.callers.find(TOKEN, None)
    assert (teams_of(found), found.barred) == (["t1"], AccessFault.TEAM_BLOCKED)


async def test_sec_39_a_caller_whom_every_team_bars_is_barred_and_remembered(bench: Bench) -> None:
    bench.identity = replace(NOBODY, teams=("blocked", "blocked-too"))
    with pytest.raises(AccessDenied, match="blocked"):
        await bench.callers.find(TOKEN, None)
    with pytest.raises(AccessDenied, match="blocked"):
        bench.callers.known(SAME_PERSON, None)
    assert len(bench.directory.asked) == 1


async def test_a_check_of_the_deployments_own_refuses_for_every_team(bench: Bench) -> None:
    bench.identity = replace(NOBODY, teams=("t1", "t2"))
    callers = bench.on(bench.directory, CustomCheck(lambda _claims: False, 1))
    found, _ = await callers.find(TOKEN, None)
    late = [one.standing.late for one in (found, *found.others)]
    assert late == [AccessFault.CUSTOM_CHECK_DENIED] * 2


async def test_that_somebody_is_unknown_is_remembered_for_a_shorter_time(bench: Bench) -> None:
    bench.directory.failure = AccessDenied(AccessFault.USER_UNKNOWN)
    for asking in (TOKEN, SAME_PERSON):
        with pytest.raises(AccessDenied) as denied:
            await bench.callers.find(asking, None)
        assert denied.value.fault is AccessFault.USER_UNKNOWN
    with pytest.raises(AccessDenied):
        bench.callers.known(TOKEN, None)
    assert len(bench.directory.asked) == 1
    bench.directory.failure = None
    bench.clock.advance(UNKNOWN_TTL_SECONDS - 0.1)
    with pytest.raises(AccessDenied):
        bench.callers.known(TOKEN, None)
    bench.clock.advance(0.1)
    assert (await bench.callers.find(TOKEN, None))[0].caller.identity is SOMEBODY
    assert UNKNOWN_TTL_SECONDS < PRINCIPALS_TTL_SECONDS


async def test_groups_that_a_token_leaves_out_are_asked_for_once_and_remembered(
    bench: Bench,
) -> None:
    bench.identity = replace(SOMEBODY, groups_withheld=True)
    assert bench.callers.known(TOKEN, None) is None
    found, _ = await bench.callers.find(TOKEN, None)
    assert teams_of(found) == ["t1"]
    assert not found.caller.identity.groups_withheld
    assert (await bench.callers.find(SAME_PERSON, None))[0] is found
    assert bench.completed == [TOKEN]
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    await bench.callers.find(TOKEN, None)
    assert bench.completed == [TOKEN, TOKEN]


async def test_sec_49_the_same_person_with_all_groups_is_another_entry(bench: Bench) -> None:
    bench.identity = replace(SOMEBODY, groups_withheld=True)
    await bench.callers.find(TOKEN, None)
    bench.identity = SOMEBODY
    assert bench.callers.known(SAME_PERSON, None) is None


async def test_failures_are_not_remembered(bench: Bench) -> None:
    bench.directory.failure = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await bench.callers.find(TOKEN, None)
    bench.directory.failure = None
    assert bench.callers.known(TOKEN, None) is None
    assert (await bench.callers.find(TOKEN, None))[0].caller.identity is SOMEBODY


async def test_rows_are_as_old_as_the_question(bench: Bench) -> None:
    asked_at = bench.clock.monotonic()

    class Slow(FakeDirectory):
        async def resolve(self, *question):  # type: ignore[no-untyped-def] # noqa: ANN002, ANN202
            bench.clock.advance(4)
            return await super().resolve(*question)

    callers = bench.on(Slow())
    found, _ = await callers.find(TOKEN, None)
    assert found.good_until == asked_at + PRINCIPALS_TTL_SECONDS


async def test_the_memory_is_bounded(bench: Bench) -> None:
    bench.identity = replace(SOMEBODY, subject="first")
    await bench.callers.find(TOKEN, None)
    for number in range(MAX_ENTRIES + 5):
        bench.identity = replace(SOMEBODY, subject=str(number))
        await bench.callers.find(TOKEN, None)
        bench.callers.memory.by_token.clear()
    assert len(bench.callers.memory.by_identity) == MAX_ENTRIES
    bench.identity = replace(SOMEBODY, subject="first")
    assert bench.callers.known(SAME_PERSON, None) is None


async def test_fifty_at_once_each_get_an_answer(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path) as gate:
        requests = [chat(token(jti=str(number))) for number in range(50)]
        decisions = await asyncio.gather(*(gate.decide(request) for request in requests))
        assert all(decision.allowed for decision in decisions)
        assert all(gate.decide_warm(request) is not None for request in requests)


async def test_a_check_of_the_deployments_own_sees_every_token_once_and_no_more(
    bench: Bench,
) -> None:
    seen: list[object] = []

    def check(claims: dict[str, object]) -> bool:
        seen.append(claims["jti"])
        return claims["jti"] != "bad"

    callers = bench.on(bench.directory, CustomCheck(check, 5))
    good, bad = verified(jti="good"), verified(jti="bad")
    for token_, late in ((good, None), (bad, AccessFault.CUSTOM_CHECK_DENIED)):
        assert callers.known(token_, None) is None
        found, _ = await callers.find(token_, None)
        assert found.standing.late is late
        assert callers.known(token_, None) is found
    assert seen == ["good", "bad"]
    assert len(bench.directory.asked) == 1
    bench.clock.advance(PRINCIPALS_TTL_SECONDS)
    await callers.find(good, None)
    assert seen == ["good", "bad", "good"]


async def test_a_check_that_fails_is_not_remembered(bench: Bench) -> None:
    answers: list[object] = [None, True]
    callers = bench.on(bench.directory, CustomCheck(lambda _: answers.pop(0), 5))
    with pytest.raises(CustomCheckFailed):
        await callers.find(TOKEN, None)
    found, _ = await callers.find(TOKEN, None)
    assert found.standing.late is None
    assert len(bench.directory.asked) == 1


async def test_nobody_is_checked_whose_rows_or_address_say_no_already(bench: Bench) -> None:
    callers = bench.on(bench.directory, CustomCheck(lambda _: pytest.fail("asked"), 5))
    bench.identity = replace(SOMEBODY, user_id=None)
    for _ in range(2):
        with pytest.raises(AccessDenied):
            await callers.find(TOKEN, None)
    assert len(bench.directory.asked) == 1
