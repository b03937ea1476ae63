import pytest
from msgspec.structs import replace

from gatepass.rbac.authorize import (
    binding_rules,
    check_models,
    check_route,
    check_standing,
    effective_role,
)
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS, NO_MODELS, compile_models
from gatepass.rbac.principals import EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role
from support.callers import NOBODY, SOMEBODY, authorize, permission, profile

GPT = compile_models(["gpt-*"])
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
        check_standing(principals)
    assert denied.value.fault is fault


@pytest.mark.parametrize("principals", [STANDING, Principals()])
def test_rows_in_good_standing_pass(principals: Principals) -> None:
    check_standing(principals)


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
    assert effective_role(identity, rows) is role


@pytest.mark.parametrize(
    "identity",
    [
        replace(NOBODY, teams=("t1", "t2")),
        replace(NOBODY, team="t"),
        replace(SOMEBODY, team="t", role=Role.TEAM),
    ],
)
def test_sec_39_a_machine_whose_teams_are_not_stored_has_no_role(identity: Identity) -> None:
    with pytest.raises(AccessDenied) as denied:
        effective_role(
            identity, Principals(User("u", ALL_MODELS)) if identity.role else Principals()
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
    ],
)
def test_sec_39_a_token_that_names_nobody_has_no_role(identity: Identity) -> None:
    with pytest.raises(AccessDenied) as denied:
        effective_role(identity, Principals())
    assert denied.value.fault is AccessFault.NO_IDENTITY


RULES = profile(
    {
        Role.INTERNAL_USER: permission("/v1/chat/completions", "GET /v1/models", models=GPT),
        Role.TEAM: permission("openai_routes"),
        Role.ORG_ADMIN: permission(),
    }
)


def test_a_listed_route_gives_the_permission_of_the_role() -> None:
    for role, found in RULES.permissions.items():
        if role is not Role.ORG_ADMIN:
            assert check_route(RULES, role, "POST", "/v1/chat/completions") is found


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        (Role.INTERNAL_USER, "POST", "/key/generate"),
        (Role.INTERNAL_USER, "POST", "/v1/embeddings"),
        (Role.INTERNAL_USER, "POST", "/v1/models"),
        (Role.INTERNAL_USER, "OPTIONS", "/v1/models"),
        (Role.TEAM, "POST", "/key/generate"),
        (Role.TEAM, "POST", "/v1/a_route_of_tomorrow"),
        (Role.ORG_ADMIN, "POST", "/v1/chat/completions"),
        (Role.PROXY_ADMIN, "POST", "/v1/chat/completions"),
        (Role.PROXY_ADMIN_VIEWER, "GET", "/v1/models"),
        (Role.INTERNAL_USER_VIEWER, "POST", "/v1/chat/completions"),
        (Role.END_USER, "GET", "/"),
    ],
)
def test_sec_39_what_is_not_listed_is_denied(role: Role, method: str, path: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_route(RULES, role, method, path)
    assert denied.value.fault is AccessFault.ROUTE_DENIED


@pytest.mark.parametrize("role", Role)
def test_sec_39_a_profile_without_permissions_denies_every_role(role: Role) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_route(profile({}), role, "GET", "/v1/models")
    assert denied.value.fault is AccessFault.ROUTE_DENIED


@pytest.mark.parametrize(
    "principals",
    [
        STANDING,
        Principals(),
        replace(STANDING, user=User("u", NO_MODELS)),
        replace(STANDING, team=None),
        replace(STANDING, team=Team("t", GPT), organization=Organization("o", GPT)),
    ],
    ids=["all", "no rows", "the team's rule binds, not the user's", "no team", "narrow"],
)
def test_models_that_every_rule_admits_pass(principals: Principals) -> None:
    check_models(permission(models=GPT), binding_rules(principals), ["gpt-4o", "gpt-4o-mini"])


@pytest.mark.parametrize(
    "principals",
    [
        replace(STANDING, team=Team("t", NO_MODELS)),
        replace(STANDING, team=Team("t", compile_models(["gpt-4o"]))),
        replace(STANDING, team=None, user=User("u", NO_MODELS)),
        Principals(user=User("u", compile_models(["gpt-4o-mini"]))),
        replace(STANDING, organization=Organization("o", NO_MODELS)),
        Principals(organization=Organization("o", NO_MODELS)),
        replace(STANDING, end_user=EndUser("e", NO_MODELS)),
        Principals(end_user=EndUser("e", NO_MODELS)),
    ],
)
def test_sec_57_every_rule_above_the_caller_binds(principals: Principals) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_models(permission(models=GPT), binding_rules(principals), ["gpt-4o", "gpt-4o-mini"])
    assert denied.value.fault is AccessFault.MODEL_DENIED


@pytest.mark.parametrize("models", [["o1"], ["gpt-4o", "o1"], ["o1", "gpt-4o"], ["GPT-4O"], [""]])
def test_sec_57_the_rule_of_the_role_binds_every_model_that_is_named(models: list[str]) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_models(permission(models=GPT), binding_rules(STANDING), models)
    assert denied.value.fault is AccessFault.MODEL_DENIED


def test_a_call_that_names_no_model_breaks_no_model_rule() -> None:
    nothing = Principals(User("u", NO_MODELS), Team("t", NO_MODELS))
    check_models(permission(models=NO_MODELS), binding_rules(nothing), [])


def test_all_checks_together_return_the_role() -> None:
    role = authorize(RULES, SOMEBODY, STANDING, "POST", "/v1/chat/completions", ["gpt-4o"])
    assert role is Role.INTERNAL_USER


def test_the_order_of_the_checks_decides_what_is_said() -> None:
    path, model = "/key/generate", ["o1"]
    faults = []
    for identity, principals, route in (
        (NOBODY, BLOCKED, path),
        (NOBODY, Principals(), path),
        (SOMEBODY, STANDING, path),
        (SOMEBODY, STANDING, "/v1/chat/completions"),
    ):
        with pytest.raises(AccessDenied) as denied:
            authorize(RULES, identity, principals, "POST", route, model)
        faults.append(denied.value.fault)
    assert faults == [
        AccessFault.TEAM_BLOCKED,
        AccessFault.NO_IDENTITY,
        AccessFault.ROUTE_DENIED,
        AccessFault.MODEL_DENIED,
    ]


def test_the_role_of_the_stored_row_counts_in_the_whole() -> None:
    rows = replace(STANDING, user=VIEWER)
    with pytest.raises(AccessDenied) as denied:
        authorize(RULES, SOMEBODY, rows, "POST", "/v1/chat/completions", ["gpt-4o"])
    assert denied.value.fault is AccessFault.ROUTE_DENIED
