"""The memory of callers: short, bounded, and keyed by everything that it stands for."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.callers import MAX_ENTRIES, PRINCIPALS_TTL_SECONDS, Callers
from gatepass.plugin.decision import Caller
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.headers import Header
from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.identity import Identity
from support.callers import SOMEBODY
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
        self.callers = Callers(self.directory, self.clock, self._identify, self._say)

    def _identify(self, token: VerifiedToken) -> Identity:
        del token
        return self.identity

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

    callers = Callers(Slow(), bench.clock, bench._identify, bench._say)
    found, _ = await callers.find(TOKEN, None)
    assert found.good_until == asked_at + PRINCIPALS_TTL_SECONDS


async def test_the_memory_is_bounded(bench: Bench) -> None:
    bench.identity = replace(SOMEBODY, subject="first")
    await bench.callers.find(TOKEN, None)
    for number in range(MAX_ENTRIES + 5):
        bench.identity = replace(SOMEBODY, subject=str(number))
        await bench.callers.find(TOKEN, None)
        bench.callers._by_digest.clear()
    assert len(bench.callers._by_identity) == MAX_ENTRIES
    bench.identity = replace(SOMEBODY, subject="first")
    assert bench.callers.known(SAME_PERSON, None) is None


async def test_fifty_at_once_each_get_an_answer(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path) as gate:
        requests = [chat(token(jti=str(number))) for number in range(50)]
        decisions = await asyncio.gather(*(gate.decide(request) for request in requests))
        assert all(decision.allowed for decision in decisions)
        assert all(gate.decide_warm(request) is not None for request in requests)
