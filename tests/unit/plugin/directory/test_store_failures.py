import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.plugin.directory.store import SqlDirectory
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.errors import AccessFault
from support.callers import NOBODY, SOMEBODY
from support.directories import (
    ISSUER,
    NO_TEAM,
    UPSERT,
    denied,
    one,
    open_directory,
    person,
    query,
    some,
)

SECRET = "canary-7f3a"


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
        email=text.lower(),
        email_verified=True,
        end_user=text,
    )
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("victim", issuer=ISSUER, subject="victim", email="v@example.com")
        await directory.add_team("victims")
        (found,), _ = await directory.resolve(identity, one(text))
        (again,), effects = await directory.resolve(identity, one(text))
        (other,), _ = await directory.resolve(NOBODY, some(text + "x", text))
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
        query(file, "ALTER TABLE budgets RENAME TO gone_budgets")
        with pytest.raises(StoreUnavailable):
            await directory.resolve(SOMEBODY, one("red"))
        with pytest.raises(StoreUnavailable):
            await directory.ping()


async def test_sec_59_a_writer_of_another_process_is_waited_for_and_then_reported(
    file: Path,
) -> None:
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="sub-ann")
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            (found,), _ = await directory.resolve(person("ann"), NO_TEAM)
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
            await directory.resolve(NOBODY, one("\ud800"))


async def test_callers_that_give_up_leave_nothing_behind(file: Path) -> None:
    async with open_directory(file, UPSERT) as directory:
        for number in range(60):
            task = asyncio.create_task(directory.resolve(person(str(number)), one("red")))
            for _ in range(number):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        (found,), _ = await directory.resolve(SOMEBODY, one("red"))
    assert found.user is not None


async def test_a_directory_that_is_not_open_knows_nothing(new_file: Path) -> None:
    directory = SqlDirectory(f"sqlite:///{new_file}", UPSERT)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await directory.resolve(SOMEBODY, NO_TEAM)
        with pytest.raises(StoreUnavailable):
            await directory.ping()
        await directory.close()
        for _ in range(2):
            await directory.open()
        await directory.ping()
        await directory.close()


async def test_a_file_that_lost_its_permission_is_reported(file: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everything")
    async with open_directory(file, UPSERT):
        pass
    file.chmod(0o400)  # noqa: ASYNC240 - a local file of the test
    with pytest.raises(Exception, match="cannot be written"):
        async with open_directory(file, UPSERT):
            pass
