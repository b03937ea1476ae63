"""Memberships and the role follow the token, and only what the token says."""

import pytest
from msgspec.structs import replace

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.roles import Role
from support.callers import NOBODY, SOMEBODY
from support.changes import audited, last_audit
from support.directories import ISSUER, NO_TEAM, Where, open_directory, query, some
from support.rows import StockedDirectory

SYNC = DirectoryRules(user_upsert=True, sync_role=True, sync_teams=True)
MEMBERSHIPS = "SELECT team_id FROM memberships ORDER BY team_id"
ROLE = "SELECT role, role_synced FROM users"


async def fill(directory: StockedDirectory, role: Role | None = None) -> None:
    await directory.add_user("ann", issuer=ISSUER, subject=SOMEBODY.subject, role=role)
    for team_id in ("t1", "t2"):
        await directory.add_team(team_id)
    await directory.add_membership("ann", "t2")


async def test_teams_and_role_become_what_the_token_says(where: Where) -> None:
    says = replace(SOMEBODY, role=Role.PROXY_ADMIN, teams=("t1", "ghost"), teams_listed=True)
    async with open_directory(where, SYNC) as directory:
        await fill(directory, Role.INTERNAL_USER)
        found, effects = await directory.resolve(says, some("t1", "ghost"))
        again = await directory.resolve(says, some("t1", "ghost"))
    assert effects == (
        Effect("role_synced", "ann"),
        Effect("member_added", "t1"),
        Effect("member_removed", "t2"),
    )
    assert again == (found, ())
    assert found[0].member is not None
    assert query(where, MEMBERSHIPS) == [("t1",)]
    assert query(where, ROLE) == [("proxy_admin", 1)]


async def test_a_list_that_is_not_there_is_not_an_empty_one(where: Where) -> None:
    async with open_directory(where, SYNC) as directory:
        await fill(directory)
        assert (await directory.resolve(SOMEBODY, NO_TEAM)).effects == ()
        assert query(where, MEMBERSHIPS) == [("t2",)]
        empty = replace(SOMEBODY, teams_listed=True)
        _, effects = await directory.resolve(empty, NO_TEAM)
    assert effects == (Effect("member_removed", "t2"),)
    assert query(where, MEMBERSHIPS) == []


async def test_the_single_team_of_a_token_is_one_of_its_teams(where: Where) -> None:
    says = replace(SOMEBODY, team="t2", teams=("t1",), teams_listed=True)
    async with open_directory(where, SYNC) as directory:
        await fill(directory)
        await directory.resolve(says, NO_TEAM)
        assert query(where, MEMBERSHIPS) == [("t1",), ("t2",)]
        only = replace(SOMEBODY, team="t1")
        await directory.resolve(only, NO_TEAM)
    assert query(where, MEMBERSHIPS) == [("t1",), ("t2",)]


async def test_nothing_is_kept_in_step_unless_asked_for(where: Where) -> None:
    says = replace(SOMEBODY, role=Role.PROXY_ADMIN, teams=("t1",), teams_listed=True)
    async with open_directory(where, DirectoryRules()) as directory:
        await fill(directory)
        assert (await directory.resolve(says, NO_TEAM)).effects == ()
    assert query(where, MEMBERSHIPS) == [("t2",)]
    assert query(where, ROLE) == [(None, 0)]


async def test_a_machine_changes_nobodys_row(where: Where) -> None:
    says = replace(NOBODY, role=Role.PROXY_ADMIN, teams_listed=True)
    async with open_directory(where, SYNC) as directory:
        await fill(directory)
        assert (await directory.resolve(says, NO_TEAM)).effects == ()
    assert query(where, MEMBERSHIPS) == [("t2",)]


@pytest.mark.parametrize("sync_role", [True, False])
async def test_sec_51_a_role_of_a_token_is_gone_when_no_token_says_it(
    where: Where, *, sync_role: bool
) -> None:
    boss = replace(SOMEBODY, role=Role.PROXY_ADMIN)
    async with open_directory(where, SYNC) as directory:
        await fill(directory)
        await directory.resolve(boss, NO_TEAM)
        later = directory.with_rules(DirectoryRules(sync_role=sync_role))
        (found,), effects = await later.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None
    assert (found.user.role, effects) == (None, ())


async def test_a_role_that_an_operator_gave_counts_without_a_token_that_says_it(
    where: Where,
) -> None:
    async with open_directory(where, SYNC) as directory:
        await fill(directory, Role.PROXY_ADMIN_VIEWER)
        (found,), _ = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None
    assert found.user.role is Role.PROXY_ADMIN_VIEWER


@pytest.mark.parametrize("given", [Role.PROXY_ADMIN, Role.INTERNAL_USER_VIEWER])
async def test_a_role_that_an_operator_gave_is_not_written_over(where: Where, given: Role) -> None:
    staff = replace(SOMEBODY, role=Role.INTERNAL_USER)
    async with open_directory(where, SYNC) as directory:
        await fill(directory, given)
        assert (await directory.resolve(staff, NO_TEAM)).effects == ()
        (found,), _ = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None
    assert found.user.role is given, "the last administrator stays one, and a viewer a viewer"
    assert query(where, ROLE) == [(given, 0)]


async def test_a_role_that_a_token_asserted_follows_the_next_one(where: Where) -> None:
    async with open_directory(where, SYNC) as directory:
        await fill(directory)
        for role in (Role.PROXY_ADMIN, Role.INTERNAL_USER):
            says = replace(SOMEBODY, role=role)
            assert (await directory.resolve(says, NO_TEAM)).effects == (
                Effect("role_synced", "ann"),
            )
    assert query(where, ROLE) == [("internal_user", 1)]


async def test_what_follows_a_token_is_audited_and_leaves_no_budget_behind(where: Where) -> None:
    says = replace(SOMEBODY, role=Role.PROXY_ADMIN, teams=("t1",), teams_listed=True)
    own = RowDefaults(BudgetTemplate((Limit(Unit.MONEY, 5),)))
    async with open_directory(where, SYNC) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject=SOMEBODY.subject)
        for team_id in ("t1", "t2"):
            await directory.add_team(team_id)
        await directory.add_membership("ann", "t2", grants=own)
        await directory.resolve(says, NO_TEAM)
        await directory.resolve(says, NO_TEAM)
    assert audited(where) == [
        ("update", "user", "ann", None),
        ("create", "membership", "ann", "t1"),
        ("delete", "membership", "ann", "t2"),
    ]
    entry = last_audit(where)
    assert (entry["actor_issuer"], entry["actor_subject"]) == (ISSUER, SOMEBODY.subject)
    assert isinstance(entry["before"], dict)
    assert entry["before"]["budget"]["limit_nano_usd"] == 5
    assert query(where, "SELECT budget_id FROM budgets") == []


async def test_a_new_user_is_a_member_at_once(where: Where) -> None:
    says = replace(SOMEBODY, teams=("t1", "t2"), teams_listed=True)
    async with open_directory(where, SYNC) as directory:
        for team_id in ("t1", "t2"):
            await directory.add_team(team_id)
        found, effects = await directory.resolve(says, some("t2"))
    assert [effect.kind for effect in effects] == ["user_created", "member_added", "member_added"]
    assert found[0].member is not None
