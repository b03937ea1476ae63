"""What nobody but a proxy_admin may ever do, whatever they are a member of."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.rbac.administration import (
    MemberChange,
    check_changes_member,
    check_changes_organization_member,
    check_changes_team,
    check_deletes_team,
    check_grants_role,
    check_makes_team,
    check_makes_user,
    check_proxy_admin,
)
from gatepass.rbac.administrators import (
    Administrator,
    Person,
    TeamPlace,
    TeamRole,
    may_see_membership,
    may_see_user,
)
from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.roles import Role

NAMES = st.sampled_from(["acme", "other", "red", "blue", "ann", "bob"])
TEAM_ROLES: st.SearchStrategy[TeamRole] = st.sampled_from(["admin", "user"])
ROLES = st.sampled_from(list(Role))
PLAIN = {Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.END_USER}
ASKERS = st.builds(
    Administrator,
    role=ROLES.filter(lambda role: role is not Role.PROXY_ADMIN),
    user_id=st.none() | NAMES,
    organizations=st.dictionaries(NAMES, ROLES, max_size=4),
    teams=st.dictionaries(NAMES, TEAM_ROLES, max_size=4),
    acting_team=st.none() | NAMES,
)
PEOPLE = ASKERS.filter(lambda who: who.user_id is not None)
NAMED_BUDGETS = st.frozensets(st.sampled_from(["budget", "member_budget"]))
PLACES = st.builds(
    TeamPlace,
    team_id=NAMES,
    organization_id=st.none() | NAMES,
    blocked=st.booleans(),
    named_budgets=NAMED_BUDGETS,
)
PERSONS = st.builds(
    Person,
    role=st.none() | ROLES,
    organizations=st.dictionaries(NAMES, ROLES, max_size=2),
    team_organizations=st.frozensets(st.none() | NAMES, max_size=2),
)
FIELDS = st.sets(
    st.sampled_from(
        [
            *("alias", "models", "budget", "member_budget", "blocked", "email"),
            *("budget_id", "organization_id", "team_id"),
        ]
    )
)


def may(check: Callable[..., None], *arguments: object) -> bool:
    try:
        check(*arguments)
    except AccessDenied:
        return False
    return True


@given(ASKERS, ROLES)
def test_nobody_else_grants_more_than_a_plain_role(who: Administrator, granted: Role) -> None:
    if may(check_grants_role, who, granted):
        assert granted in PLAIN
        assert list(Role).index(granted) >= list(Role).index(who.role)


@given(ASKERS, PLACES, FIELDS)
def test_a_team_is_changed_by_who_administers_its_organization(
    who: Administrator, place: TeamPlace, fields: set[str]
) -> None:
    if may(check_changes_team, who, place, fields):
        assert who.organizations[str(place.organization_id)] is Role.ORG_ADMIN
        assert not fields & {"organization_id", "budget_id", "team_id", "email"}
        assert not fields & place.named_budgets
        assert not (place.blocked and "blocked" in fields)
        assert not ("member_budget" in fields and place.team_id in who.teams)
        assert may(check_makes_team, who, place.organization_id, fields)


@given(ASKERS, PLACES)
def test_a_team_goes_with_nothing_that_a_proxy_admin_set(
    who: Administrator, place: TeamPlace
) -> None:
    if may(check_deletes_team, who, place):
        assert who.organizations[str(place.organization_id)] is Role.ORG_ADMIN
        assert not place.blocked
        assert not place.named_budgets


@given(PEOPLE, PLACES, TEAM_ROLES | st.none(), TEAM_ROLES | st.none(), st.booleans(), st.booleans())
def test_nobody_else_sets_their_own_limit_or_makes_admins_without_the_organization(  # noqa: PLR0913, PLR0917 - the parts of a change
    who: Administrator,
    place: TeamPlace,
    before: TeamRole | None,
    after: TeamRole | None,
    belongs: bool,  # noqa: FBT001 - drawn
    changes_limits: bool,  # noqa: FBT001 - drawn
) -> None:
    own = MemberChange(str(who.user_id), before, after, belongs, changes_limits)
    if may(check_changes_member, who, place, own):
        assert belongs
        assert not changes_limits
        administers = who.organizations.get(str(place.organization_id)) is Role.ORG_ADMIN
        assert administers or {before, after} <= {"user", None}
    assert not may(check_changes_member, who, None, own)


@given(ASKERS, NAMES, st.none() | PERSONS, ROLES | st.none())
def test_nobody_else_takes_in_who_belongs_elsewhere_or_touches_their_betters(
    who: Administrator, organization: str, person: Person | None, after: Role | None
) -> None:
    if may(check_changes_organization_member, who, organization, person, after):
        assert person is not None
        assert person.role not in {Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER}
        before = person.organizations.get(organization)
        assert {before, after} <= {*PLAIN, None}
        if before is None:
            assert not person.organizations
            assert person.team_organizations <= {organization}


@given(ASKERS, NAMES, st.none() | NAMES)
def test_where_somebody_belongs_is_seen_by_who_administers_it(
    who: Administrator, user_id: str, organization: str | None
) -> None:
    if may_see_membership(who, user_id, organization) and not who.may_see_all:
        mine = who.organizations.get(str(organization)) is Role.ORG_ADMIN
        assert mine or user_id == who.user_id


@given(ASKERS, st.sets(NAMES), FIELDS)
def test_a_user_is_made_within_ones_own_organizations(
    who: Administrator, organizations: set[str], fields: set[str]
) -> None:
    assert not may(check_proxy_admin, who)
    if may(check_makes_user, who, organizations, fields):
        assert organizations
        assert all(who.organizations[name] is Role.ORG_ADMIN for name in organizations)
        assert not fields


@pytest.mark.parametrize("role", [Role.TEAM, Role.END_USER, Role.INTERNAL_USER_VIEWER])
@given(who=ASKERS, user_id=NAMES, organizations=st.sets(NAMES))
def test_a_lesser_role_sees_itself_alone(
    role: Role, who: Administrator, user_id: str, organizations: set[str]
) -> None:
    lesser = Administrator(role, who.user_id, who.organizations, who.teams, who.acting_team)
    assert may_see_user(lesser, user_id, organizations) == (user_id == who.user_id)
