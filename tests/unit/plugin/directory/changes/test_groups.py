"""Teams, organizations, their members, and end users, as whoever writes them sees them."""

import pytest

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.end_users import (
    create_end_user,
    delete_end_user,
    set_end_user_blocked,
    update_end_user,
)
from gatepass.plugin.directory.changes.faults import ChangeFault
from gatepass.plugin.directory.changes.kinds import TEAMS, USERS
from gatepass.plugin.directory.changes.listing import every_row, list_rows
from gatepass.plugin.directory.changes.members import add_member, delete_member, update_member
from gatepass.plugin.directory.changes.organizations import (
    add_organization_member,
    create_organization,
    delete_organization,
    delete_organization_member,
    set_organization_blocked,
    update_organization_member,
)
from gatepass.plugin.directory.changes.teams import (
    create_team,
    delete_team,
    set_team_blocked,
    update_team,
)
from gatepass.plugin.directory.changes.users import create_user
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.tables import teams
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.roles import Role
from support.changes import audited, change, last_audit, refused
from support.directories import Where, query

LIMIT = BudgetTemplate((Limit(Unit.MONEY, 5),))
WHO_IS_WHERE = "SELECT user_id, team_id FROM memberships ORDER BY user_id, team_id"


async def test_what_is_left_out_of_a_team_is_closed(database: Database) -> None:
    async with change(database) as transaction:
        made = await create_team(transaction, "red")
    assert (made.models, made.budget, made.member_budget) == ((), None, None)
    assert (made.blocked, made.may_modify_guardrails, made.model_aliases) == (False, False, {})


async def test_a_team_of_an_organization_that_is_not_stored(database: Database) -> None:
    async with refused(database, ChangeFault.REFERENCE_UNKNOWN, "organization_id") as transaction:
        await create_team(transaction, "red", {"organization_id": "acme"})
    async with change(database) as transaction:
        await create_team(transaction, "red")
    async with refused(database, ChangeFault.REFERENCE_UNKNOWN) as transaction:
        await update_team(transaction, "red", {"organization_id": "acme"})


async def test_a_team_tells_of_itself_and_its_members(database: Database, where: Where) -> None:
    told: list[Changed] = []
    async with change(database) as transaction:
        await create_user(transaction, "ann")
        await create_team(transaction, "red", {"model_aliases": {"fast": "gpt-4o"}})
        await add_member(transaction, "ann", "red", {"models": ("a",)})
    async with change(database, told) as transaction:
        await set_team_blocked(transaction, "red", blocked=True)
        await update_member(transaction, "ann", "red", {"role": "admin"})
        await delete_team(transaction, "red")
    assert told == [Changed("team", "red"), Changed("user", "ann")]
    assert audited(where)[-4:] == [
        ("block", "team", "red", None),
        ("update", "membership", "ann", "red"),
        ("delete", "membership", "ann", "red"),
        ("delete", "team", "red", None),
    ]
    entry = last_audit(where)
    assert entry["after"] is None
    assert isinstance(entry["before"], dict)
    assert entry["before"]["model_aliases"] == {"fast": "gpt-4o"}


async def test_a_membership_needs_both_sides_and_is_there_once(database: Database) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
        await create_team(transaction, "red")
        made = await add_member(transaction, "ann", "red")
    assert (made.role, made.models, made.budget) == ("user", "all", None)
    for user_id, team_id, fault, field in (
        ("ann", "blue", ChangeFault.REFERENCE_UNKNOWN, "team_id"),
        ("bob", "red", ChangeFault.REFERENCE_UNKNOWN, "user_id"),
        ("ann", "red", ChangeFault.ALREADY_EXISTS, "team_id"),
    ):
        async with refused(database, fault, field) as transaction:
            await add_member(transaction, user_id, team_id)
    async with refused(database, ChangeFault.VERSION_CONFLICT) as transaction:
        await delete_member(transaction, "ann", "red", version=2)
    async with change(database) as transaction:
        await delete_member(transaction, "ann", "red", version=1)
    async with refused(database, ChangeFault.NOT_FOUND) as transaction:
        await update_member(transaction, "ann", "red", {"role": "admin"})


async def test_an_organization_with_teams_stays(database: Database) -> None:
    async with change(database) as transaction:
        await create_organization(transaction, "acme", {"alias": "Acme"})
        await create_team(transaction, "red", {"organization_id": "acme"})
        await set_organization_blocked(transaction, "acme", blocked=True)
    async with refused(database, ChangeFault.IN_USE, "organization_id") as transaction:
        await delete_organization(transaction, "acme")
    async with change(database) as transaction:
        await delete_team(transaction, "red")
        await delete_organization(transaction, "acme", version=2)


async def test_members_of_an_organization(database: Database, where: Where) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
        await create_organization(transaction, "acme")
        await add_organization_member(transaction, "ann", "acme", Role.INTERNAL_USER)
        changed = await update_organization_member(transaction, "ann", "acme", Role.ORG_ADMIN, 1)
        assert (changed.role, changed.version) == (Role.ORG_ADMIN, 2)
        await delete_organization_member(transaction, "ann", "acme", version=2)
        await add_organization_member(transaction, "ann", "acme", Role.INTERNAL_USER)
        await delete_organization(transaction, "acme")
    assert query(where, "SELECT * FROM organization_memberships") == []


async def test_who_leaves_an_organization_leaves_its_teams(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        for user_id in ("ann", "bob"):
            await create_user(transaction, user_id)
        for organization_id in ("acme", "other"):
            await create_organization(transaction, organization_id)
            await add_organization_member(transaction, "ann", organization_id, Role.INTERNAL_USER)
        await create_team(transaction, "red", {"organization_id": "acme"})
        await create_team(transaction, "blue", {"organization_id": "other"})
        await create_team(transaction, "free")
        for team_id in ("red", "blue", "free"):
            await add_member(transaction, "ann", team_id, {"role": "admin", "budget": LIMIT})
        await add_member(transaction, "bob", "red")
        await delete_organization_member(transaction, "ann", "acme")
    assert query(where, WHO_IS_WHERE) == [("ann", "blue"), ("ann", "free"), ("bob", "red")]
    assert query(where, "SELECT count(*) FROM budgets") == [(2,)]
    assert audited(where)[-2:] == [
        ("delete", "membership", "ann", "red"),
        ("delete", "organization_membership", "ann", "acme"),
    ]


async def test_a_team_that_goes_to_another_organization_keeps_who_is_in_that_one(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        for organization_id in ("acme", "other"):
            await create_organization(transaction, organization_id)
        for user_id in ("ann", "bob"):
            await create_user(transaction, user_id)
            await add_organization_member(transaction, user_id, "acme", Role.INTERNAL_USER)
        await add_organization_member(transaction, "ann", "other", Role.INTERNAL_USER)
        await create_team(transaction, "red")
        for user_id in ("ann", "bob"):
            await add_member(transaction, user_id, "red")
        for stays in ({"organization_id": "acme"}, {"organization_id": "acme", "alias": "Red"}):
            await update_team(transaction, "red", stays)  # type: ignore[arg-type] # fields of a team
    both = [("ann", "red"), ("bob", "red")]
    assert query(where, WHO_IS_WHERE) == both
    async with change(database) as transaction:
        transaction.memberships_are_said = True
        await update_team(transaction, "red", {"organization_id": "other"})
        await update_team(transaction, "red", {"organization_id": "acme"})
        await delete_organization_member(transaction, "bob", "acme")
    assert query(where, WHO_IS_WHERE) == both, "whoever says all of them says which go"
    async with change(database) as transaction:
        await update_team(transaction, "red", {"organization_id": "other"})
    assert query(where, WHO_IS_WHERE) == [("ann", "red")]
    assert audited(where)[-2:] == [
        ("delete", "membership", "bob", "red"),
        ("update", "team", "red", None),
    ]


async def test_end_users(database: Database) -> None:
    told: list[Changed] = []
    async with change(database, told) as transaction:
        await create_end_user(transaction, "shop", {"models": "all"})
        await set_end_user_blocked(transaction, "shop", blocked=True)
        changed = await update_end_user(transaction, "shop", {"models": ("a",)}, version=2)
        assert (changed.models, changed.blocked, changed.version) == (("a",), True, 3)
        assert (await delete_end_user(transaction, "shop")).version == 3
    assert told == [Changed("end_user", "shop")]


async def test_lists_are_in_order_bounded_and_counted(database: Database) -> None:
    async with change(database) as transaction:
        for name in ("c", "a", "b"):
            await create_team(transaction, name, {"blocked": name == "b"})
        connection = transaction.connection
        first = await list_rows(connection, TEAMS, page=1, size=2)
        assert ([team.team_id for team in first.rows], first.total) == (["a", "b"], 3)
        last = await list_rows(connection, TEAMS, page=2, size=2)
        assert [team.team_id for team in last.rows] == ["c"]
        beyond = await list_rows(connection, TEAMS, page=9, size=2)
        assert (beyond.rows, beyond.total) == ([], 3)
        least = await list_rows(connection, TEAMS, page=0, size=0)
        assert [team.team_id for team in least.rows] == ["a"]
        free = await every_row(connection, TEAMS, (teams.c.blocked.is_(False),))
        assert [team.team_id for team in free] == ["a", "c"]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE users SET models = '{}'",
        "UPDATE users SET models = 'no JSON'",
        "UPDATE users SET models = '[1]'",
    ],
)
async def test_sec_59_a_row_that_cannot_be_is_not_shown_as_something_else(
    database: Database, where: Where, damage: str
) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
    query(where, damage)
    async with database.reading() as connection:
        with pytest.raises(StoreUnavailable):
            await USERS.find(connection, ("ann",))


async def test_a_row_that_nobody_could_foresee_is_a_failure_of_the_store(
    database: Database, where: Where
) -> None:
    """A role that no constraint of the database lets in, say: never half a change."""
    with pytest.raises(StoreUnavailable):
        async with change(database) as transaction:
            await create_user(transaction, "ann", {"role": "king"})  # type: ignore[typeddict-item]
    assert query(where, "SELECT user_id FROM users") == []
    assert audited(where) == []
