"""The teams that a caller may act for, each with what depends on it."""

from msgspec.structs import replace

from gatepass.plugin.directory.rules import DirectoryRules, RowDefaults
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice
from support.callers import NOBODY, SOMEBODY
from support.directories import ISSUER, NO_TEAM, Where, denied, open_directory, some
from support.limits import template
from support.rows import StockedDirectory


def choice(
    *ids: str, aliases: tuple[str, ...] = (), memberships: bool = False, required: bool = False
) -> TeamChoice:
    return TeamChoice(
        ids, required=required, creatable=False, aliases=aliases, memberships=memberships
    )


async def teams(
    directory: StockedDirectory, identity: Identity, chosen: TeamChoice
) -> list[str | None]:
    found, _ = await directory.resolve(identity, chosen)
    return [None if one.team is None else one.team.team_id for one in found]


async def test_teams_are_found_by_id_by_alias_and_else_by_membership(where: Where) -> None:
    async with open_directory(where) as directory:
        for team_id, alias in [("a", "One"), ("b", "Two"), ("c", "Three"), ("d", None), ("e", "e")]:
            await directory.add_team(team_id, alias=alias)
        await directory.add_user("ann", issuer=ISSUER, subject=SOMEBODY.subject)
        for team_id in ("e", "d", "a"):
            await directory.add_membership("ann", team_id)
        seen = [
            await teams(directory, SOMEBODY, chosen)
            for chosen in (
                choice("b", "a", "b"),
                choice(aliases=("Three", "One")),
                choice("c", aliases=("One", "Three")),
                choice(memberships=True),
                choice("b", memberships=True),
                choice("gone", aliases=("a", "one")),
                choice(),
            )
        ]
        stranger = await teams(directory, NOBODY, choice(memberships=True))
    assert seen == [
        ["b", "a"],
        ["c", "a"],
        ["c", "a"],
        ["a", "d", "e"],
        ["b"],
        [None],
        [None],
    ]
    assert stranger == ["a", "d", "e"], "the subject's row, whether or not the token names a user"


async def test_an_alias_of_two_teams_names_neither(where: Where) -> None:
    async with open_directory(where, DirectoryRules(team_upsert=True)) as directory:
        for team_id in ("a", "b"):
            await directory.add_team(team_id, alias="Twice")
        twice = choice(aliases=("Twice",), required=True)
        assert await denied(directory, NOBODY, twice) is AccessFault.TEAM_AMBIGUOUS


async def test_sec_54_memberships_are_the_persons_own(where: Where) -> None:
    async with open_directory(where) as directory:
        await directory.add_team("red")
        for user_id, subject in (("ann", "user-1"), ("bob", "bob")):
            await directory.add_user(user_id, issuer=ISSUER, subject=subject)
        await directory.add_membership("bob", "red")
        (found,), _ = await directory.resolve(SOMEBODY, some("red"))
        assert found.team is not None
        assert found.member is None
        assert await teams(directory, SOMEBODY, choice(memberships=True)) == [None]
        other = replace(SOMEBODY, issuer="https://other.example", user_id=None, subject="bob")
        assert await teams(directory, other, choice(memberships=True)) == [None]


async def test_a_member_has_the_teams_share_unless_there_is_one_of_their_own(where: Where) -> None:
    share, own = template(7, 60), template(0, None)
    async with open_directory(where) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject=SOMEBODY.subject)
        await directory.add_team("shared", each_member=share)
        await directory.add_team("alone", each_member=share)
        await directory.add_team("free")
        await directory.add_membership("ann", "shared")
        await directory.add_membership("ann", "alone", grants=RowDefaults(own, ("o3",)))
        await directory.add_membership("ann", "free")
        found, _ = await directory.resolve(SOMEBODY, some("shared", "alone", "free"))
    shared, alone, free = (one.member for one in found)
    assert shared is not None
    assert shared.budget is not None
    assert (shared.budget.limits[0].hard, shared.models.everything) == (7, True)
    assert alone is not None
    assert alone.budget is not None
    assert (alone.budget.limits[0].hard, alone.models.allows("gpt-4o")) == (0, False)
    assert free is not None
    assert free.budget is None


async def test_a_share_comes_along_where_there_is_no_membership(where: Where) -> None:
    async with open_directory(where) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject=SOMEBODY.subject)
        for team_id in ("stranger", "member"):
            await directory.add_team(team_id, each_member=template(7, 60))
        await directory.add_team("free")
        await directory.add_membership("ann", "member", grants=RowDefaults(template(0, None)))
        found, _ = await directory.resolve(SOMEBODY, some("stranger", "member", "free"))
    stranger, member, free = (one.share for one in found)
    assert stranger is not None
    assert stranger.limits[0].hard == 7
    assert (member, free) == (None, None)


async def test_each_team_comes_with_its_own_organization(where: Where) -> None:
    async with open_directory(where) as directory:
        for organization_id in ("acme", "other"):
            await directory.add_organization(organization_id, alias=organization_id.upper())
        await directory.add_team("red", organization_id="acme")
        await directory.add_team("blue", organization_id="other")
        await directory.add_team("free")
        everywhere = some("red", "blue", "free")

        async def found(identity: Identity) -> list[tuple[str | None, str | None]]:
            candidates, _ = await directory.resolve(identity, everywhere)
            return [_names(one) for one in candidates]

        assert await found(NOBODY) == [("red", "acme"), ("blue", "other"), ("free", None)]
        named = [("red", "acme"), ("free", "acme")]
        assert await found(replace(NOBODY, organization="acme")) == named
        assert await found(replace(NOBODY, organization_alias="ACME")) == named
        only_others = replace(NOBODY, organization="acme")
        fault = await denied(directory, only_others, some("blue"))
        assert fault is AccessFault.IDENTITY_DENIED


def _names(one: Principals) -> tuple[str | None, str | None]:
    return (
        None if one.team is None else one.team.team_id,
        None if one.organization is None else one.organization.organization_id,
    )


async def test_an_organization_is_named_by_its_only_alias(where: Where) -> None:
    async with open_directory(where) as directory:
        await directory.add_organization("acme", alias="Acme")
        await directory.add_organization("o1", alias="Twice")
        await directory.add_organization("o2", alias="Twice")
        await directory.add_team("red", organization_id="o1")
        acme = replace(NOBODY, organization_alias="Acme")
        (found,), _ = await directory.resolve(acme, NO_TEAM)
        assert _names(found) == (None, "acme")
        by_id = replace(NOBODY, organization="acme", organization_alias="Nowhere")
        assert _names((await directory.resolve(by_id, NO_TEAM)).candidates[0]) == (None, "acme")
        for alias in ("acme", "Nowhere", "Twice"):
            unknown = replace(NOBODY, organization_alias=alias)
            fault = await denied(directory, unknown, NO_TEAM)
            assert fault is AccessFault.ORGANIZATION_UNKNOWN
        for alias in ("Acme", "Nowhere"):
            elsewhere = replace(NOBODY, organization_alias=alias)
            assert await denied(directory, elsewhere, some("red")) in {
                AccessFault.IDENTITY_DENIED,
                AccessFault.ORGANIZATION_UNKNOWN,
            }


async def test_a_required_team_may_be_any_of_the_named(where: Where) -> None:
    async with open_directory(where, DirectoryRules(team_upsert=True)) as directory:
        await directory.add_team("red", alias="Reds")
        assert await teams(directory, NOBODY, choice(aliases=("Reds",), required=True)) == ["red"]
        nothing = choice(aliases=("Blues",), required=True)
        assert await denied(directory, NOBODY, nothing) is AccessFault.TEAM_UNKNOWN
        made_of_nothing = TeamChoice((), required=True, creatable=True, aliases=("Blues",))
        assert await denied(directory, NOBODY, made_of_nothing) is AccessFault.TEAM_UNKNOWN
