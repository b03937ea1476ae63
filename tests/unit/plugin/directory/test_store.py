import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.budgets.limits import BudgetTemplate
from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.plugin.directory.store import Directory, SqlDirectory
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice
from support.callers import NOBODY, SOMEBODY
from support.clock import ManualClock
from support.directories import CLOSED, UPSERT, open_directory, query

ALL = RowDefaults(models=None)
NO_TEAM = TeamChoice((), required=False, creatable=False)
SECRET = "canary-7f3a"
ISSUER = SOMEBODY.issuer


def one(team_id: str) -> TeamChoice:
    return TeamChoice((team_id,), required=True, creatable=True)


def some(*team_ids: str) -> TeamChoice:
    return TeamChoice(team_ids, required=False, creatable=False)


def person(name: str) -> Identity:
    return replace(SOMEBODY, subject=f"sub-{name}", user_id=name)


async def denied(directory: Directory, identity: Identity, team: TeamChoice) -> AccessFault:
    with pytest.raises(AccessDenied) as caught:
        await directory.resolve(identity, team)
    return caught.value.fault


async def test_nobody_is_nobody(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        assert await directory.resolve(NOBODY, NO_TEAM) == (Principals(), ())
    assert query(file, "SELECT * FROM users") == []


async def test_a_person_is_found_by_issuer_and_subject_whatever_the_claim_says(file: Path) -> None:
    async with open_directory(file) as directory:
        await directory.add_user("row", issuer=ISSUER, subject="user-1", grants=ALL)
        found, effects = await directory.resolve(replace(SOMEBODY, user_id="other"), NO_TEAM)
    assert found.user is not None
    assert (found.user.user_id, found.user.models, effects) == ("row", ALL_MODELS, ())


async def test_a_machine_is_not_the_person_with_its_subject(file: Path) -> None:
    async with open_directory(file) as directory:
        await directory.add_user("row", issuer=ISSUER, subject="user-1")
        found, _ = await directory.resolve(NOBODY, NO_TEAM)
    assert found.user is None


async def test_strangers_are_refused_unless_upsert_is_on(file: Path) -> None:
    async with open_directory(file, CLOSED) as directory:
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.USER_UNKNOWN
        assert await denied(directory, NOBODY, one("red")) is AccessFault.TEAM_UNKNOWN
    assert query(file, "SELECT * FROM users") == []
    assert query(file, "SELECT * FROM teams") == []


async def test_a_stranger_is_made_once_with_the_defaults(file: Path) -> None:
    rules = DirectoryRules(
        user_upsert=True,
        team_upsert=True,
        user_defaults=RowDefaults(BudgetTemplate(50, 60), models=("gpt-*",)),
        team_defaults=RowDefaults(BudgetTemplate(100, None), models=None),
    )
    async with open_directory(file, rules, ManualClock(wall=1234.9)) as directory:
        first, effects = await directory.resolve(SOMEBODY, one("red"))
        second, no_effects = await directory.resolve(SOMEBODY, one("red"))
    assert effects == (Effect("user_created", "user-1"), Effect("team_created", "red"))
    assert no_effects == ()
    assert first.user is not None
    assert first.user.role is None
    assert first.user.models.allows("gpt-4o")
    assert not first.user.models.allows("o3")
    assert first.user.budget is not None
    assert first.user.budget.limit_nano_usd == 50
    assert (first.user.budget.window_seconds, first.user.budget.anchor) == (60, 1234)
    assert first.team is not None
    assert first.team.models is ALL_MODELS
    assert first.team.budget is not None
    assert (first.team.budget.window_seconds, first.team.budget.anchor) == (None, 1234)
    assert second == first
    assert query(file, "SELECT user_id, issuer, subject, email, created_at FROM users") == [
        ("user-1", ISSUER, "user-1", None, 1234)
    ]


async def test_budgets_are_not_shared_by_those_who_are_made(file: Path) -> None:
    rules = DirectoryRules(user_upsert=True, user_defaults=RowDefaults(BudgetTemplate(50, 60)))
    async with open_directory(file, rules) as directory:
        for name in ("ann", "bob"):
            await directory.resolve(person(name), NO_TEAM)
    assert query(file, "SELECT count(DISTINCT budget_id), count(*) FROM users") == [(2, 2)]


@pytest.mark.parametrize("rules", [CLOSED, UPSERT], ids=["closed", "upsert"])
async def test_sec_54_an_id_of_another_issuer_is_never_taken_over(
    file: Path, rules: DirectoryRules
) -> None:
    async with open_directory(file, rules) as directory:
        await directory.add_user("user-1", issuer="https://other.example", subject="user-1")
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.IDENTITY_DENIED
    assert query(file, "SELECT issuer FROM users") == [("https://other.example",)]


@pytest.mark.parametrize("rules", [CLOSED, UPSERT], ids=["closed", "upsert"])
async def test_sec_53_a_verified_address_of_somebody_else_is_refused(
    file: Path, rules: DirectoryRules
) -> None:
    caller = replace(SOMEBODY, email="ann@example.com", email_verified=True)
    async with open_directory(file, rules) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="s", email="Ann@Example.com")
        assert await denied(directory, caller, NO_TEAM) is AccessFault.IDENTITY_DENIED


async def test_sec_52_an_unverified_address_is_nothing(file: Path) -> None:
    claimed = replace(SOMEBODY, email="ann@example.com", email_verified=False)
    owner = replace(person("ann"), email="ann@example.com", email_verified=True)
    async with open_directory(file, UPSERT) as directory:
        await directory.resolve(claimed, NO_TEAM)
        found, _ = await directory.resolve(owner, NO_TEAM)
    assert found.user is not None
    assert found.user.user_id == "ann"
    assert query(file, "SELECT user_id, email FROM users ORDER BY user_id") == [
        ("ann", "ann@example.com"),
        ("user-1", None),
    ]


async def test_the_first_stored_team_of_a_list_counts_and_none_is_made(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        for team_id in ("blue", "red"):
            await directory.add_team(team_id)
        seen = []
        for choice in (
            some(),
            some("green"),
            some("green", "gray"),
            some("red"),
            some("green", "red", "blue"),
            some("blue", "red"),
        ):
            found, _ = await directory.resolve(NOBODY, choice)
            seen.append(None if found.team is None else found.team.team_id)
    assert seen == [None, None, None, "red", "red", "blue"]
    assert query(file, "SELECT count(*) FROM teams") == [(2,)]


async def test_a_required_team_that_may_not_be_made_is_refused(file: Path) -> None:
    chosen = TeamChoice(("red",), required=True, creatable=False)
    async with open_directory(file, UPSERT) as directory:
        assert await denied(directory, NOBODY, chosen) is AccessFault.TEAM_UNKNOWN
    assert query(file, "SELECT * FROM teams") == []


async def test_a_refusal_makes_nothing(file: Path) -> None:
    half = DirectoryRules(user_upsert=True)
    async with open_directory(file, half) as directory:
        assert await denied(directory, SOMEBODY, one("red")) is AccessFault.TEAM_UNKNOWN
        nowhere = replace(SOMEBODY, organization="nowhere")
        assert await denied(directory, nowhere, NO_TEAM) is AccessFault.ORGANIZATION_UNKNOWN
    assert query(file, "SELECT * FROM users") == []


async def test_an_organization_is_the_tokens_else_the_teams(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        for organization_id in ("acme", "other"):
            await directory.add_organization(organization_id)
        await directory.add_team("red", organization_id="acme")
        await directory.add_team("free")
        named = replace(NOBODY, organization="acme")
        for identity, choice in [(named, NO_TEAM), (NOBODY, one("red")), (named, one("red"))]:
            found, _ = await directory.resolve(identity, choice)
            assert found.organization is not None
            assert found.organization.organization_id == "acme"
        other = replace(NOBODY, organization="other")
        found, _ = await directory.resolve(other, one("free"))
        assert found.organization is not None
        assert await denied(directory, other, one("red")) is AccessFault.IDENTITY_DENIED
        nowhere = replace(NOBODY, organization="nowhere")
        assert await denied(directory, nowhere, one("red")) is AccessFault.ORGANIZATION_UNKNOWN


async def test_an_end_user_without_a_row_is_not_restricted(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        found, effects = await directory.resolve(replace(NOBODY, end_user="shop"), NO_TEAM)
    assert (found.end_user, effects) == (None, ())


async def test_sec_55_fifty_first_requests_at_once_make_one_row(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(SOMEBODY, one("red")) for _ in range(50))
        )
    assert sum(len(effects) for _, effects in answers) == 2
    assert len({found for found, _ in answers if found.user and found.team}) == 1
    assert query(file, "SELECT count(*) FROM users") == [(1,)]
    assert query(file, "SELECT count(*) FROM teams") == [(1,)]


async def test_sec_55_fifty_strangers_at_once_are_all_made(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        people = [person(str(number)) for number in range(50)]
        answers = await asyncio.gather(*(directory.resolve(who, one("red")) for who in people))
    assert {found.user.user_id for found, _ in answers if found.user} == {
        str(number) for number in range(50)
    }
    assert sum(len(effects) for _, effects in answers) == 51


async def test_sec_55_two_subjects_that_claim_one_id_at_once_do_not_share_it(file: Path) -> None:
    claims = [replace(SOMEBODY, subject=f"s{number}") for number in range(20)]
    async with open_directory(file, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(claim, NO_TEAM) for claim in claims), return_exceptions=True
        )
    refused = [answer for answer in answers if isinstance(answer, AccessDenied)]
    assert {refusal.fault for refusal in refused} == {AccessFault.IDENTITY_DENIED}
    assert len(refused) == 19
    assert query(file, "SELECT count(*) FROM users") == [(1,)]


async def test_sec_55_two_subjects_with_one_verified_address_do_not_both_get_in(
    file: Path,
) -> None:
    claims = [
        replace(person(str(number)), email="a@example.com", email_verified=True)
        for number in range(20)
    ]
    async with open_directory(file, UPSERT) as directory:
        answers = await asyncio.gather(
            *(directory.resolve(claim, NO_TEAM) for claim in claims), return_exceptions=True
        )
    assert sum(isinstance(answer, AccessDenied) for answer in answers) == 19
    assert query(file, "SELECT count(*) FROM users") == [(1,)]


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


async def test_sec_55_who_comes_second_reads_what_the_first_made(file: Path) -> None:
    def be_first(_: int) -> None:
        query(
            file,
            "INSERT INTO users (user_id, issuer, subject, created_at) VALUES (?, ?, ?, 5)",
            "user-1",
            ISSUER,
            "user-1",
        )

    clock = ActingClock(be_first)
    async with open_directory(file, UPSERT, clock) as directory:
        found, effects = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None
    assert effects == ()
    assert query(file, "SELECT created_at FROM users") == [(5,)]


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
            _, effects = await directory.resolve(SOMEBODY, NO_TEAM)
            assert effects == (Effect("user_created", "user-1"),)
        else:
            with pytest.raises(StoreUnavailable):
                await directory.resolve(SOMEBODY, NO_TEAM)
    assert clock.readings == 2


INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    '" OR 1=1 --',
    "x' UNION SELECT * FROM users --",
    ":user_id",
    "%(issuer)s",
    "?1",
    "\\'; DELETE FROM teams; --",
    "all",
    "NULL",
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_sec_63_sql_in_a_claim_is_a_name_like_any_other(file: Path, text: str) -> None:
    identity = replace(
        SOMEBODY,
        issuer=text,
        subject=text,
        user_id=text,
        email=text,
        email_verified=True,
        end_user=text,
    )
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("victim", issuer=ISSUER, subject="victim", email="v@example.com")
        await directory.add_team("victims")
        found, _ = await directory.resolve(identity, one(text))
        again, effects = await directory.resolve(identity, one(text))
        other, _ = await directory.resolve(NOBODY, some(text + "x", text))
        assert await directory.memberships_of(text) == ()
        assert (
            await denied(directory, replace(NOBODY, organization=text), NO_TEAM)
            is AccessFault.ORGANIZATION_UNKNOWN
        )
    assert found.user is not None
    assert found.team is not None
    assert other.team == found.team
    assert (found.user.user_id, found.team.team_id) == (text, text)
    assert again == found
    assert effects == ()
    assert query(file, "SELECT count(*) FROM users") == [(2,)]
    assert query(file, "SELECT count(*) FROM teams") == [(2,)]


async def test_sec_60_a_failing_store_says_nothing_of_who_asked(file: Path) -> None:
    identity = replace(SOMEBODY, subject=SECRET, user_id=SECRET)
    async with open_directory(file, UPSERT) as directory:
        query(file, "DROP TABLE memberships")
        query(file, "ALTER TABLE users RENAME TO elsewhere")
        with pytest.raises(StoreUnavailable) as caught:
            await directory.resolve(identity, one(SECRET))
    told: BaseException | None = caught.value
    while told is not None:
        assert SECRET not in f"{told} {told!r}"
        told = told.__cause__ or told.__context__


async def test_sec_59_a_store_that_fails_never_says_unknown(file: Path) -> None:
    async with open_directory(file) as directory:
        await directory.ping()
        for table in ("budgets", "memberships"):
            query(file, f"ALTER TABLE {table} RENAME TO gone_{table}")
        with pytest.raises(StoreUnavailable):
            await directory.resolve(SOMEBODY, one("red"))
        with pytest.raises(StoreUnavailable):
            await directory.memberships_of("user-1")
        with pytest.raises(StoreUnavailable):
            await directory.ping()


async def test_sec_59_a_writer_of_another_process_is_waited_for_and_then_reported(
    file: Path,
) -> None:
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="sub-ann")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            found, _ = await directory.resolve(person("ann"), NO_TEAM)
            assert found.user is not None, "who is stored is read while another one writes"
            waiting = asyncio.create_task(directory.resolve(SOMEBODY, NO_TEAM))
            await asyncio.sleep(0.03)
            other.execute("COMMIT")
            await waiting
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable):
                await directory.resolve(person("bob"), NO_TEAM)


async def test_text_that_no_database_can_hold_is_an_error_of_ours(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        with pytest.raises(StoreUnavailable):
            await directory.resolve(replace(SOMEBODY, subject="\ud800"), NO_TEAM)
        with pytest.raises(StoreUnavailable):
            await directory.add_team("\ud800")


async def test_callers_that_give_up_leave_nothing_behind(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        for number in range(60):
            task = asyncio.create_task(directory.resolve(person(str(number)), one("red")))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        found, _ = await directory.resolve(SOMEBODY, one("red"))
    assert found.user is not None


async def test_a_directory_that_is_not_open_knows_nothing(new_file: Path) -> None:
    directory = SqlDirectory(f"sqlite:///{new_file}", UPSERT)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await directory.resolve(SOMEBODY, NO_TEAM)
        with pytest.raises(StoreUnavailable):
            await directory.add_team("red")
        with pytest.raises(StoreUnavailable):
            await directory.ping()
        await directory.close()
        for _ in range(2):
            await directory.open()
        await directory.ping()
        await directory.close()


async def test_new_rules_go_by_the_same_rows(file: Path) -> None:
    async with open_directory(file, CLOSED) as directory:
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.USER_UNKNOWN
        await directory.with_rules(UPSERT).resolve(SOMEBODY, NO_TEAM)
        found, _ = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None


async def test_rows_outlive_the_process(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        first, _ = await directory.resolve(SOMEBODY, one("red"))
    async with open_directory(file, CLOSED) as directory:
        second, effects = await directory.resolve(SOMEBODY, one("red"))
    assert (second, effects) == (first, ())


async def test_memberships_are_listed_in_order(file: Path) -> None:
    async with open_directory(file) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="s")
        for team_id in ("red", "blue"):
            await directory.add_team(team_id)
            await directory.add_membership("ann", team_id)
        assert await directory.memberships_of("ann") == ("blue", "red")
        assert await directory.memberships_of("bob") == ()


async def test_a_file_that_lost_its_permission_is_reported(file: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everything")
    async with open_directory(file, UPSERT):
        pass
    file.chmod(0o400)  # noqa: ASYNC240 - a local file of the test
    with pytest.raises(Exception, match="cannot be written"):
        async with open_directory(file, UPSERT):
            pass
