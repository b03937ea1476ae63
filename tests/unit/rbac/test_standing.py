from dataclasses import replace as replace_rules

import pytest
from msgspec.structs import replace

from gatepass.rbac.catalog import PLAIN_CATALOG, ModelCatalog
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS, compile_models
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.scopes import NO_SCOPE_RULES, ScopeGrants
from gatepass.rbac.standing import Standing, check_blocked, effective_role, standing_of
from gatepass.rbac.teams import NO_TEAM_RULES, TeamRules
from support.callers import NOBODY, SOMEBODY

BLOCKED = Principals(
    user=User("u", ALL_MODELS, blocked=True),
    team=Team("t", ALL_MODELS, blocked=True),
    organization=Organization("o", ALL_MODELS, blocked=True),
    end_user=EndUser("e", ALL_MODELS, blocked=True),
)
STANDING = Principals(
    user=User("u", ALL_MODELS),
    team=Team("t", ALL_MODELS),
    organization=Organization("o", ALL_MODELS),
    end_user=EndUser("e", ALL_MODELS),
)


@pytest.mark.parametrize(
    ("principals", "fault"),
    [
        (BLOCKED, AccessFault.TEAM_BLOCKED),
        (replace(BLOCKED, team=STANDING.team), AccessFault.USER_BLOCKED),
        (replace(BLOCKED, team=None), AccessFault.USER_BLOCKED),
        (replace(BLOCKED, team=None, user=None), AccessFault.ORGANIZATION_BLOCKED),
        (replace(STANDING, organization=BLOCKED.organization), AccessFault.ORGANIZATION_BLOCKED),
        (replace(STANDING, end_user=BLOCKED.end_user), AccessFault.END_USER_BLOCKED),
        (Principals(end_user=BLOCKED.end_user), AccessFault.END_USER_BLOCKED),
    ],
)
def test_any_blocked_row_refuses_and_the_order_decides_what_is_said(
    principals: Principals, fault: AccessFault
) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_blocked(principals)
    assert denied.value.fault is fault


@pytest.mark.parametrize("principals", [STANDING, Principals()])
def test_rows_in_good_standing_pass(principals: Principals) -> None:
    check_blocked(principals)


TEAM = Team("t", ALL_MODELS)
VIEWER = User("u", ALL_MODELS, role=Role.INTERNAL_USER_VIEWER)


@pytest.mark.parametrize(
    ("identity", "rows", "role"),
    [
        (replace(SOMEBODY, role=Role.ORG_ADMIN), Principals(VIEWER), Role.ORG_ADMIN),
        (replace(NOBODY, role=Role.PROXY_ADMIN), Principals(), Role.PROXY_ADMIN),
        (replace(NOBODY, role=Role.TEAM), Principals(team=TEAM), Role.TEAM),
        (SOMEBODY, Principals(VIEWER), Role.INTERNAL_USER_VIEWER),
        (NOBODY, Principals(VIEWER), Role.INTERNAL_USER_VIEWER),
        (replace(NOBODY, team="t"), Principals(VIEWER, TEAM), Role.INTERNAL_USER_VIEWER),
        (SOMEBODY, Principals(User("u", ALL_MODELS)), Role.INTERNAL_USER),
        (NOBODY, Principals(User("u", ALL_MODELS)), Role.INTERNAL_USER),
        (SOMEBODY, Principals(), Role.INTERNAL_USER),
        (replace(SOMEBODY, team="t"), Principals(team=TEAM), Role.INTERNAL_USER),
        (replace(NOBODY, team="t"), Principals(team=TEAM), Role.TEAM),
        (replace(NOBODY, teams=("t1", "t")), Principals(team=TEAM), Role.TEAM),
    ],
)
def test_the_role_that_counts(identity: Identity, rows: Principals, role: Role) -> None:
    assert effective_role(RoleRules(), identity, rows) is role


@pytest.mark.parametrize(
    "identity",
    [
        replace(NOBODY, teams=("t1", "t2")),
        replace(NOBODY, team="t"),
        replace(NOBODY, team_alias="T"),
        replace(NOBODY, team="t", role=Role.INTERNAL_USER),
        replace(SOMEBODY, team="t", role=Role.TEAM),
    ],
)
def test_sec_39_a_machine_whose_teams_are_not_stored_has_no_role(identity: Identity) -> None:
    with pytest.raises(AccessDenied) as denied:
        effective_role(
            RoleRules(),
            identity,
            Principals(User("u", ALL_MODELS)) if identity.user_id else Principals(),
        )
    assert denied.value.fault is AccessFault.TEAM_UNKNOWN


@pytest.mark.parametrize(
    "identity",
    [
        NOBODY,
        replace(NOBODY, email="ann@corp.example", email_verified=True),
        replace(NOBODY, organization="o", end_user="e"),
        replace(NOBODY, roles=("proxy_admin",), scopes=frozenset({"proxy_admin"})),
        replace(NOBODY, role=Role.TEAM),
        replace(NOBODY, role=Role.INTERNAL_USER),
        replace(NOBODY, role=Role.ORG_ADMIN),
        replace(NOBODY, role=Role.END_USER, end_user="e"),
    ],
)
def test_sec_39_a_token_that_names_nobody_has_no_role(identity: Identity) -> None:
    with pytest.raises(AccessDenied) as denied:
        effective_role(RoleRules(), identity, Principals())
    assert denied.value.fault is AccessFault.NO_IDENTITY


@pytest.mark.parametrize(
    "identity",
    [
        NOBODY,
        replace(NOBODY, organization="o", end_user="e", email="ann@corp.example"),
        replace(NOBODY, role=Role.INTERNAL_USER),
        replace(NOBODY, role=Role.END_USER, end_user="e"),
    ],
)
def test_sec_39_the_default_team_is_not_for_a_token_that_names_nobody(identity: Identity) -> None:
    with pytest.raises(AccessDenied) as denied:
        effective_role(RoleRules(), identity, Principals(team=TEAM))
    assert denied.value.fault is AccessFault.NO_IDENTITY
    said = replace(NOBODY, role=Role.TEAM)
    assert effective_role(RoleRules(), said, Principals(team=TEAM)) is Role.TEAM


DEVELOPERS = RoleRules(allowed=frozenset({"dev", "ops"}))


@pytest.mark.parametrize(
    ("rules", "identity", "rows", "role"),
    [
        (DEVELOPERS, replace(SOMEBODY, roles=("a", "dev")), Principals(), Role.INTERNAL_USER),
        (DEVELOPERS, replace(SOMEBODY, roles=("dev",)), Principals(VIEWER), VIEWER.role),
        (DEVELOPERS, replace(SOMEBODY, roles=("a",)), Principals(VIEWER), None),
        (DEVELOPERS, replace(SOMEBODY, roles=("a", "de", "Dev", "devops")), Principals(), None),
        (DEVELOPERS, SOMEBODY, Principals(), None),
        (DEVELOPERS, SOMEBODY, Principals(team=TEAM), None),
        (DEVELOPERS, NOBODY, Principals(User("u", ALL_MODELS)), None),
        (DEVELOPERS, replace(SOMEBODY, role=Role.ORG_ADMIN), Principals(), Role.ORG_ADMIN),
        (DEVELOPERS, replace(NOBODY, team="t"), Principals(team=TEAM), Role.TEAM),
        (RoleRules(required=True), SOMEBODY, Principals(), None),
        (RoleRules(required=True), replace(NOBODY, team="t"), Principals(team=TEAM), None),
        (RoleRules(required=True), SOMEBODY, Principals(VIEWER), VIEWER.role),
        (RoleRules(required=True), SOMEBODY, Principals(User("u", ALL_MODELS)), None),
        (
            RoleRules(required=True),
            replace(SOMEBODY, role=Role.END_USER),
            Principals(),
            Role.END_USER,
        ),
        (RoleRules(allowed=frozenset()), SOMEBODY, Principals(), None),
        (RoleRules(allowed=frozenset()), replace(SOMEBODY, roles=("dev",)), Principals(), None),
        (
            RoleRules(allowed=frozenset()),
            replace(NOBODY, team="t"),
            Principals(team=TEAM),
            Role.TEAM,
        ),
        (RoleRules(required=True), replace(SOMEBODY, roles=("ops",)), Principals(), None),
        (
            replace_rules(DEVELOPERS, required=True),
            replace(SOMEBODY, roles=("ops",)),
            Principals(),
            Role.INTERNAL_USER,
        ),
        (
            replace_rules(DEVELOPERS, required=True),
            replace(NOBODY, team="t", roles=("ops",)),
            Principals(team=TEAM),
            None,
        ),
    ],
)
def test_sec_39_roles_that_are_needed_and_roles_that_are_allowed(
    rules: RoleRules, identity: Identity, rows: Principals, role: Role | None
) -> None:
    if role is not None:
        assert effective_role(rules, identity, rows) is role
        return
    with pytest.raises(AccessDenied) as denied:
        effective_role(rules, identity, rows)
    assert denied.value.fault is AccessFault.NO_ROLE


def stand(  # noqa: PLR0913 - what a standing depends on
    identity: Identity,
    rows: Principals,
    *,
    catalog: ModelCatalog = PLAIN_CATALOG,
    scopes: ScopeGrants = NO_SCOPE_RULES,
    email_domains: frozenset[str] | None = None,
    teams: TeamRules = NO_TEAM_RULES,
) -> Standing:
    policy = Policy(
        {},
        {},
        RoleRules(),
        catalog=catalog,
        scopes=scopes,
        email_domains=email_domains,
        teams=teams,
    )
    return standing_of(policy, identity, rows)


def test_sec_39_who_is_blocked_or_nobody_has_no_standing() -> None:
    for identity, rows in ((SOMEBODY, BLOCKED), (NOBODY, Principals())):
        with pytest.raises(AccessDenied):
            stand(identity, rows)


def test_what_a_standing_says() -> None:
    rows = replace(
        STANDING,
        user=User("u", ALL_MODELS, organizations={"o": Role.ORG_ADMIN}),
        team=Team("t", compile_models(["a"]), model_aliases={"x": "b"}, may_modify_guardrails=True),
    )
    found = stand(SOMEBODY, rows, catalog=ModelCatalog(aliases={"y": "c"}))
    assert found.role is Role.INTERNAL_USER
    assert [rule.listed for rule in found.rules] == [("a", "b")]
    assert found.aliases == {"x": "b", "y": "c"}
    assert found.may_modify_guardrails is True
    assert found.organizations == {"o": Role.ORG_ADMIN}
    assert found.late is None
    assert found.model_decides


def test_a_caller_without_team_and_rows_has_nothing_but_a_role() -> None:
    found = stand(SOMEBODY, Principals(), catalog=ModelCatalog(aliases={"y": "c"}))
    assert (found.rules, found.aliases, found.organizations) == ((), {"y": "c"}, {})
    assert found.may_modify_guardrails is None
    assert not found.model_decides


def test_sec_39_a_team_that_says_nothing_may_not_change_guardrails() -> None:
    assert stand(SOMEBODY, Principals(team=TEAM)).may_modify_guardrails is False


@pytest.mark.parametrize("role", list(Role))
def test_sec_39_a_team_is_there_where_one_is_required(role: Role) -> None:
    identity, needed = replace(SOMEBODY, role=role), TeamRules(required=True)
    is_admin = role in {Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER}
    with_team = stand(identity, Principals(team=TEAM), teams=needed)
    assert with_team.team_pays is not is_admin
    if is_admin:
        assert not stand(identity, Principals(), teams=needed).team_pays
        return
    with pytest.raises(AccessDenied) as denied:
        stand(identity, Principals(), teams=needed)
    missing = AccessFault.NO_IDENTITY if role is Role.TEAM else AccessFault.TEAM_MISSING
    assert denied.value.fault is missing
    if role is not Role.TEAM:
        assert not stand(identity, Principals()).team_pays


def test_scopes_that_must_grant_models_make_the_model_decide() -> None:
    grants = ScopeGrants(enforce_models=True)
    assert stand(SOMEBODY, Principals(), scopes=grants).model_decides
    assert not stand(SOMEBODY, Principals(), scopes=ScopeGrants(enforce_routes=True)).model_decides


MACHINE = replace(NOBODY, team="t")


@pytest.mark.parametrize(
    ("identity", "rows"),
    [
        (SOMEBODY, Principals()),
        (replace(SOMEBODY, email="ann@mail.corp.example"), Principals()),
        (replace(SOMEBODY, email="ann@corp.example.evil.example"), Principals()),
        (replace(SOMEBODY, email="ann@evilcorp.example"), Principals()),
        (replace(NOBODY, role=Role.PROXY_ADMIN), Principals()),
        (replace(NOBODY, role=Role.PROXY_ADMIN, email="ann@evil.example"), Principals()),
        (NOBODY, Principals(User("u", ALL_MODELS))),
        (replace(SOMEBODY, role=Role.TEAM), Principals(team=TEAM)),
        (replace(MACHINE, role=Role.TEAM), Principals(User("u", ALL_MODELS), TEAM)),
        (replace(MACHINE, email="bot@evil.example"), Principals(team=TEAM)),
    ],
)
def test_sec_52_a_person_of_no_accepted_domain_is_refused_late(
    identity: Identity, rows: Principals
) -> None:
    found = stand(identity, rows, email_domains=frozenset({"corp.example"}))
    assert found.late is AccessFault.EMAIL_DOMAIN_DENIED
    assert stand(identity, rows, email_domains=frozenset()).late is found.late
    assert stand(identity, rows).late is None


@pytest.mark.parametrize(
    ("identity", "rows"),
    [
        (replace(SOMEBODY, email="ann@corp.example"), Principals()),
        (replace(SOMEBODY, email="ann@corp.example", email_verified=True), Principals()),
        (MACHINE, Principals(team=TEAM)),
    ],
)
def test_an_accepted_domain_and_a_machine_without_an_address_pass(
    identity: Identity, rows: Principals
) -> None:
    assert stand(identity, rows, email_domains=frozenset({"corp.example"})).late is None
