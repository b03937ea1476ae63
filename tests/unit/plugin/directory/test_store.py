import pytest
from msgspec.structs import replace

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice
from gatepass.rbac.windows import FOREVER, Rolling
from support.callers import NOBODY, SOMEBODY
from support.clock import ManualClock
from support.directories import (
    CLOSED,
    ISSUER,
    NO_TEAM,
    UPSERT,
    Where,
    denied,
    one,
    open_directory,
    person,
    query,
    some,
)
from support.limits import template

ALL = RowDefaults(models=None)


async def test_nobody_is_nobody(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        assert await directory.resolve(NOBODY, NO_TEAM) == ((Principals(),), ())
    assert query(where, "SELECT * FROM users") == []


async def test_a_person_is_found_by_issuer_and_subject_whatever_the_claim_says(
    where: Where,
) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("row", issuer=ISSUER, subject="user-1", grants=ALL)
        (found,), effects = await directory.resolve(replace(SOMEBODY, user_id="other"), NO_TEAM)
    assert found.user is not None
    assert (found.user.user_id, found.user.models, effects) == ("row", ALL_MODELS, ())


async def test_sec_54_a_token_without_a_user_is_still_its_subjects(where: Where) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("row", issuer=ISSUER, subject="user-1")
        (found,), _ = await directory.resolve(NOBODY, NO_TEAM)
        (other,), _ = await directory.resolve(replace(NOBODY, issuer="https://other"), NO_TEAM)
    assert found.user is not None
    assert found.user.user_id == "row"
    assert other.user is None


async def test_strangers_are_refused_unless_upsert_is_on(where: Where) -> None:
    async with open_directory(where, CLOSED) as directory:
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.USER_UNKNOWN
        assert await denied(directory, NOBODY, one("red")) is AccessFault.TEAM_UNKNOWN
    assert query(where, "SELECT * FROM users") == []
    assert query(where, "SELECT * FROM teams") == []


async def test_a_stranger_is_made_once_with_the_defaults(where: Where) -> None:
    rules = DirectoryRules(
        user_upsert=True,
        team_upsert=True,
        user_defaults=RowDefaults(template(50, 60), models=("gpt-*",)),
        team_defaults=RowDefaults(template(100, None), models=None),
    )
    async with open_directory(where, rules, ManualClock(wall=1234.9)) as directory:
        (first,), effects = await directory.resolve(SOMEBODY, one("red"))
        (second,), no_effects = await directory.resolve(SOMEBODY, one("red"))
    assert effects == (Effect("user_created", "user-1"), Effect("team_created", "red"))
    assert no_effects == ()
    assert first.user is not None
    assert first.user.role is None
    assert first.user.models.allows("gpt-4o")
    assert not first.user.models.allows("o3")
    assert first.user.budget is not None
    assert first.user.budget.limits == (Limit(Unit.MONEY, 50),)
    assert first.user.budget.window == Rolling(60, 1234)
    assert first.team is not None
    assert first.team.models is ALL_MODELS
    assert first.team.budget is not None
    assert first.team.budget.window == FOREVER
    assert second == first
    assert query(where, "SELECT user_id, issuer, subject, email, created_at FROM users") == [
        ("user-1", ISSUER, "user-1", None, 1234)
    ]


async def test_budgets_are_not_shared_by_those_who_are_made(where: Where) -> None:
    rules = DirectoryRules(user_upsert=True, user_defaults=RowDefaults(template(50, 60)))
    async with open_directory(where, rules) as directory:
        for name in ("ann", "bob"):
            await directory.resolve(person(name), NO_TEAM)
    assert query(where, "SELECT count(DISTINCT budget_id), count(*) FROM users") == [(2, 2)]


@pytest.mark.parametrize("rules", [CLOSED, UPSERT], ids=["closed", "upsert"])
async def test_sec_54_an_id_of_another_issuer_is_never_taken_over(
    where: Where, rules: DirectoryRules
) -> None:
    async with open_directory(where, rules) as directory:
        await directory.add_user("user-1", issuer="https://other.example", subject="user-1")
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.IDENTITY_DENIED
    assert query(where, "SELECT issuer FROM users") == [("https://other.example",)]


@pytest.mark.parametrize("rules", [CLOSED, UPSERT], ids=["closed", "upsert"])
async def test_sec_53_a_verified_address_of_somebody_else_is_refused(
    where: Where, rules: DirectoryRules
) -> None:
    caller = replace(SOMEBODY, email="ann@example.com", email_verified=True)
    async with open_directory(where, rules) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="s", email="Ann@Example.com")
        assert await denied(directory, caller, NO_TEAM) is AccessFault.IDENTITY_DENIED


async def test_sec_52_an_unverified_address_is_nothing(where: Where) -> None:
    claimed = replace(SOMEBODY, email="ann@example.com", email_verified=False)
    owner = replace(person("ann"), email="ann@example.com", email_verified=True)
    async with open_directory(where, UPSERT) as directory:
        await directory.resolve(claimed, NO_TEAM)
        (found,), _ = await directory.resolve(owner, NO_TEAM)
    assert found.user is not None
    assert found.user.user_id == "ann"
    assert query(where, "SELECT user_id, email, email_state FROM users ORDER BY user_id") == [
        ("ann", "ann@example.com", "verified"),
        ("user-1", "ann@example.com", "asserted"),
    ]


async def test_the_stored_teams_of_a_list_count_in_its_order_and_none_is_made(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
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
            seen.append([one.team and one.team.team_id for one in found])
    assert seen == [[None], [None], [None], ["red"], ["red", "blue"], ["blue", "red"]]
    assert query(where, "SELECT count(*) FROM teams") == [(2,)]


async def test_a_required_team_that_may_not_be_made_is_refused(where: Where) -> None:
    chosen = TeamChoice(("red",), required=True, creatable=False)
    async with open_directory(where, UPSERT) as directory:
        assert await denied(directory, NOBODY, chosen) is AccessFault.TEAM_UNKNOWN
    assert query(where, "SELECT * FROM teams") == []


async def test_a_refusal_makes_nothing(where: Where) -> None:
    half = DirectoryRules(user_upsert=True)
    async with open_directory(where, half) as directory:
        assert await denied(directory, SOMEBODY, one("red")) is AccessFault.TEAM_UNKNOWN
        nowhere = replace(SOMEBODY, organization="nowhere")
        assert await denied(directory, nowhere, NO_TEAM) is AccessFault.ORGANIZATION_UNKNOWN
    assert query(where, "SELECT * FROM users") == []


async def test_an_organization_is_the_tokens_else_the_teams(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        for organization_id in ("acme", "other"):
            await directory.add_organization(organization_id)
        await directory.add_team("red", organization_id="acme")
        await directory.add_team("free")
        named = replace(NOBODY, organization="acme")
        for identity, choice in [(named, NO_TEAM), (NOBODY, one("red")), (named, one("red"))]:
            (found,), _ = await directory.resolve(identity, choice)
            assert found.organization is not None
            assert found.organization.organization_id == "acme"
        other = replace(NOBODY, organization="other")
        (found,), _ = await directory.resolve(other, one("free"))
        assert found.organization is not None
        assert await denied(directory, other, one("red")) is AccessFault.IDENTITY_DENIED
        nowhere = replace(NOBODY, organization="nowhere")
        assert await denied(directory, nowhere, one("red")) is AccessFault.ORGANIZATION_UNKNOWN


async def test_an_end_user_without_a_row_is_not_restricted(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        (found,), effects = await directory.resolve(replace(NOBODY, end_user="shop"), NO_TEAM)
    assert (found.end_user, effects) == (None, ())


async def test_new_rules_go_by_the_same_rows(where: Where) -> None:
    async with open_directory(where, CLOSED) as directory:
        assert await denied(directory, SOMEBODY, NO_TEAM) is AccessFault.USER_UNKNOWN
        await directory.with_rules(UPSERT).resolve(SOMEBODY, NO_TEAM)
        (found,), _ = await directory.resolve(SOMEBODY, NO_TEAM)
    assert found.user is not None


async def test_rows_outlive_the_process(where: Where) -> None:
    async with open_directory(where, UPSERT) as directory:
        (first,), _ = await directory.resolve(SOMEBODY, one("red"))
    async with open_directory(where, CLOSED) as directory:
        (second,), effects = await directory.resolve(SOMEBODY, one("red"))
    assert (second, effects) == (first, ())
