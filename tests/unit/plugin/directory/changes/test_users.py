import pytest

from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.faults import ChangeFault
from gatepass.plugin.directory.changes.kinds import USERS
from gatepass.plugin.directory.changes.members import add_member
from gatepass.plugin.directory.changes.organizations import (
    add_organization_member,
    create_organization,
)
from gatepass.plugin.directory.changes.teams import create_team
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.directory.changes.users import (
    UserFields,
    create_user,
    delete_user,
    set_user_blocked,
    update_user,
)
from gatepass.plugin.directory.database import Database
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.rbac.linking import EmailState
from gatepass.rbac.roles import Role
from support.changes import NOW, ROOT, audited, change, last_audit, refused
from support.directories import Where, query

TEN_DOLLARS = parse_budget("$10 per 60s")


async def test_a_user_is_made_with_what_is_said_and_closed_otherwise(database: Database) -> None:
    told: list[Changed] = []
    async with change(database, told) as transaction:
        made = await create_user(
            transaction, "ann", {"email": "Ann@Example.com", "role": Role.INTERNAL_USER}
        )
        bare = await create_user(transaction, "bob")
    assert (made.email, made.email_state) == ("ann@example.com", EmailState.ENTERED)
    assert (made.role, made.role_synced, made.created_at) == (Role.INTERNAL_USER, False, NOW)
    assert (bare.models, bare.budget, bare.blocked, bare.version) == ((), None, False, 1)
    assert (bare.issuer, bare.home_issuer, bare.email_state) == (None, None, None)
    assert told == [Changed("user", "ann"), Changed("user", "bob")]


async def test_every_change_is_audited_with_who_before_and_after(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"models": ("gpt-4o*",), "budget": TEN_DOLLARS})
    async with change(database) as transaction:
        await update_user(transaction, "ann", {"models": "all"})
    entry = last_audit(where)
    assert (entry["actor_issuer"], entry["actor_subject"]) == ROOT
    assert (entry["action"], entry["kind"], entry["row_id"]) == ("update", "user", "ann")
    assert entry["at"] == NOW
    before, after = entry["before"], entry["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert (before["models"], after["models"]) == (["gpt-4o*"], "all")
    assert (before["version"], after["version"]) == (1, 2)
    assert after["budget"]["limit_nano_usd"] == 10_000_000_000


async def test_a_change_that_changes_nothing_leaves_no_trace(
    database: Database, where: Where
) -> None:
    fields: UserFields = {
        "email": "ann@example.com",
        "models": ("a", "b"),
        "budget": TEN_DOLLARS,
        "role": None,
        "blocked": False,
    }
    async with change(database) as transaction:
        made = await create_user(transaction, "ann", fields)
    told: list[Changed] = []
    async with change(database, told) as transaction:
        again = await update_user(transaction, "ann", fields)
    assert again == made
    assert told == []
    assert audited(where) == [("create", "user", "ann", None)]


async def test_a_block_is_a_block_in_the_audit(database: Database, where: Where) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
        assert (await set_user_blocked(transaction, "ann", blocked=True)).blocked
        assert not (await set_user_blocked(transaction, "ann", blocked=False)).blocked
    assert [entry[0] for entry in audited(where)] == ["create", "block", "unblock"]


async def test_nobody_overwrites_what_they_have_not_seen(database: Database) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
        await update_user(transaction, "ann", {"blocked": True}, version=1)
    async with refused(database, ChangeFault.VERSION_CONFLICT) as transaction:
        await update_user(transaction, "ann", {"blocked": False}, version=1)
    async with refused(database, ChangeFault.VERSION_CONFLICT) as transaction:
        await delete_user(transaction, "ann", version=1)
    async with change(database) as transaction:
        await delete_user(transaction, "ann", version=2)


async def test_with_a_user_go_memberships_and_own_budgets(database: Database, where: Where) -> None:
    async with change(database) as transaction:
        await create_organization(transaction, "acme")
        await create_team(transaction, "red")
        await create_user(transaction, "ann", {"budget": TEN_DOLLARS})
        await add_member(transaction, "ann", "red", {"budget": TEN_DOLLARS})
        await add_organization_member(transaction, "ann", "acme", Role.INTERNAL_USER)
    async with change(database) as transaction:
        await delete_user(transaction, "ann")
        assert await USERS.find(transaction.connection, ("ann",)) is None
    for table in ("users", "memberships", "organization_memberships", "budgets"):
        assert query(where, f"SELECT * FROM {table}") == []  # noqa: S608 - names of ours
    assert audited(where)[-3:] == [
        ("delete", "membership", "ann", "red"),
        ("delete", "organization_membership", "ann", "acme"),
        ("delete", "user", "ann", None),
    ]


async def test_two_users_do_not_get_one_address(database: Database) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"email": "ann@example.com"})
    async with refused(database, ChangeFault.EMAIL_TAKEN, "email") as transaction:
        await create_user(transaction, "bob", {"email": "ANN@example.com"})
    async with change(database) as transaction:
        transaction.email_may_repeat = True
        await create_user(transaction, "bob", {"email": "ann@example.com"})


async def test_an_asserted_address_reserves_nothing(database: Database, where: Where) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "eve", {"email": "ann@example.com"})
    query(where, "UPDATE users SET email_state = 'asserted'")
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"email": "ann@example.com"})


async def test_a_verified_address_stays_so_until_it_changes(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"email": "ann@example.com"})
    query(where, "UPDATE users SET email_state = 'verified'")
    async with change(database) as transaction:
        same = await update_user(transaction, "ann", {"email": "ann@example.com"})
        assert same.email_state is EmailState.VERIFIED
        other = await update_user(transaction, "ann", {"email": "new@example.com"})
        assert other.email_state is EmailState.ENTERED
        none = await update_user(transaction, "ann", {"email": None})
        assert (none.email, none.email_state) == (None, None)


async def test_an_id_at_the_identity_provider_is_one_users(database: Database) -> None:
    idp = "https://idp.example"
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"home_issuer": idp, "sso_user_id": "1"})
        await create_user(transaction, "bob", {"sso_user_id": "1"})
        await update_user(transaction, "bob", {"invited": True})
    async with refused(database, ChangeFault.ID_TAKEN, "sso_user_id") as transaction:
        await update_user(transaction, "bob", {"home_issuer": idp})
    async with refused(database, ChangeFault.ID_TAKEN) as transaction:
        await create_user(transaction, "joe", {"home_issuer": idp, "sso_user_id": "1"})


async def test_a_role_that_is_written_counts_whatever_a_token_said(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann", {"role": Role.INTERNAL_USER})
    query(where, "UPDATE users SET role_synced = ?", True)  # noqa: FBT003 - a column's value
    async with change(database) as transaction:
        changed = await update_user(transaction, "ann", {"role": Role.INTERNAL_USER})
    assert (changed.role, changed.role_synced, changed.version) == (Role.INTERNAL_USER, False, 2)


@pytest.mark.parametrize("loss", ["delete", "block", "demote"])
async def test_the_last_proxy_admin_is_not_lost_by_accident(
    database: Database, where: Where, loss: str
) -> None:
    async def lose(transaction: Transaction, user_id: str) -> None:
        if loss == "delete":
            await delete_user(transaction, user_id)
        elif loss == "block":
            await set_user_blocked(transaction, user_id, blocked=True)
        else:
            await update_user(transaction, user_id, {"role": Role.INTERNAL_USER})

    async with change(database) as transaction:
        for name in ("root", "second", "synced", "blocked"):
            await create_user(transaction, name, {"role": Role.PROXY_ADMIN})
        await set_user_blocked(transaction, "blocked", blocked=True)
    query(where, "UPDATE users SET role_synced = ? WHERE user_id = 'synced'", True)  # noqa: FBT003 - a column's value
    async with change(database) as transaction:
        await lose(transaction, "synced")
        await lose(transaction, "second")
    async with refused(database, ChangeFault.LAST_ADMIN) as transaction:
        await lose(transaction, "root")
    async with change(database) as transaction:
        transaction.allow_no_admin = True
        await lose(transaction, "root")


async def test_an_administrator_whose_row_is_nobodys_does_not_replace_one_who_is_there(
    database: Database, where: Where
) -> None:
    async with change(database) as transaction:
        for name in ("root", "ghost", "second"):
            await create_user(transaction, name, {"role": Role.PROXY_ADMIN})
    bind = "UPDATE users SET issuer = 'i', subject = user_id WHERE user_id <> 'ghost'"
    query(where, bind)
    async with change(database) as transaction:
        await delete_user(transaction, "second")
    async with refused(database, ChangeFault.LAST_ADMIN) as transaction:
        await delete_user(transaction, "root")
    async with change(database) as transaction:
        await delete_user(transaction, "ghost")


@pytest.mark.parametrize(
    ("user_id", "fields", "field"),
    [
        ("", {}, "user_id"),
        (" ann", {}, "user_id"),
        ("a\nb", {}, "user_id"),
        ("a" * 257, {}, "user_id"),
        ("ann", {"email": "not an address"}, "email"),
        ("ann", {"email": "a@b@c"}, "email"),
        ("ann", {"sso_user_id": "\x00"}, "sso_user_id"),
        ("ann", {"models": ("",)}, "models"),
        ("ann", {"models": ("m" * 257,)}, "models"),
    ],
)
async def test_what_cannot_be_is_refused(
    database: Database, user_id: str, fields: UserFields, field: str
) -> None:
    async with refused(database, ChangeFault.BAD_VALUE, field) as transaction:
        await create_user(transaction, user_id, fields)


async def test_what_is_not_there_is_not_found_and_what_is_there_exists(
    database: Database,
) -> None:
    async with change(database) as transaction:
        await create_user(transaction, "ann")
    async with refused(database, ChangeFault.ALREADY_EXISTS, "user_id") as transaction:
        await create_user(transaction, "ann")
    async with refused(database, ChangeFault.NOT_FOUND, "user_id") as transaction:
        await update_user(transaction, "bob", {"blocked": True})
    async with refused(database, ChangeFault.NOT_FOUND) as transaction:
        await delete_user(transaction, "bob")


async def test_sec_63_an_id_that_is_a_statement_is_an_id(database: Database, where: Where) -> None:
    nasty = "x'); DROP TABLE users; --"
    async with change(database) as transaction:
        await create_user(transaction, nasty, {"email": "a'--@example.com"})
    assert query(where, "SELECT user_id, email FROM users") == [(nasty, "a'--@example.com")]


async def test_one_refusal_takes_the_whole_transaction_back(
    database: Database, where: Where
) -> None:
    async with refused(database, ChangeFault.NOT_FOUND) as transaction:
        await create_user(transaction, "ann")
        await update_user(transaction, "nobody", {"blocked": True})
    assert query(where, "SELECT user_id FROM users") == []
    assert audited(where) == []
