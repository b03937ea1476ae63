"""THE order of the checks, and each check by itself."""

from dataclasses import replace as replace_profile

import pytest
from msgspec.structs import replace

from gatepass.rbac.checks import Call, check_call, check_models, check_route
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import ALL_MODELS, NO_MODELS, ModelRule, compile_models
from gatepass.rbac.organizations import OrganizationUse
from gatepass.rbac.policy import Profile
from gatepass.rbac.principals import EndUser, Organization, Principals, Team, User
from gatepass.rbac.roles import Role
from gatepass.rbac.routes import NO_ROUTES, compile_routes
from gatepass.rbac.scopes import NO_SCOPE_RULES, ScopeGrants, ScopeMapping
from gatepass.rbac.standing import Standing
from support.callers import NOBODY, SOMEBODY, authorize, permission, profile

CHAT = "/v1/chat/completions"
GPT = compile_models(["gpt-*"])
STANDING = Principals(
    user=User("u", ALL_MODELS),
    team=Team("t", ALL_MODELS),
    organization=Organization("o", ALL_MODELS),
    end_user=EndUser("e", ALL_MODELS),
)
BLOCKED = replace(STANDING, team=Team("t", ALL_MODELS, blocked=True))
VIEWER = User("u", ALL_MODELS, role=Role.INTERNAL_USER_VIEWER)


def standing(
    role: Role = Role.INTERNAL_USER,
    *rules: ModelRule,
    scopes: ScopeGrants = NO_SCOPE_RULES,
    may_modify_guardrails: bool | None = None,
    late: AccessFault | None = None,
) -> Standing:
    return Standing(role, rules, scopes, {}, may_modify_guardrails, {}, late)


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
            assert check_route(RULES, standing(role), "POST", CHAT) is found


def test_sec_39_the_admin_scope_opens_only_its_routes_and_binds_no_other_admin() -> None:
    rules = replace_profile(
        profile({Role.PROXY_ADMIN: permission("*")}),
        admin_scope_routes=compile_routes(["/key/generate"], {}),
    )
    by_row = standing(Role.PROXY_ADMIN)
    by_scope = replace(by_row, by_admin_scope=True)
    for who, path in ((by_row, CHAT), (by_row, "/key/generate"), (by_scope, "/key/generate")):
        assert check_route(rules, who, "POST", path)
    with pytest.raises(AccessDenied) as denied:
        check_route(rules, by_scope, "POST", CHAT)
    assert denied.value.fault is AccessFault.ROUTE_DENIED


def test_sec_39_a_team_pays_only_for_its_routes_whatever_the_role_may() -> None:
    routes = compile_routes(["/v1/chat/completions"], {})
    bound = replace_profile(RULES, team_routes=routes)
    paying = replace(standing(), team_pays=True)
    assert check_route(bound, paying, "POST", CHAT)
    for who, rules in ((standing(), bound), (paying, RULES)):
        assert check_route(rules, who, "GET", "/v1/models")
    for rules in (bound, replace_profile(RULES, team_routes=NO_ROUTES)):
        with pytest.raises(AccessDenied) as denied:
            check_route(rules, paying, "GET", "/v1/models")
        assert denied.value.fault is AccessFault.ROUTE_DENIED


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
        check_route(RULES, standing(role), method, path)
    assert denied.value.fault is AccessFault.ROUTE_DENIED


@pytest.mark.parametrize("role", Role)
def test_sec_39_a_profile_without_permissions_denies_every_role(role: Role) -> None:
    with pytest.raises(AccessDenied) as denied:
        check_route(profile({}), standing(role), "GET", "/v1/models")
    assert denied.value.fault is AccessFault.ROUTE_DENIED


ROUTE_SCOPES = ScopeGrants(
    enforce_routes=True, mappings=(ScopeMapping("s", NO_MODELS, compile_routes([CHAT], {})),)
)
MODEL_SCOPES = ScopeGrants(
    enforce_models=True,
    mappings=(ScopeMapping("s", compile_models(["gpt-4o"]), compile_routes([], {})),),
)


def test_sec_39_a_route_that_no_scope_grants_is_denied_after_the_roles_own() -> None:
    who = standing(scopes=ROUTE_SCOPES)
    assert check_route(RULES, who, "POST", CHAT)
    faults = []
    for method, path in (("GET", "/v1/models"), ("POST", "/key/generate")):
        with pytest.raises(AccessDenied) as denied:
            check_route(RULES, who, method, path)
        faults.append(denied.value.fault)
    assert faults == [AccessFault.SCOPE_DENIED, AccessFault.ROUTE_DENIED]


def model_fault(who: Standing, *models: str, role_rule: ModelRule = GPT) -> AccessFault | None:
    try:
        check_models(permission(models=role_rule), who, "POST", CHAT, models)
    except AccessDenied as denied:
        return denied.fault
    return None


def test_models_that_every_list_admits_pass() -> None:
    assert model_fault(standing(), "gpt-4o", "gpt-4o-mini") is None
    assert model_fault(standing(Role.TEAM, GPT, compile_models(["*"])), "gpt-4o") is None
    assert model_fault(standing(scopes=MODEL_SCOPES), "gpt-4o") is None


def test_a_call_that_names_no_model_breaks_no_model_rule() -> None:
    who = standing(Role.TEAM, NO_MODELS, scopes=ScopeGrants(enforce_models=True))
    assert model_fault(who, role_rule=NO_MODELS) is None


@pytest.mark.parametrize("models", [["o1"], ["gpt-4o", "o1"], ["o1", "gpt-4o"], ["GPT-4O"], [""]])
def test_sec_57_58_the_list_of_the_role_binds_every_model_that_is_named(models: list[str]) -> None:
    assert model_fault(standing(), *models) is AccessFault.MODEL_DENIED


@pytest.mark.parametrize("models", [["gpt-4o-mini"], ["gpt-4o", "gpt-4o-mini"]])
def test_sec_57_58_every_other_list_binds_every_model_too(models: list[str]) -> None:
    narrow = compile_models(["gpt-4o"])
    for rules in ([narrow], [GPT, narrow], [narrow, GPT], [NO_MODELS]):
        assert model_fault(standing(Role.TEAM, *rules), *models) is AccessFault.MODEL_DENIED
    assert model_fault(standing(scopes=MODEL_SCOPES), *models) is AccessFault.SCOPE_DENIED


def test_of_several_lists_the_roles_is_named_before_the_scopes() -> None:
    who = standing(Role.INTERNAL_USER, NO_MODELS, scopes=MODEL_SCOPES)
    assert model_fault(who, "o1") is AccessFault.MODEL_DENIED
    assert model_fault(who, "gpt-5") is AccessFault.SCOPE_DENIED
    assert model_fault(who, "gpt-4o") is AccessFault.MODEL_DENIED


USER_REQUIRED = profile({}, require_user_parameter=True)
GUARDRAILS = profile({}, allow_guardrail_changes=True)
GOOD = Call()


def call_fault(rules: Profile, who: Standing, call: Call) -> AccessFault | None:
    try:
        check_call(rules, who, call)
    except AccessDenied as denied:
        return denied.fault
    return None


def test_a_good_call_passes_every_check() -> None:
    assert call_fault(USER_REQUIRED, standing(), GOOD) is None


def test_a_user_is_asked_for_where_the_profile_requires_one() -> None:
    nameless = replace(GOOD, lacks_user=True)
    assert call_fault(profile({}), standing(), nameless) is None
    assert call_fault(USER_REQUIRED, standing(), nameless) is AccessFault.USER_PARAMETER_MISSING


@pytest.mark.parametrize(
    ("rules", "said", "allowed"),
    [
        (profile({}), None, False),
        (profile({}), False, False),
        (profile({}), True, True),
        (GUARDRAILS, None, True),
        (GUARDRAILS, False, False),
        (GUARDRAILS, True, True),
    ],
)
def test_sec_39_guardrails_are_changed_by_who_may_alone(
    rules: Profile, *, said: bool | None, allowed: bool
) -> None:
    changing = replace(GOOD, changes_guardrails=True)
    fault = call_fault(rules, standing(may_modify_guardrails=said), changing)
    assert fault is (None if allowed else AccessFault.GUARDRAILS_DENIED)


@pytest.mark.parametrize("late", [AccessFault.EMAIL_DOMAIN_DENIED, AccessFault.CUSTOM_CHECK_DENIED])
def test_what_refuses_the_caller_late_refuses_every_call(late: AccessFault) -> None:
    assert call_fault(profile({}), standing(late=late), GOOD) is late


def test_the_order_after_the_models() -> None:
    who = standing(late=AccessFault.EMAIL_DOMAIN_DENIED)
    wrong = {"lacks_user": True, "changes_guardrails": True}
    calls = [replace(GOOD, organization_use=OrganizationUse.MAKES_ONE, **wrong)]
    calls.append(replace(calls[-1], lacks_user=False))
    calls.append(replace(calls[-1], changes_guardrails=False))
    calls.append(replace(calls[-1], organization_use=OrganizationUse.NONE))
    assert [call_fault(USER_REQUIRED, who, call) for call in calls] == [
        AccessFault.USER_PARAMETER_MISSING,
        AccessFault.GUARDRAILS_DENIED,
        AccessFault.ORGANIZATION_DENIED,
        AccessFault.EMAIL_DOMAIN_DENIED,
    ]


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
