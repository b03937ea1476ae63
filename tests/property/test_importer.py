"""Whatever somebody's configuration holds: it is refused by name, or what comes out loads."""

import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gatepass.plugin.importers.litellm import import_litellm
from gatepass.plugin.importers.litellm_claims import CLAIM_KEYS
from gatepass.plugin.importers.litellm_keys import CHANGED, ELSEWHERE, LIMITS, MANUAL
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import compile_routes
from support.litellm import ENVIRON, imported, settings_of

JWT_KEYS = (
    *CLAIM_KEYS,
    *ELSEWHERE,
    *("admin_jwt_scope", "admin_allowed_routes", "team_allowed_routes", "issuers", "enforce_rbac"),
    *("role_mappings", "jwt_litellm_role_map", "sync_user_role_and_teams", "scope_mappings"),
    *("enforce_scope_based_access", "user_roles_jwt_field", "user_allowed_roles"),
    *("team_id_default", "team_id_upsert", "team_claim_fallback", "fallback_to_db_teams"),
    *("enforce_team_based_model_access", "user_allowed_email_domain", "user_id_upsert"),
    *("public_key_ttl", "public_key_stale_ttl", "unheard_of"),
)
GENERAL_KEYS = (
    *MANUAL,
    *CHANGED,
    *("role_permissions", "enforce_user_param", "enforce_rbac", "apply_user_budget_to_team_keys"),
)
SERVICE_KEYS = (
    *LIMITS,
    *("default_internal_user_params", "default_team_params", "model_alias_map"),
    *("max_internal_user_budget", "internal_user_budget_duration"),
)
INNER_KEYS = (
    *("issuer", "audience", "jwks_url", "role", "internal_role", "jwt_role", "litellm_role"),
    *("scope", "models", "routes", "max_budget", "budget_duration", "user_role", "teams"),
)
words = st.sampled_from(
    (
        *("sub", "a.b", "a..b", "*", "team", "internal_user", "proxy_admin", "/v1/x", "/x/*"),
        *("30d", "openai_routes", "os.environ/NO", "${HOME}", "gpt-*", "https://a.example"),
        "corp.example",
    )
)
scalars = words | st.booleans() | st.integers() | st.floats() | st.none() | st.text(max_size=20)
values = scalars | st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(INNER_KEYS), inner, max_size=4)
    ),
    max_leaves=6,
)


def section(keys: tuple[str, ...], size: int) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(st.sampled_from(keys), values, max_size=size)


@settings(max_examples=150, deadline=None)
@given(section(JWT_KEYS, 6), section(GENERAL_KEYS, 3), section(SERVICE_KEYS, 3))
def test_it_is_refused_by_name_or_loads(
    jwt: dict[str, object], general: dict[str, object], service: dict[str, object]
) -> None:
    document = {
        "general_settings": {"enable_jwt_auth": True, **general, "litellm_jwtauth": jwt},
        "litellm_settings": service,
    }
    found = import_litellm(yaml.safe_dump(document), ENVIRON)  # what comes out was loaded by it
    assert (found.text is None) is (found.status == 2)
    named = " ".join(verdict.key for verdict in found.verdicts)
    for key, value in [*jwt.items(), *general.items()]:
        assert value is None or value is False or value in ([], {}) or key in named, key


ROUTES = ("/v1/models", "/key/info", "/user/delete", "/v1/chat/completions", "/x/y", "/x/y/z")
asked_routes = st.lists(
    st.sampled_from((*ROUTE_GROUPS, *ROUTES, "/x/*", "/x/{y}", "GET /key/info", "*")), max_size=4
)


@settings(max_examples=100, deadline=None)
@given(asked_routes, st.sampled_from(("internal_user", "team", "internal_user_viewer")))
def test_sec_39_a_permission_opens_nothing_that_the_role_had_not(
    asked: list[str], role: str
) -> None:
    assume(asked)
    jwt = {"enforce_rbac": True, "user_id_jwt_field": "sub"}
    usual = settings_of(imported(jwt))["profiles"]["default"]["permissions"][role]["routes"]
    general = {"role_permissions": [{"role": role, "routes": asked}]}
    found = settings_of(imported(jwt, general))["profiles"]["default"]["permissions"][role]
    before, wanted = compile_routes(usual, ROUTE_GROUPS), compile_routes(asked, ROUTE_GROUPS)
    after = compile_routes(found["routes"], ROUTE_GROUPS)
    samples = [route.rpartition(" ")[2] for group in ROUTE_GROUPS.values() for route in group]
    for path in (*ROUTES, *(path for path in samples if "{" not in path and "*" not in path)):
        for method in ("GET", "POST", "DELETE"):
            if after.allows(method, path):
                assert before.allows(method, path)
                assert wanted.allows(method, path)
            elif before.allows(method, path):
                assert not wanted.allows(method, path)
