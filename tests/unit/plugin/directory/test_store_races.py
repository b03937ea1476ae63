import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.plugin.decision import Effect
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessDenied, AccessFault
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.directories import (
    ISSUER,
    NO_TEAM,
    UPSERT,
    Where,
    one,
    open_directory,
    person,
    query,
)

pytestmark = pytest.mark.rounds(100)


async def test_sec_55_fifty_first_requests_at_once_make_one_row(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(SOMEBODY, one("red")) for _ in range(50))
        )
    assert sum(len(effects) for _, effects in answers) == 2
    assert len({found for (found,), _ in answers if found.user and found.team}) == 1
    assert query(where, "SELECT count(*) FROM users") == [(1,)]
    assert query(where, "SELECT count(*) FROM teams") == [(1,)]


async def test_sec_55_fifty_strangers_at_once_are_all_made(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        people = [person(str(number)) for number in range(50)]
        answers = await asyncio.gather(*(directory.resolve(who, one("red")) for who in people))
    assert {found.user.user_id for (found,), _ in answers if found.user} == {
        str(number) for number in range(50)
    }
    assert sum(len(effects) for _, effects in answers) == 51


async def test_sec_55_two_subjects_that_claim_one_id_at_once_do_not_share_it(where: Where) -> None:
    claims = [replace(SOMEBODY, subject=f"s{number}") for number in range(20)]
    async with open_directory(where, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(claim, NO_TEAM) for claim in claims), return_exceptions=True
        )
    refused = [answer for answer in answers if isinstance(answer, AccessDenied)]
    assert {refusal.fault for refusal in refused} == {AccessFault.IDENTITY_DENIED}
    assert len(refused) == 19
    assert query(where, "SELECT count(*) FROM users") == [(1,)]


async def test_sec_55_two_subjects_with_one_verified_address_do_not_both_get_in(
    where: Where,
) -> None:
    claims = [
        replace(person(str(number)), email="a@example.com", email_verified=True)
        for number in range(20)
    ]
    async with open_directory(where, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(claim, NO_TEAM) for claim in claims), return_exceptions=True
        )
    assert sum(isinstance(answer, AccessDenied) for answer in answers) == 19
    assert query(where, "SELECT count(*) FROM users") == [(1,)]


class ActingClock(ManualClock):
    """Does something whenever the wall clock is read, which is right before a row is made."""

    def __init__(self, act: Callable[[int], None]) -> None:
        super().__init__()
        self._act = act
        self.readings = 0

    def wall(self) -> float:
        self.readings += 1
        self._act(self.readings)
        return super().wall()


async def test_sec_55_who_comes_second_reads_what_the_first_made(where: Where) -> None:
    def be_first(_: int) -> None:
        query(
            where,
            "INSERT INTO users (user_id, issuer, subject, created_at) VALUES (?, ?, ?, 5)",
            "user-1",
            ISSUER,
            "user-1",
        )

    clock = ActingClock(be_first)
    async with open_directory(where, UPSERT, clock) as directory:
        (found,), effects = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None
    assert effects == ()
    assert query(where, "SELECT created_at FROM users") == [(5,)]


TRIGGER = """
CREATE TRIGGER race BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'somebody was faster'); END
"""


@pytest.mark.parametrize("lost", [1, 2])
async def test_sec_55_a_lost_race_is_looked_at_once_more(file: Path, lost: int) -> None:
    def stop_after(reading: int) -> None:
        if reading > lost:
            query(file, "DROP TRIGGER race")

    clock = ActingClock(stop_after)
    async with open_directory(file, UPSERT, clock) as directory:
        query(file, TRIGGER)
        if lost == 1:
            (_,), effects = await directory.resolve(SOMEBODY, NO_TEAM)
            assert effects == (Effect("user_created", "user-1"),)
        else:
            with pytest.raises(StoreUnavailable):
                await directory.resolve(SOMEBODY, NO_TEAM)
    assert clock.readings == 2
