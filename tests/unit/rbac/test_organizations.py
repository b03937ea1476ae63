"""Who may administer which organization."""

import pytest

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.organizations import OrganizationUse, check_organizations, organization_use
from gatepass.rbac.roles import Role

NEW = OrganizationUse.MAKES_ONE
ADMINISTERS = OrganizationUse.ADMINISTERS
TEAM = OrganizationUse.MAKES_A_TEAM
MINE = {"o1": Role.ORG_ADMIN, "o2": Role.INTERNAL_USER, "o3": Role.ORG_ADMIN}


@pytest.mark.parametrize(
    ("path", "use"),
    [
        ("/organization/new", NEW),
        ("/organization/new/", NEW),
        ("/organization/info", ADMINISTERS),
        ("/organization/delete", ADMINISTERS),
        ("/organization/member_add", ADMINISTERS),
        ("/organization/member_update", ADMINISTERS),
        ("/organization/member_delete", ADMINISTERS),
        ("/team/new", TEAM),
        ("/team/new/", TEAM),
        ("/organization/list", OrganizationUse.NONE),
        ("/v1/chat/completions", OrganizationUse.NONE),
        ("/", OrganizationUse.NONE),
    ],
)
def test_what_a_route_does_to_organizations(path: str, use: OrganizationUse) -> None:
    assert organization_use(path) is use


@pytest.mark.parametrize("use", OrganizationUse)
def test_a_proxy_admin_may_do_all_of_it(use: OrganizationUse) -> None:
    check_organizations(use, ("foreign",), Role.PROXY_ADMIN, {})
    check_organizations(use, (), Role.PROXY_ADMIN, {})


@pytest.mark.parametrize(
    ("use", "named", "member_of"),
    [
        (OrganizationUse.NONE, ("foreign",), {}),
        (ADMINISTERS, ("o1",), MINE),
        (ADMINISTERS, ("o1", "o3"), MINE),
        (TEAM, ("o1",), MINE),
        (TEAM, (), {}),
    ],
)
def test_who_administers_what_is_named_passes(
    use: OrganizationUse, named: tuple[str, ...], member_of: dict[str, Role]
) -> None:
    check_organizations(use, named, Role.ORG_ADMIN, member_of)


@pytest.mark.parametrize(
    ("use", "named", "member_of"),
    [
        (NEW, (), MINE),
        (NEW, ("o1",), MINE),
        (ADMINISTERS, (), MINE),
        (ADMINISTERS, (), {}),
        (ADMINISTERS, ("foreign",), MINE),
        (ADMINISTERS, ("o2",), MINE),
        (ADMINISTERS, ("o1", "foreign"), MINE),
        (ADMINISTERS, ("o2", "o1"), MINE),
        (TEAM, ("foreign",), {}),
        (TEAM, ("foreign",), MINE),
        (TEAM, ("o2",), MINE),
        (TEAM, (), MINE),
    ],
)
@pytest.mark.parametrize("role", [Role.ORG_ADMIN, Role.INTERNAL_USER, Role.PROXY_ADMIN_VIEWER])
def test_sec_39_whoever_does_not_administer_all_that_is_named_is_refused(
    use: OrganizationUse, named: tuple[str, ...], member_of: dict[str, Role], role: Role
) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_organizations(use, named, role, member_of)
    assert denied.value.fault is AccessFault.ORGANIZATION_DENIED
