"""Rights are those of the moment of the change, whatever the Gate has seen a moment before."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.plugin.admin.rights import administrator
from gatepass.plugin.decision import Caller
from gatepass.rbac.administrators import Administrator
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals, Team, User
from gatepass.rbac.roles import Role
from support.callers import NOBODY
from support.directories import Where, query
from support.management import Management, open_management

ANN = Caller(
    replace(NOBODY, subject="sub-ann", user_id="ann"),
    Principals(user=User("ann", ALL_MODELS, Role.PROXY_ADMIN)),
    Role.PROXY_ADMIN,
)


@pytest.fixture
async def service(where: Where, tmp_path: Path) -> AsyncIterator[Management]:
    async with open_management(where, tmp_path / "settings") as service:
        await service.add("ann", Role.PROXY_ADMIN)
        yield service


async def rights(service: Management, caller: Caller = ANN) -> Administrator:
    async with service.database.reading() as connection:
        return await administrator(connection, caller)


async def refused(service: Management, caller: Caller = ANN) -> AccessFault:
    with pytest.raises(AccessDenied) as denied:
        await rights(service, caller)
    return denied.value.fault


async def test_memberships_come_with_their_roles(service: Management) -> None:
    await service.made("/organization/new", organization_id="acme")
    await service.made("/team/new", team_id="red")
    member = {"user_id": "ann", "role": "org_admin"}
    await service.made("/organization/member_add", organization_id="acme", member=member)
    captain = {"user_id": "ann", "role": "admin"}
    await service.made("/team/member_add", team_id="red", member=captain)
    who = await rights(service)
    assert (who.role, who.user_id) == (Role.PROXY_ADMIN, "ann")
    assert (who.organizations, who.teams) == ({"acme": Role.ORG_ADMIN}, {"red": "admin"})


@pytest.mark.parametrize(
    ("meanwhile", "fault"),
    [
        ("UPDATE users SET role = 'internal_user'", AccessFault.ADMINISTRATION_DENIED),
        ("UPDATE users SET role = NULL", AccessFault.ADMINISTRATION_DENIED),
        ("UPDATE users SET role_synced = (1 = 1)", AccessFault.ADMINISTRATION_DENIED),
        ("UPDATE users SET blocked = (1 = 1)", AccessFault.USER_BLOCKED),
        ("UPDATE users SET subject = 'x' || user_id", AccessFault.ADMINISTRATION_DENIED),
        ("DELETE FROM users", AccessFault.ADMINISTRATION_DENIED),
    ],
)
async def test_what_was_lost_a_moment_ago_is_lost(
    service: Management, where: Where, meanwhile: str, fault: AccessFault
) -> None:
    query(where, meanwhile)
    assert await refused(service) is fault


async def test_a_role_that_the_token_asserts_is_not_the_rows(
    service: Management, where: Where
) -> None:
    query(where, "UPDATE users SET role = NULL")
    by_token = Caller(replace(ANN.identity, role=Role.PROXY_ADMIN), ANN.principals, ANN.role)
    assert (await rights(service, by_token)).role is Role.PROXY_ADMIN


async def test_who_has_no_row_has_their_role_and_their_team(service: Management) -> None:
    machine = Caller(NOBODY, Principals(team=Team("red", ALL_MODELS)), Role.TEAM)
    assert await rights(service, machine) == Administrator(Role.TEAM, acting_team="red")
    root = Caller(NOBODY, Principals(), Role.PROXY_ADMIN)
    assert await rights(service, root) == Administrator(Role.PROXY_ADMIN)
