"""Links as they are carried out: one transaction, one row, one entry in the journal."""

import asyncio
import dataclasses

import pytest
from msgspec.structs import replace

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.accounts import link_user
from gatepass.plugin.directory.database import LostRace
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.linking import EmailState, Evidence, Match
from gatepass.rbac.roles import Role
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.directories import (
    ISSUER,
    LINKING,
    NO_TEAM,
    UPSERT,
    Where,
    denied,
    one,
    open_directory,
    query,
)

ANN = replace(
    SOMEBODY, subject="sub-ann", user_id="ann", email="ann@corp.example", email_verified=True
)
LINKS_ONLY = DirectoryRules(linking=LINKING)
BOUND = "SELECT user_id, issuer, subject, email_state FROM users ORDER BY user_id"
JOURNAL = "SELECT user_id, action, issuer, subject, evidence, email, at FROM links ORDER BY entry"
BOTH = pytest.mark.parametrize("rules", [LINKS_ONLY, UPSERT], ids=["closed", "upsert"])


@BOTH
async def test_a_row_with_the_callers_id_becomes_theirs(
    where: Where, rules: DirectoryRules
) -> None:
    async with open_directory(where, rules, ManualClock(wall=1234.9)) as directory:
        await directory.add_user("ann", home_issuer=ISSUER)
        (found,), effects = await directory.resolve(ANN, NO_TEAM)
        again = await directory.resolve(ANN, NO_TEAM)
    assert found.user is not None
    assert (found.user.user_id, effects) == ("ann", (Effect("user_linked", "ann"),))
    assert again == ((found,), ())
    assert query(where, BOUND) == [("ann", ISSUER, "sub-ann", None)]
    assert query(where, JOURNAL) == [("ann", "linked", ISSUER, "sub-ann", "user_id", None, 1234)]


async def test_the_rows_own_id_counts_from_there_on(where: Where) -> None:
    async with open_directory(where, LINKS_ONLY) as directory:
        await directory.add_user("legacy", home_issuer=ISSUER, sso_user_id="sub-ann")
        (found,), _ = await directory.resolve(ANN, NO_TEAM)
    assert found.user is not None
    assert found.user.user_id == "legacy"
    assert query(where, "SELECT user_id, evidence FROM links") == [("legacy", "sso_user_id")]


@BOTH
async def test_sec_52_a_verified_address_links_and_is_the_rows_alone_from_there_on(
    where: Where, rules: DirectoryRules
) -> None:
    async with open_directory(where, rules) as directory:
        await directory.add_user("legacy", email="Ann@Corp.example")
        (found,), effects = await directory.resolve(ANN, NO_TEAM)
        thief = replace(ANN, subject="sub-thief", user_id="thief")
        assert await denied(directory, thief, NO_TEAM) is AccessFault.IDENTITY_DENIED
    assert found.user is not None
    assert effects == (Effect("user_linked", "legacy"),)
    assert query(where, BOUND) == [("legacy", ISSUER, "sub-ann", "verified")]
    assert query(where, "SELECT evidence, email FROM links") == [
        ("verified_email", "ann@corp.example")
    ]


@BOTH
async def test_sec_53_administrators_of_any_kind_are_not_linked_by_an_address(
    where: Where, rules: DirectoryRules
) -> None:
    async with open_directory(where, rules) as directory:
        await directory.add_team("red")
        await directory.add_organization("acme")
        rows: list[tuple[str, Role | None]] = [
            ("boss", Role.PROXY_ADMIN),
            ("viewer", Role.PROXY_ADMIN_VIEWER),
            ("org", Role.ORG_ADMIN),
            ("lead", None),
            ("head", None),
        ]
        for user_id, role in rows:
            await directory.add_user(user_id, email=f"{user_id}@corp.example", role=role)
        await directory.add_membership("lead", "red", role="admin")
        await directory.add_organization_membership("head", "acme", Role.ORG_ADMIN)
        for user_id, _ in rows:
            thief = replace(ANN, email=f"{user_id}@corp.example")
            assert await denied(directory, thief, NO_TEAM) is AccessFault.IDENTITY_DENIED
    assert query(where, "SELECT DISTINCT issuer FROM users") == [(None,)]
    assert query(where, JOURNAL) == []


async def test_an_ordinary_member_is_no_administrator(where: Where) -> None:
    async with open_directory(where, LINKS_ONLY) as directory:
        await directory.add_team("red")
        await directory.add_organization("acme")
        await directory.add_user("legacy", email="ann@corp.example", role=Role.INTERNAL_USER)
        await directory.add_membership("legacy", "red")
        await directory.add_organization_membership("legacy", "acme", Role.INTERNAL_USER)
        (found,), _ = await directory.resolve(ANN, NO_TEAM)
    assert found.user is not None
    assert found.user.organizations == {"acme": Role.INTERNAL_USER}


@BOTH
async def test_sec_53_two_rows_with_one_address_are_refused(
    where: Where, rules: DirectoryRules
) -> None:
    async with open_directory(where, rules) as directory:
        for user_id in ("l1", "l2"):
            await directory.add_user(user_id, email="ann@corp.example")
        assert await denied(directory, ANN, NO_TEAM) is AccessFault.IDENTITY_DENIED
    assert query(where, "SELECT count(*) FROM users") == [(2,)]


async def test_sec_53_who_was_unlinked_does_not_come_back_by_any_way(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        await directory.add_user("legacy", home_issuer=ISSUER, email="ann@corp.example")
        await directory.resolve(ANN, NO_TEAM)
        query(where, "UPDATE users SET issuer = NULL, subject = NULL, email_state = 'entered'")
        query(where, "UPDATE links SET action = 'unlinked'")
        for identity in (ANN, replace(ANN, user_id="legacy")):
            assert await denied(directory, identity, NO_TEAM) is AccessFault.IDENTITY_DENIED
        colleague = replace(ANN, subject="sub-other", user_id="other")
        (found,), _ = await directory.resolve(colleague, NO_TEAM)
    assert found.user is not None
    assert found.user.user_id == "legacy"


async def test_sec_55_a_refusal_behind_a_link_takes_the_link_back(where: Where) -> None:
    async with open_directory(where, LINKS_ONLY) as directory:
        await directory.add_user("ann", home_issuer=ISSUER)
        assert await denied(directory, ANN, one("red")) is AccessFault.TEAM_UNKNOWN
        nowhere = replace(ANN, organization="nowhere")
        assert await denied(directory, nowhere, NO_TEAM) is AccessFault.ORGANIZATION_UNKNOWN
    assert query(where, BOUND) == [("ann", None, None, None)]
    assert query(where, JOURNAL) == []


async def test_sec_55_of_many_who_could_be_linked_at_once_one_is(where: Where) -> None:
    claims = [replace(ANN, subject=f"s{number}", user_id=f"u{number}") for number in range(20)]
    async with open_directory(where, UPSERT) as directory:
        await directory.add_user("legacy", email="ann@corp.example")
        answers = await asyncio.gather(
            *(directory.resolve(claim, NO_TEAM) for claim in claims), return_exceptions=True
        )
    assert sum(isinstance(answer, AccessDenied) for answer in answers) == 19
    assert query(where, "SELECT user_id FROM users") == [("legacy",)]
    assert query(where, "SELECT count(*) FROM links") == [(1,)]


@pytest.mark.parametrize(
    ("verified", "rules", "state"),
    [
        (True, UPSERT, EmailState.VERIFIED),
        (False, UPSERT, EmailState.ASSERTED),
        (True, DirectoryRules(user_upsert=True), EmailState.ASSERTED),
    ],
)
async def test_sec_52_a_new_row_says_how_its_address_is_known(
    where: Where, *, verified: bool, rules: DirectoryRules, state: EmailState
) -> None:
    async with open_directory(where, rules) as directory:
        await directory.resolve(replace(ANN, email_verified=verified), NO_TEAM)
    assert query(where, "SELECT home_issuer, email, email_state FROM users") == [
        (ISSUER, "ann@corp.example", state.value)
    ]
    assert query(where, "SELECT action, evidence, email FROM links") == [
        ("created", "upsert", None)
    ]


async def test_a_new_user_starts_with_the_default_role_and_teams(where: Where) -> None:
    rules = DirectoryRules(
        user_upsert=True,
        user_defaults=RowDefaults(models=("gpt-*",)),
        user_role=Role.INTERNAL_USER_VIEWER,
        user_teams=("blue", "red"),
    )
    async with open_directory(where, rules) as directory:
        await directory.add_team("red")
        assert await denied(directory, ANN, NO_TEAM) is AccessFault.TEAM_UNKNOWN
        assert query(where, "SELECT * FROM users") == []
        await directory.add_team("blue")
        (found,), effects = await directory.resolve(ANN, NO_TEAM)
    assert found.user is not None
    assert found.user.role is Role.INTERNAL_USER_VIEWER
    assert effects == (Effect("user_created", "ann"),)
    assert query(where, "SELECT team_id, role, models FROM memberships ORDER BY team_id") == [
        ("blue", "user", '"all"'),
        ("red", "user", '"all"'),
    ]


async def test_an_end_user_is_made_where_the_rules_say_so(where: Where) -> None:
    rules = DirectoryRules(
        user_upsert=True, end_user_upsert=True, end_user_defaults=RowDefaults(models=("o3",))
    )
    shop = replace(ANN, end_user="shop")
    async with open_directory(where, rules) as directory:
        (found,), effects = await directory.resolve(shop, NO_TEAM)
        again = await directory.resolve(shop, NO_TEAM)
    assert effects == (Effect("user_created", "ann"), Effect("end_user_created", "shop"))
    assert again == ((found,), ())
    assert found.end_user is not None
    assert found.end_user.models.allows("o3")
    assert not found.end_user.models.allows("gpt-4o")


async def test_sec_55_a_row_that_somebody_took_meanwhile_is_not_taken_from_them(
    where: Where,
) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="sub-first")
        with pytest.raises(LostRace):
            async with directory._database.writing() as connection:
                await link_user(connection, ANN, Match("ann", Evidence.USER_ID), 0)
    assert query(where, BOUND) == [("ann", ISSUER, "sub-first", None)]
    assert query(where, JOURNAL) == []


@pytest.mark.parametrize("address", ["ann@other.example", None])
@pytest.mark.parametrize("stored", [True, False], ids=["a row with the id", "no row"])
async def test_sec_52_who_is_of_no_accepted_domain_gets_no_row(
    where: Where, address: str | None, *, stored: bool
) -> None:
    domains = dataclasses.replace(LINKING, email_domains=frozenset({"x.io"}))
    rules = dataclasses.replace(UPSERT, linking=domains)
    outsider = replace(SOMEBODY, email=address, email_verified=True)
    async with open_directory(where, rules) as directory:
        if stored:
            await directory.add_user("user-1", home_issuer=ISSUER)
        before = query(where, "SELECT * FROM users")
        assert await denied(directory, outsider, one("red")) is AccessFault.EMAIL_DOMAIN_DENIED
        assert query(where, "SELECT * FROM users") == before
        assert query(where, "SELECT * FROM teams") == []
        insider = replace(SOMEBODY, email="ann@x.io")
        assert (await directory.resolve(insider, one("red"))).effects != ()
        (found,), _ = await directory.resolve(outsider, one("red"))
    assert found.user is not None, "who has a row is judged late, by what they ask for"
