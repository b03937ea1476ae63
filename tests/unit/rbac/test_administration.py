"""Who may administer what, as tables: one row for each question, one column for each asker."""

import pytest

from gatepass.rbac.administration import (
    MemberChange,
    check_changes_member,
    check_changes_organization_member,
    check_changes_team,
    check_deletes_team,
    check_grants_role,
    check_keeps_limits,
    check_makes_team,
    check_makes_user,
    check_proxy_admin,
    check_sees_all,
)
from gatepass.rbac.administrators import (
    Administrator,
    Person,
    TeamPlace,
    may_see_membership,
    may_see_organization,
    may_see_team,
    may_see_user,
)
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.roles import Role

ACME = {"acme": Role.ORG_ADMIN, "other": Role.INTERNAL_USER}
ASKERS = {
    "root": Administrator(Role.PROXY_ADMIN, "root"),
    "viewer": Administrator(Role.PROXY_ADMIN_VIEWER, "viewer", ACME, {"red": "admin"}),
    "org": Administrator(Role.ORG_ADMIN, "org", ACME),
    "org_by_row": Administrator(Role.INTERNAL_USER, "org", ACME),
    "org_by_token_alone": Administrator(Role.ORG_ADMIN, "joe"),
    "org_but_viewer": Administrator(Role.INTERNAL_USER_VIEWER, "org", ACME),
    "captain": Administrator(Role.INTERNAL_USER, "captain", {}, {"red": "admin", "lone": "admin"}),
    "member": Administrator(Role.INTERNAL_USER, "member", {}, {"red": "user"}),
    "captain_but_viewer": Administrator(Role.INTERNAL_USER_VIEWER, "captain", {}, {"red": "admin"}),
    "machine": Administrator(Role.TEAM, acting_team="red"),
    "stranger": Administrator(Role.INTERNAL_USER, "stranger"),
}
ORG_ADMINS = {"org", "org_by_row"}
RED = TeamPlace("red", "acme")
BLUE = TeamPlace("blue", "other")
LONE = TeamPlace("lone")
BLOCKED = TeamPlace("red", "acme", blocked=True)
NAMED = TeamPlace("red", "acme", named_budgets=frozenset({"budget"}))
NEWCOMER = Person()


def allowed_to(check: object, *arguments: object) -> set[str]:
    """Return who passes a check that raises."""
    return {
        name
        for name, who in ASKERS.items()
        if fault_of(check, who, *arguments) is not AccessFault.ADMINISTRATION_DENIED
    }


def fault_of(check: object, *arguments: object) -> AccessFault | None:
    try:
        check(*arguments)  # type: ignore[operator]
    except AccessDenied as denied:
        return denied.fault
    return None


def answered_yes(question: object, *arguments: object) -> set[str]:
    return {name for name, who in ASKERS.items() if question(who, *arguments)}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("user_id", "organizations", "who"),
    [
        ("stranger", (), {"root", "viewer", "stranger"}),
        ("ann", ("acme",), {"root", "viewer", *ORG_ADMINS}),
        ("ann", ("other",), {"root", "viewer"}),
        ("ann", (), {"root", "viewer"}),
        ("org", (), {"root", "viewer", "org", "org_by_row", "org_but_viewer"}),
    ],
)
def test_who_sees_a_user(user_id: str, organizations: tuple[str, ...], who: set[str]) -> None:
    assert answered_yes(may_see_user, user_id, organizations) == who


@pytest.mark.parametrize(
    ("team", "who"),
    [
        (
            RED,
            {
                "root",
                "viewer",
                *ORG_ADMINS,
                "captain",
                "member",
                "captain_but_viewer",
                "machine",
            },
        ),
        (BLUE, {"root", "viewer"}),
        (LONE, {"root", "viewer", "captain"}),
    ],
)
def test_who_sees_a_team(team: TeamPlace, who: set[str]) -> None:
    assert answered_yes(may_see_team, team) == who


def test_who_sees_where_a_user_belongs() -> None:
    assert answered_yes(may_see_membership, "ann", "acme") == {"root", "viewer", *ORG_ADMINS}
    assert answered_yes(may_see_membership, "ann", "other") == {"root", "viewer"}
    assert answered_yes(may_see_membership, "ann", None) == {"root", "viewer"}
    assert answered_yes(may_see_membership, "member", "other") == {"root", "viewer", "member"}


def test_who_sees_an_organization_and_everything() -> None:
    assert answered_yes(may_see_organization, "acme") == {"root", "viewer", *ORG_ADMINS}
    assert answered_yes(may_see_organization, "other") == {"root", "viewer"}
    assert allowed_to(check_sees_all) == {"root", "viewer"}
    assert allowed_to(check_proxy_admin) == {"root"}


@pytest.mark.parametrize(
    ("granted", "root", "org"),
    [
        (Role.PROXY_ADMIN, True, False),
        (Role.PROXY_ADMIN_VIEWER, True, False),
        (Role.ORG_ADMIN, True, False),
        (Role.INTERNAL_USER, True, True),
        (Role.INTERNAL_USER_VIEWER, True, True),
        (None, True, True),
    ],
)
def test_nobody_grants_a_role_above_their_own(
    granted: Role | None, *, root: bool, org: bool
) -> None:
    passed = allowed_to(check_grants_role, granted)
    assert ("root" in passed) is root
    assert (passed >= ORG_ADMINS) is org


def test_a_viewer_grants_no_user_role() -> None:
    assert "org_but_viewer" not in allowed_to(check_grants_role, Role.INTERNAL_USER)


@pytest.mark.parametrize(
    ("organizations", "fields", "who"),
    [
        (("acme",), ("role",), {"root", *ORG_ADMINS}),
        (("acme",), ("email",), {"root"}),
        (("acme",), (), {"root", *ORG_ADMINS}),
        ((), (), {"root"}),
        (("acme", "other"), (), {"root"}),
        (("acme",), ("budget",), {"root"}),
        (("acme",), ("models",), {"root"}),
        (("acme",), ("home_issuer",), {"root"}),
        (("acme",), ("sso_user_id",), {"root"}),
        (("acme",), ("user_id",), {"root"}),
    ],
)
def test_who_makes_users(
    organizations: tuple[str, ...], fields: tuple[str, ...], who: set[str]
) -> None:
    assert allowed_to(check_makes_user, organizations, fields) == who


@pytest.mark.parametrize(
    ("organization", "fields", "who"),
    [
        ("acme", ("alias", "budget", "member_budget", "models"), {"root", *ORG_ADMINS}),
        ("other", (), {"root"}),
        (None, (), {"root"}),
        ("acme", ("may_modify_guardrails",), {"root"}),
        ("acme", ("budget_id",), {"root"}),
        ("acme", ("team_id",), {"root"}),
    ],
)
def test_who_makes_teams(organization: str | None, fields: tuple[str, ...], who: set[str]) -> None:
    assert allowed_to(check_makes_team, organization, fields) == who


@pytest.mark.parametrize(
    ("team", "fields", "who"),
    [
        (RED, ("budget",), {"root", *ORG_ADMINS}),
        (RED, ("organization_id",), {"root"}),
        (RED, ("may_modify_guardrails",), {"root"}),
        (BLUE, (), {"root"}),
        (LONE, (), {"root"}),
        (None, (), {"root"}),
        (RED, ("blocked",), {"root", *ORG_ADMINS}),
        (BLOCKED, ("blocked",), {"root"}),
        (BLOCKED, ("budget",), {"root", *ORG_ADMINS}),
        (NAMED, ("budget",), {"root"}),
        (NAMED, ("member_budget",), {"root", *ORG_ADMINS}),
        (TeamPlace("hers", "acme"), ("member_budget",), {"root", *ORG_ADMINS}),
    ],
)
def test_who_changes_teams(team: TeamPlace | None, fields: tuple[str, ...], who: set[str]) -> None:
    assert allowed_to(check_changes_team, team, fields) == who


def test_a_member_does_not_say_what_each_member_may_spend() -> None:
    who = Administrator(Role.ORG_ADMIN, "org", ACME, {"red": "user"})
    check_changes_team(who, RED, {"budget"})
    with pytest.raises(AccessDenied):
        check_changes_team(who, RED, {"member_budget"})


@pytest.mark.parametrize(
    ("team", "who"),
    [
        (RED, {"root", *ORG_ADMINS}),
        (BLOCKED, {"root"}),
        (NAMED, {"root"}),
        (BLUE, {"root"}),
        (LONE, {"root"}),
        (None, {"root"}),
    ],
)
def test_who_deletes_teams(team: TeamPlace | None, who: set[str]) -> None:
    assert allowed_to(check_deletes_team, team) == who


def test_who_takes_limits_away() -> None:
    assert allowed_to(check_keeps_limits, ["budget"]) == {"root"}
    assert allowed_to(check_keeps_limits, []) == set(ASKERS)


@pytest.mark.parametrize(
    ("team", "change", "who"),
    [
        (RED, MemberChange("ann", None, "user", belongs=True), {"root", *ORG_ADMINS, "captain"}),
        (RED, MemberChange("ann", "user", None, belongs=True), {"root", *ORG_ADMINS, "captain"}),
        (RED, MemberChange("ann", None, "admin", belongs=True), {"root", *ORG_ADMINS}),
        (RED, MemberChange("ann", "admin", None, belongs=True), {"root", *ORG_ADMINS}),
        (RED, MemberChange("ann", "user", "admin", belongs=True), {"root", *ORG_ADMINS}),
        (RED, MemberChange("ann", None, "user", belongs=False), {"root"}),
        (
            RED,
            MemberChange("ann", "user", None, belongs=True, changes_limits=True),
            {"root", *ORG_ADMINS},
        ),
        (RED, MemberChange("org", "user", None, belongs=True, changes_limits=True), {"root"}),
        (LONE, MemberChange("ann", None, "user", belongs=True), {"root", "captain"}),
        (LONE, MemberChange("captain", "admin", None, belongs=True, changes_limits=True), {"root"}),
        (
            RED,
            MemberChange("ann", "user", None, belongs=True, changes_limits=True, named_budget=True),
            {"root"},
        ),
        (
            RED,
            MemberChange("ann", "user", "user", belongs=True, named_budget=True),
            {"root", *ORG_ADMINS, "captain"},
        ),
        (BLUE, MemberChange("ann", None, "user", belongs=True), {"root"}),
        (None, MemberChange("ann", None, "user", belongs=True), {"root"}),
    ],
)
def test_who_changes_members(team: TeamPlace | None, change: MemberChange, who: set[str]) -> None:
    assert allowed_to(check_changes_member, team, change) == who


def of(**organizations: Role) -> Person:
    return Person(organizations=organizations)


@pytest.mark.parametrize(
    ("organization", "person", "after", "who"),
    [
        ("acme", NEWCOMER, Role.INTERNAL_USER, {"root", *ORG_ADMINS}),
        ("acme", NEWCOMER, Role.ORG_ADMIN, {"root"}),
        ("acme", None, Role.INTERNAL_USER, {"root"}),
        ("acme", of(other=Role.INTERNAL_USER), Role.INTERNAL_USER, {"root"}),
        ("acme", Person(Role.PROXY_ADMIN), Role.INTERNAL_USER, {"root"}),
        ("acme", Person(Role.PROXY_ADMIN_VIEWER), Role.INTERNAL_USER, {"root"}),
        ("acme", Person(Role.PROXY_ADMIN, {"acme": Role.INTERNAL_USER}), None, {"root"}),
        ("acme", Person(team_organizations=frozenset({None})), Role.INTERNAL_USER, {"root"}),
        ("acme", Person(team_organizations=frozenset({"other"})), Role.INTERNAL_USER, {"root"}),
        (
            *("acme", Person(team_organizations=frozenset({"acme"})), Role.INTERNAL_USER),
            {"root", *ORG_ADMINS},
        ),
        ("acme", of(acme=Role.INTERNAL_USER), None, {"root", *ORG_ADMINS}),
        ("acme", of(acme=Role.INTERNAL_USER, other=Role.ORG_ADMIN), None, {"root", *ORG_ADMINS}),
        ("acme", of(acme=Role.INTERNAL_USER), Role.ORG_ADMIN, {"root"}),
        ("acme", of(acme=Role.ORG_ADMIN), Role.INTERNAL_USER, {"root"}),
        ("acme", of(acme=Role.ORG_ADMIN), None, {"root"}),
        ("other", NEWCOMER, Role.INTERNAL_USER, {"root"}),
    ],
)
def test_who_changes_who_is_in_an_organization(
    organization: str, person: Person | None, after: Role | None, who: set[str]
) -> None:
    assert allowed_to(check_changes_organization_member, organization, person, after) == who
