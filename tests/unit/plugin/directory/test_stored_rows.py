"""What is stored counts as it is stored, and the database refuses rows that cannot be."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from gatepass.plugin.directory.rules import RowDefaults
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.roles import Role
from gatepass.rbac.teams import TeamChoice
from gatepass.rbac.windows import Rolling
from support.callers import SOMEBODY
from support.directories import open_directory, query
from support.limits import template
from support.rows import Kind, StockedDirectory

KINDS: tuple[Kind, ...] = ("user", "team", "organization", "end_user")
CALLER = replace(SOMEBODY, organization="acme", end_user="shop")
RED = TeamChoice(("red",), required=True, creatable=False)


async def fill(directory: StockedDirectory, grants: RowDefaults) -> None:
    await directory.add_organization("acme", alias="ACME", grants=grants)
    await directory.add_team("red", alias="Reds", organization_id="acme", grants=grants)
    await directory.add_user(
        "ann",
        issuer=CALLER.issuer,
        subject=CALLER.subject,
        email="Ann@Example.com",
        role=Role.ORG_ADMIN,
        grants=grants,
    )
    await directory.add_end_user("shop", grants=grants)
    await directory.add_membership("ann", "red", role="admin")


async def test_what_is_added_is_found(file: Path) -> None:
    async with open_directory(file) as directory:
        await fill(directory, RowDefaults(template(5, 60), ("gpt-*",)))
        (found,), _ = await directory.resolve(CALLER, RED)
    rows = (found.user, found.team, found.organization, found.end_user)
    assert all(row is not None and row.models.allows("gpt-4o") for row in rows)
    assert found.user is not None
    assert found.user.role is Role.ORG_ADMIN
    assert found.user.budget is not None
    assert found.user.budget.limits == (Limit(Unit.MONEY, 5),)
    assert isinstance(found.user.budget.window, Rolling)
    assert found.user.budget.window.seconds == 60
    assert query(file, "SELECT email FROM users") == [("ann@example.com",)]
    assert query(file, "SELECT alias FROM teams") == [("Reds",)]
    assert query(file, "SELECT role FROM memberships") == [("admin",)]
    assert query(file, "SELECT count(*) FROM budgets") == [(4,)]


async def test_a_new_row_is_closed(file: Path) -> None:
    async with open_directory(file) as directory:
        await directory.add_user("ann", issuer=CALLER.issuer, subject=CALLER.subject)
        await directory.add_team("red")
        (found,), _ = await directory.resolve(replace(CALLER, organization=None), RED)
    assert found.user is not None
    assert found.team is not None
    for row in (found.user, found.team):
        assert not row.models.allows("gpt-4o")
        assert not row.blocked
        assert row.budget is None
    assert found.user.role is None


@pytest.mark.parametrize("kind", KINDS)
async def test_a_row_is_blocked_and_passes_again(file: Path, kind: Kind) -> None:
    ids = {"user": "ann", "team": "red", "organization": "acme", "end_user": "shop"}
    async with open_directory(file) as directory:
        await fill(directory, RowDefaults())
        for blocked in (True, False):
            await directory.set_blocked(kind, ids[kind], blocked=blocked)
            (found,), _ = await directory.resolve(CALLER, RED)
            rows = (found.user, found.team, found.organization, found.end_user)
            seen = [row is not None and row.blocked for row in rows]
            assert seen == [blocked and name == kind for name in KINDS]


async def test_a_row_that_is_there_or_names_one_that_is_not_is_refused(file: Path) -> None:
    async with open_directory(file) as directory:
        await fill(directory, RowDefaults())
        conflicts = [
            directory.add_user("ann", issuer="other", subject="other"),
            directory.add_user("bob", issuer=CALLER.issuer, subject=CALLER.subject),
            directory.add_team("red"),
            directory.add_team("blue", organization_id="nowhere"),
            directory.add_organization("acme"),
            directory.add_end_user("shop"),
            directory.add_membership("ann", "red"),
            directory.add_membership("ann", "nowhere"),
            directory.add_membership("nobody", "red"),
        ]
        for conflict in conflicts:
            with pytest.raises(IntegrityError):
                await conflict
    assert query(file, "SELECT count(*) FROM users") == [(1,)]
    assert query(file, "SELECT count(*) FROM budgets") == [(0,)]
