"""What is left of a caller while their rows cannot be read: less than before, and no admin."""

import pytest
from msgspec.structs import replace

from gatepass.rbac.catalog import PLAIN_CATALOG
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.outage import (
    may_serve_stale,
    nameless,
    opens_without_rows,
    stand_without_rows,
    without_administration,
)
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals, Team, User
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.routes import compile_routes
from gatepass.rbac.standing import Standing, standing_of
from gatepass.rbac.teams import TeamRules
from support.callers import NOBODY, SOMEBODY, profile

NO_RULES = Policy({}, {}, RoleRules())


def standing(identity: Identity = SOMEBODY, user: User | None = None) -> Standing:
    return standing_of(NO_RULES, identity, Principals(user=user, team=Team("t1", ALL_MODELS)))


@pytest.mark.parametrize("role", list(Role))
def test_sec_41_old_rows_make_no_admin_whoever_says_so(role: Role) -> None:
    serves = role in {Role.TEAM, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.END_USER}
    by_token = standing(replace(SOMEBODY, role=role))
    assert may_serve_stale(by_token) is serves
    by_row = standing(user=User("ann", ALL_MODELS, role=role))
    assert may_serve_stale(by_row) is serves


def test_old_rows_leave_members_in_their_organizations_and_let_none_administer_one() -> None:
    organizations = {"corp": Role.ORG_ADMIN, "lab": Role.INTERNAL_USER}
    before = standing(user=User("ann", ALL_MODELS, organizations=organizations))
    after = without_administration(before)
    assert after.organizations == {"corp": Role.INTERNAL_USER, "lab": Role.INTERNAL_USER}
    assert replace(after, organizations=before.organizations) == before
    plain = standing()
    assert without_administration(plain) is plain


@pytest.mark.parametrize(
    ("path", "opens"),
    [("/v1/models", True), ("/v1/chat/completions", False), ("/team/new", False)],
)
def test_only_listed_routes_open_and_none_that_touches_organizations(
    path: str,
    opens: bool,  # noqa: FBT001 - a column of the table
) -> None:
    rules = profile({})
    assert not opens_without_rows(rules, "POST", path)
    listed = compile_routes(("POST /v1/models", "/team/new", "GET /v1/chat/completions"), {})
    object.__setattr__(rules, "routes_without_store", listed)
    assert opens_without_rows(rules, "POST", path) is opens


@pytest.mark.parametrize(
    ("said", "stands_as"),
    [
        (None, Role.INTERNAL_USER),
        (Role.INTERNAL_USER, Role.INTERNAL_USER),
        (Role.INTERNAL_USER_VIEWER, Role.INTERNAL_USER_VIEWER),
        (Role.PROXY_ADMIN, None),
        (Role.PROXY_ADMIN_VIEWER, None),
        (Role.ORG_ADMIN, None),
        (Role.TEAM, None),
        (Role.END_USER, None),
    ],
)
def test_sec_41_a_token_alone_makes_an_internal_user_at_most(
    said: Role | None, stands_as: Role | None
) -> None:
    found = stand_without_rows(NO_RULES, replace(SOMEBODY, role=said))
    assert (None if found is None else found.role) is stands_as
    if found is not None:
        assert (found.rules, found.organizations) == ((), {})
        assert found.may_modify_guardrails is False
        assert found.team_pays
        assert not found.by_admin_scope
        assert found.aliases == PLAIN_CATALOG.aliases


def test_who_needs_a_row_to_be_anybody_waits() -> None:
    machine = replace(NOBODY, team="t1")
    incomplete = replace(SOMEBODY, groups_withheld=True)
    for identity in (NOBODY, machine, incomplete):
        assert stand_without_rows(NO_RULES, identity) is None
    everybody_has_a_team = Policy({}, {}, RoleRules(), teams=TeamRules(required=True))
    assert stand_without_rows(everybody_has_a_team, SOMEBODY) is None


def test_the_roles_that_a_deployment_asks_for_are_asked_for_then_too() -> None:
    must_say = Policy({}, {}, RoleRules(required=True))
    assert stand_without_rows(must_say, SOMEBODY) is None
    assert stand_without_rows(must_say, replace(SOMEBODY, role=Role.INTERNAL_USER)) is not None
    staff_only = Policy({}, {}, RoleRules(allowed=frozenset({"staff"})))
    assert stand_without_rows(staff_only, SOMEBODY) is None
    assert stand_without_rows(staff_only, replace(SOMEBODY, roles=("staff",))) is not None


def test_the_domain_of_the_address_is_judged_then_too() -> None:
    corp_only = Policy({}, {}, RoleRules(), email_domains=frozenset({"corp.example"}))
    found = stand_without_rows(corp_only, replace(SOMEBODY, email="ann@other.example"))
    assert found is not None
    assert found.late is AccessFault.EMAIL_DOMAIN_DENIED


def test_no_name_of_a_row_is_told_that_no_row_has_proven() -> None:
    said = replace(
        SOMEBODY,
        team="t1",
        teams=("t1", "t2"),
        team_alias="red",
        organization="corp",
        organization_alias="Corp",
        end_user="c-1",
        role=Role.INTERNAL_USER,
    )
    assert nameless(said) == replace(NOBODY, subject=said.subject)
