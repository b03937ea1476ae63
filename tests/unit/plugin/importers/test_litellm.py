"""What each key of LiteLLM becomes here, and what is said about it."""

from typing import Any

import pytest
import yaml

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.importers.litellm import import_litellm
from support.litellm import ENVIRON, imported, manual_keys, settings_of, verdict_of

MAPPINGS = [{"role": "llm.user", "internal_role": "internal_user"}]
SCOPES = [{"scope": "llm.mini", "models": ["gpt-4o-mini"]}]
GUARDED = "(handlers check whose key, team or user it is)"
ADDRESSES = "(an address names whoever has no user id)"


def test_the_smallest_configuration_loads_and_leaves_only_routes_to_a_person() -> None:
    found = imported({"user_id_jwt_field": "sub"})
    assert manual_keys(found) == [GUARDED]
    assert found.status == 1
    settings = settings_of(found)
    assert settings["issuers"] == [
        {
            "issuer": "https://idp.example",
            "audience": ["llm-gw"],
            "jwks_uri": "https://idp.example/jwks",
            "algorithms": settings["issuers"][0]["algorithms"],
            "leeway": "0s",
            "claims": {"user": ["sub"], "email": [], "roles": [], "scopes": ["scope", "scp"]},
            "numbers_as_ids": ["user"],
        }
    ]
    assert len(settings["issuers"][0]["algorithms"]) == 10
    assert settings["roles"]["admin_scope"] == "litellm_proxy_admin"
    assert settings["teams"]["header"] == "x-litellm-team-id"


def test_sec_40_no_role_gets_self_managed_routes() -> None:
    permissions = settings_of(imported())["profiles"]["default"]["permissions"]
    assert permissions.keys() == {
        *("proxy_admin", "proxy_admin_viewer", "org_admin", "team"),
        *("internal_user", "internal_user_viewer"),
    }
    for role, permission in permissions.items():
        assert "self_managed_routes" not in permission["routes"]
        assert ("*" in permission["routes"]) == (role == "proxy_admin")
    assert "models" not in permissions["internal_user_viewer"]


@pytest.mark.parametrize(
    ("jwt", "environ", "key"),
    [
        ({}, {}, "JWT_PUBLIC_KEY_URL"),
        ({}, {"JWT_PUBLIC_KEY_URL": "https://idp.example/jwks"}, "JWT_ISSUER"),
        ({}, {k: v for k, v in ENVIRON.items() if k != "JWT_AUDIENCE"}, "JWT_AUDIENCE"),
        ({"issuers": [{"issuer": "https://a.example"}]}, ENVIRON, "issuers[0].audience"),
        ({"issuers": [{"audience": "x"}]}, ENVIRON, "issuers[0].issuer"),
        (
            {
                "issuers": [
                    {
                        "issuer": "https://a.example",
                        "audience": "x",
                        "disable_audience_validation": True,
                    }
                ]
            },
            ENVIRON,
            "disable_audience_validation",
        ),
        ({"issuers": [{"isuer": "https://a.example"}]}, ENVIRON, "issuers[0].isuer"),
        ({"issuers": ["https://a.example"]}, ENVIRON, "issuers[0]"),
        ({"user_id_jwt_feld": "sub"}, ENVIRON, "user_id_jwt_feld"),
        ({"user_id_jwt_field": ["sub"]}, ENVIRON, "user_id_jwt_field"),
        ({"user_id_jwt_field": "os.environ/NOT_SET"}, ENVIRON, "user_id_jwt_field"),
        ({"user_id_upsert": "true"}, ENVIRON, "user_id_upsert"),
        ({"public_key_ttl": float("nan")}, ENVIRON, "public_key_ttl"),
        ({"public_key_ttl": "soon"}, ENVIRON, "public_key_ttl"),
        ({"public_key_ttl": True}, ENVIRON, "public_key_ttl"),
        ({"public_key_stale_ttl": -1}, ENVIRON, "public_key_stale_ttl"),
        ({"user_roles_jwt_field": "roles"}, ENVIRON, "user_allowed_roles"),
        ({"user_allowed_roles": ["dev"]}, ENVIRON, "user_allowed_roles"),
        ({"object_id_jwt_field": "oid"}, ENVIRON, "object_id_jwt_field"),
        ({"role_mappings": [{"role": "x"}]}, ENVIRON, "role_mappings[0].role"),
        (
            {"role_mappings": [{"role": "x", "internal_role": "emperor"}]},
            ENVIRON,
            "role_mappings[0].internal_role",
        ),
        *(
            (
                {"enforce_rbac": True, "role_mappings": [{"role": "x", "internal_role": role}]},
                ENVIRON,
                "role_mappings[0].internal_role",
            )
            for role in ("org_admin", "customer", "proxy_admin_viewer", "internal_user_viewer")
        ),
        ({"scope_mappings": SCOPES}, ENVIRON, "scope_mappings"),
        (
            {"enforce_scope_based_access": True, "scope_mappings": [{"models": ["m"]}]},
            ENVIRON,
            "scope_mappings[0].scope",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_refused_by_name_and_nothing_comes_out(
    jwt: dict[str, object], environ: dict[str, str], key: str
) -> None:
    found = imported(jwt, environ=environ)
    assert found.status == 2
    assert found.text is None
    assert verdict_of(found, key) == "refused"


def test_what_our_own_loader_refuses_is_refused_with_our_setting() -> None:
    found = imported({"user_id_jwt_field": "a..b"})
    assert found.text is None
    assert verdict_of(found, "issuers[0].claims.user[0]") == "refused"
    anybody = [{"jwt_role": "*", "litellm_role": "proxy_admin"}]
    broken = imported({"sync_user_role_and_teams": True, "jwt_litellm_role_map": anybody})
    assert verdict_of(broken, "roles.mappings[0].value") == "refused"
    nobody = imported({"custom_validate": "no_such_module.check"})
    assert verdict_of(nobody, "checks.custom") == "refused"


@pytest.mark.parametrize("text", ["- a", "a: [", "", "!!python/object:os.system {}"])
def test_a_text_that_is_no_configuration_is_a_sentence(text: str) -> None:
    with pytest.raises(ConfigurationError):
        import_litellm(text, ENVIRON)


def test_sec_60_no_verdict_repeats_a_value() -> None:
    found = imported(
        {"user_id_jwt_field": ["s3cret"], "team_allowed_routes": ["s3cret"], "s": "s3cret"},
        {"master_key": "s3cret", "allowed_ips": ["s3cret"]},
    )
    assert "s3cret" not in str(found.verdicts)


def test_issuers_are_an_allow_list_and_name_their_own_claims() -> None:
    listed = {
        "issuer": "https://b.example",
        "audience": ["gw2", "gw3"],
        "jwks_url": "https://b.example/keys",
        "user_id_jwt_field": "upn",
        "virtual_key_claim_field": "cid",
    }
    found = imported(
        {
            "user_id_jwt_field": "sub",
            "user_email_jwt_field": "email",
            "public_key_ttl": 60,
            "public_key_stale_ttl": 3600,
            "issuers": [
                listed,
                {"issuer": "https://c.example", "disable_audience_validation": True},
            ],
        }
    )
    own, other, third = settings_of(found)["issuers"]
    assert own["claims"]["user"] == ["sub"]
    assert other["claims"]["user"] == ["upn"]
    assert other["audience"] == ["gw2", "gw3"]
    assert other["refresh"] == "60s"
    assert other["max_stale"] == "3600s"
    assert third["unsafe_any_audience"] is True
    assert "jwks_uri" not in third
    assert own["email_trusted"] is True
    assert verdict_of(found, "issuers[0].virtual_key_claim_field") == "manual"
    assert found.status == 1


@pytest.mark.parametrize(
    "jwt",
    [
        {"user_id_jwt_field": "sub", "user_email_jwt_field": "email"},
        {"user_email_jwt_field": "email"},
        {
            "issuers": [
                {"issuer": "https://b.example", "audience": "x", "user_email_jwt_field": "email"}
            ]
        },
    ],
)
def test_sec_52_an_address_names_nobody_unless_a_person_says_so(jwt: dict[str, object]) -> None:
    found = imported(jwt)
    assert verdict_of(found, ADDRESSES) == "manual"
    for issuer in settings_of(found)["issuers"]:
        assert "email" not in issuer["claims"]["user"]
    assert "claims:\n      # TO DO" in str(found.text)
    assert verdict_of(imported({"user_id_jwt_field": "sub"}), "user_id_jwt_field") == "exact"
    assert ADDRESSES not in manual_keys(imported({"user_id_jwt_field": "sub"}))


def test_the_issuer_of_the_environment_may_stand_in_the_list_as_well() -> None:
    listed = {"issuer": ENVIRON["JWT_ISSUER"], "audience": "other"}
    found = imported({"issuers": [listed]})
    assert [issuer["audience"] for issuer in settings_of(found)["issuers"]] == [["other"]]
    assert verdict_of(found, "JWT_ISSUER") == "changed"


def test_addresses_of_keys() -> None:
    well_known = ENVIRON["JWT_ISSUER"] + "/.well-known/openid-configuration"
    found = imported(environ={**ENVIRON, "JWT_PUBLIC_KEY_URL": well_known})
    assert "jwks_uri" not in settings_of(found)["issuers"][0]
    two = imported(environ={**ENVIRON, "JWT_PUBLIC_KEY_URL": "https://a.example/k, https://b/k"})
    assert settings_of(two)["issuers"][0]["jwks_uri"] == "https://a.example/k"
    assert verdict_of(two, "JWT_PUBLIC_KEY_URL") == "manual"


def test_the_environment_may_stand_in_the_file_and_be_referred_to() -> None:
    found = imported(
        {"user_id_jwt_field": "os.environ/CLAIM"},
        environ={"CLAIM": "upn"},
        environment_variables=ENVIRON,
    )
    assert settings_of(found)["issuers"][0]["claims"]["user"] == ["upn"]


def test_stale_keys_live_at_least_as_long_as_fresh_ones() -> None:
    found = imported({"public_key_stale_ttl": 0})
    assert settings_of(found)["issuers"][0]["max_stale"] == "300s"
    assert verdict_of(found, "public_key_stale_ttl") == "changed"


@pytest.mark.parametrize(
    ("jwt", "teams"),
    [
        ({}, {"required": False, "fallback": "single_membership"}),
        ({"team_id_jwt_field": "t"}, {"required": True, "fallback": "none"}),
        ({"team_alias_jwt_field": "t"}, {"required": True, "fallback": "none"}),
        (
            {"team_id_jwt_field": "t", "team_claim_fallback": True},
            {
                "required": False,
                "fallback": "single_membership",
                "unknown_claim_falls_back": True,
            },
        ),
        (
            {"team_id_jwt_field": "t", "team_claim_fallback": True, "team_id_upsert": True},
            {
                "required": False,
                "upsert": True,
                "fallback": "single_membership",
                "unknown_claim_falls_back": False,
            },
        ),
        (
            {"team_id_jwt_field": "t", "team_id_default": "t0"},
            {"required": False, "fallback": "none", "default": "t0"},
        ),
        ({"fallback_to_db_teams": True}, {"required": False, "fallback": "memberships"}),
        (
            {"enforce_team_based_model_access": True},
            {"required": True, "fallback": "none"},
        ),
    ],
)
def test_teams(jwt: dict[str, object], teams: dict[str, object]) -> None:
    wanted = {"upsert": False, "header": "x-litellm-team-id", **teams}
    assert settings_of(imported(jwt))["teams"] == wanted


def test_people() -> None:
    found = imported(
        {
            "user_id_upsert": True,
            "user_allowed_email_domain": "Corp.Example",
            "sync_user_role_and_teams": True,
            "jwt_litellm_role_map": [
                {"jwt_role": "ADMIN", "litellm_role": "proxy_admin"},
                {"jwt_role": "A?", "litellm_role": "proxy_admin"},
                {"jwt_role": "ADMIN", "litellm_role": "team"},
                {"jwt_role": "*", "litellm_role": "customer"},
            ],
        },
        litellm_settings={
            "default_internal_user_params": {
                "max_budget": 10.5,
                "budget_duration": "1mo",
                "models": ["gpt-4o"],
                "user_role": "internal_user_viewer",
                "teams": [{"team_id": "t1"}],
                "other": 1,
            },
            "default_team_params": {"max_budget": 5, "budget_duration": "7d", "models": []},
        },
    )
    settings = settings_of(found)
    assert settings["users"] == {
        "email_domains": ["corp.example"],
        "upsert": True,
        "sync_role": True,
        "sync_teams": True,
        "defaults": {
            "models": ["gpt-4o"],
            "budget": "$10.5 per month",
            "role": "internal_user_viewer",
        },
    }
    assert settings["teams"]["defaults"] == {"models": "all", "budget": "$5 per 7d"}
    assert settings["roles"]["mappings"] == [
        {"value": "ADMIN", "role": "proxy_admin"},
        {"value": "*", "role": "end_user"},
    ]
    for key in ("[1].jwt_role", "params.teams", "params.other"):
        assert verdict_of(found, key) == "manual"


@pytest.mark.parametrize(
    ("given", "budget", "verdict"),
    [
        ({"max_internal_user_budget": 3}, "$3", "exact"),
        (
            {"max_internal_user_budget": 3, "internal_user_budget_duration": "24h"},
            "$3 per 24h",
            "exact",
        ),
        (
            {"max_internal_user_budget": 3, "internal_user_budget_duration": "soon"},
            "$3",
            "manual",
        ),
    ],
)
def test_the_budget_of_new_users(given: dict[str, object], budget: str, verdict: str) -> None:
    found = imported(litellm_settings=given)
    assert settings_of(found)["users"]["defaults"] == {"budget": budget}
    assert verdict_of(found, "max_internal_user_budget") == verdict


def test_nobody_is_an_administrator_by_being_new() -> None:
    given = {"user_role": "proxy_admin", "budget_duration": "7d"}
    found = imported(litellm_settings={"default_internal_user_params": given})
    assert "defaults" not in settings_of(found).get("users", {})
    assert verdict_of(found, "user_role") == "manual"


def permitted(general: dict[str, object], **jwt: object) -> tuple[Any, Any]:
    found = imported({"user_id_jwt_field": "sub", "enforce_rbac": True, **jwt}, general)
    return settings_of(found)["profiles"]["default"]["permissions"], found


def test_permissions_narrow_what_a_role_may_and_never_open_anything() -> None:
    asked = [
        {"role": "internal_user", "models": ["gpt-4o"], "routes": ["openai_routes", "/key/info"]},
        {"role": "internal_user", "models": ["never"]},
        {"role": "team", "routes": ["*", "/user/delete"]},
        {"role": "internal_user_viewer", "routes": ["management_routes"]},
        {"role": "proxy_admin", "routes": ["management_routes"], "models": []},
    ]
    permissions, found = permitted({"role_permissions": asked})
    assert permissions["internal_user"] == {
        "routes": ["openai_routes", "/key/info"],
        "models": ["gpt-4o"],
    }
    assert permissions["team"]["routes"] == ["llm_api_routes", "info_routes"]
    assert "/user/delete" not in permissions["internal_user_viewer"]["routes"]
    assert "/user/info" in permissions["internal_user_viewer"]["routes"]
    assert permissions["proxy_admin"] == {"routes": ["management_routes"], "models": []}
    assert manual_keys(found) == [GUARDED]


def test_sec_40_routes_on_which_only_handlers_check_need_a_person_as_long_as_a_role_has_some() -> (
    None
):
    roles = ("org_admin", "team", "internal_user", "internal_user_viewer")
    narrow = [{"role": role, "routes": ["openai_routes", "/health"]} for role in roles]
    _, found = permitted({"role_permissions": narrow})
    assert found.status == 0
    routes = (
        "/key/generate",
        "/key/k/reset_spend",
        "/team/key/bulk_update",
        "/user/info",
        "/key/{key_id}/regenerate",
        "GET /key/list",
        "/key/*",
        "internal_user_routes",
    )
    for route in routes:
        asked = [*narrow[:2], {"role": "internal_user", "routes": [route]}, narrow[3]]
        permissions, found = permitted({"role_permissions": asked})
        assert permissions["internal_user"]["routes"]
        assert manual_keys(found) == [GUARDED]
        (sentence,) = [v.sentence for v in found.verdicts if v.key == GUARDED]
        assert "of internal_user:" in sentence
    usual = imported({"user_id_jwt_field": "sub"})
    (sentence,) = [v.sentence for v in usual.verdicts if v.key == GUARDED]
    assert "of org_admin, team, internal_user, internal_user_viewer:" in sentence


@pytest.mark.parametrize("entry", ["gpt-*", "openai/*", "*", "all-proxy-models", "beta"])
def test_sec_57_a_name_that_stands_for_several_models_here_is_left_out(entry: str) -> None:
    models = [{"model_name": "a", "model_info": {"access_groups": ["beta"]}}]
    scopes = [{"scope": "s", "models": ["a", entry]}]
    jwt: dict[str, object] = {
        "user_id_jwt_field": "sub",
        "enforce_rbac": True,
        "enforce_scope_based_access": True,
        "scope_mappings": scopes,
    }
    general = {"role_permissions": [{"role": "internal_user", "models": [entry, "a"]}]}
    found = imported(jwt, general, model_list=models)
    assert verdict_of(found, "scope_mappings[0].models[1]") == "manual"
    assert verdict_of(found, "role_permissions[0].models[0]") == "manual"
    settings = settings_of(found)
    assert settings["scopes"]["mappings"] == [{"scope": "s", "models": ["a"]}]
    permissions = settings["profiles"]["default"]["permissions"]
    assert permissions["internal_user"]["models"] == ["a"]


def test_permissions_count_only_where_they_are_enforced() -> None:
    general = {"role_permissions": [{"role": "team", "models": ["m"]}]}
    found = imported({}, general)
    assert verdict_of(found, "role_permissions[0].role") == "manual"
    assert settings_of(found)["profiles"]["default"]["permissions"]["team"]["models"] == "all"
    unknown = imported({"enforce_rbac": True}, {"role_permissions": [{"role": "emperor"}]})
    assert verdict_of(unknown, "role_permissions[0].role") == "refused"


def test_roles_are_required_where_nothing_else_would_say_who_it_is() -> None:
    roles = settings_of(imported({"enforce_rbac": True, "role_mappings": MAPPINGS}))["roles"]
    assert roles["require_role"] is True
    for also in ({"user_id_jwt_field": "sub"}, {"team_ids_jwt_field": "t"}):
        assert (
            settings_of(imported({"enforce_rbac": True, **also}))["roles"]["require_role"] is False
        )


def test_allowed_roles_and_the_claim_they_stand_in() -> None:
    jwt: dict[str, object] = {"user_roles_jwt_field": "r", "user_allowed_roles": ["dev"]}
    found = imported(jwt)
    assert verdict_of(found, "user_allowed_roles") == "manual"
    enforced = settings_of(imported({**jwt, "enforce_rbac": True}))
    assert enforced["roles"]["allowed"] == ["dev"]
    assert enforced["issuers"][0]["claims"]["roles"] == "r"
    two = imported({**jwt, "roles_jwt_field": "other"})
    assert verdict_of(two, "user_roles_jwt_field") == "manual"


@pytest.mark.parametrize("switch", [{}, {"sync_user_role_and_teams": False}])
def test_sec_56_a_role_map_counts_only_with_the_sync(switch: dict[str, object]) -> None:
    role_map = [{"jwt_role": "a", "litellm_role": "proxy_admin"}]
    found = imported({"jwt_litellm_role_map": role_map, **switch})
    assert verdict_of(found, "jwt_litellm_role_map") == "manual"
    assert settings_of(found)["roles"]["mappings"] == []
    synced = imported({"jwt_litellm_role_map": role_map, "sync_user_role_and_teams": True})
    assert verdict_of(synced, "jwt_litellm_role_map") == "exact"


@pytest.mark.parametrize("switch", [{}, {"enforce_rbac": False}])
def test_role_mappings_count_only_where_they_are_enforced(switch: dict[str, object]) -> None:
    mappings = [{"role": "boss", "internal_role": "proxy_admin"}, *MAPPINGS]
    found = imported({"role_mappings": mappings, **switch})
    assert verdict_of(found, "role_mappings") == "manual"
    assert settings_of(found)["roles"]["mappings"] == []


def test_role_mappings_that_say_whose_id_the_object_id_is_count_but_for_administrators() -> None:
    mappings = [{"role": "boss", "internal_role": "proxy_admin"}, *MAPPINGS]
    found = imported({"role_mappings": mappings, "object_id_jwt_field": "oid"})
    assert verdict_of(found, "role_mappings") == "manual"
    assert settings_of(found)["roles"]["mappings"] == [
        {"value": "llm.user", "role": "internal_user"}
    ]


def test_sec_56_values_of_role_mappings_are_exact_and_administrators_need_a_person() -> None:
    mappings = [
        {"role": "app-*", "internal_role": "proxy_admin"},
        {"role": "team-*", "internal_role": "team"},
        {"role": "a[1]?", "internal_role": "team"},
        {"role": "boss", "internal_role": "proxy_admin"},
        *MAPPINGS,
    ]
    found = imported({"role_mappings": mappings, "enforce_rbac": True})
    assert settings_of(found)["roles"]["mappings"] == [
        {"value": "a[1]?", "role": "team"},
        {"value": "boss", "role": "proxy_admin"},
        {"value": "llm.user", "role": "internal_user"},
    ]
    for key in ("[0].role", "[1].role", "[3].internal_role"):
        assert verdict_of(found, f"role_mappings{key}") == "manual"
    assert verdict_of(found, "role_mappings") == "changed"


def test_scopes() -> None:
    jwt = {"enforce_scope_based_access": True, "scope_mappings": SCOPES}
    assert settings_of(imported(jwt))["scopes"] == {
        "enforce_models": True,
        "enforce_routes": False,
        "mappings": SCOPES,
    }
    mixed = [*SCOPES, {"scope": "b", "routes": ["/v1/embeddings"]}]
    both = settings_of(imported({**jwt, "scope_mappings": mixed}))["scopes"]
    assert both["enforce_routes"] is True
    assert [mapping["routes"] for mapping in both["mappings"]] == [["*"], ["/v1/embeddings"]]
    assert verdict_of(imported(jwt), "scope_mappings") == "changed"
    nothing = imported({"enforce_scope_based_access": True})
    assert "scopes" not in settings_of(nothing)
    assert verdict_of(nothing, "enforce_scope_based_access") == "manual"


def test_routes_that_mean_nothing_here_open_nothing() -> None:
    entries = ["openai_routes", "self_managed_routes", "/v1/chat*", "/v1/chat/*"]
    found = imported({"team_allowed_routes": entries, "admin_allowed_routes": ["info_routes"]})
    profile = settings_of(found)["profiles"]["default"]
    assert profile["team_routes"] == ["openai_routes", "/v1/chat/*"]
    assert profile["admin_scope_routes"] == ["info_routes"]
    for at in (1, 2):
        assert verdict_of(found, f"team_allowed_routes[{at}]") == "manual"


def test_models() -> None:
    cost = {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05}
    models = [
        {"model_name": "a", "model_info": {**cost, "max_tokens": 10, "access_groups": ["beta"]}},
        {"model_name": "a", "model_info": {**cost, "access_groups": ["beta"]}},
        {"model_name": "b", "litellm_params": cost, "model_info": {"max_output_tokens": 7}},
        {"model_name": "c", "litellm_params": cost},
        {"litellm_params": {}},
    ]
    found = imported(
        model_list=models,
        router_settings={
            "model_group_alias": {"fast": "a", "slow": {"model": "b", "hidden": True}}
        },
        litellm_settings={"model_alias_map": {"old": "a"}},
    )
    settings = settings_of(found)
    price = {"input": "$2.5", "output": "$10"}
    assert settings["budgets"]["prices"] == [
        {"model": "a", **price, "max_output_tokens": 10},
        {"model": "b", **price, "max_output_tokens": 7},
    ]
    assert settings["access_groups"] == {"beta": ["a"]}
    assert settings["model_aliases"] == {"fast": "a", "slow": "b", "old": "a"}
    assert verdict_of(found, "model_list[3].litellm_params.input_cost_per_token") == "manual"


@pytest.mark.parametrize(
    ("general", "verdict"),
    [
        ({"master_key": "k"}, "exact"),
        ({"enforce_rbac": True}, "exact"),
        ({"database_url": "d"}, "changed"),
        ({"enforce_user_param": True}, "changed"),
        ({"allowed_ips": ["10.0.0.1"]}, "manual"),
        ({"never_heard_of": 1}, "manual"),
        ({"apply_user_budget_to_team_keys": True}, "exact"),
        ({"apply_user_budget_to_team_keys": False}, "exact"),
        ({"disable_budget_reservation": True}, "exact"),
    ],
)
def test_every_general_setting_has_a_verdict(general: dict[str, object], verdict: str) -> None:
    found = imported({}, general)
    assert verdict_of(found, next(iter(general))) == verdict
    assert manual_keys(found) == [GUARDED] + [f"general_settings.{next(iter(general))}"] * (
        verdict == "manual"
    )


@pytest.mark.parametrize(
    "key", ["agent_id_jwt_field", "oidc_userinfo_enabled", "routing_overrides"]
)
def test_keys_of_other_features_need_a_person(key: str) -> None:
    found = imported({key: "x"})
    assert verdict_of(found, key) == "manual"
    assert found.text is not None


def test_keys_that_nothing_reads_are_said_to_be_such() -> None:
    assert (
        verdict_of(imported({"public_allowed_routes": ["/x"]}), "public_allowed_routes") == "exact"
    )


def test_sections_at_the_top_are_named_when_unknown() -> None:
    found = imported(litellm_jwtauth={"a": 1}, callbacks=["x"])
    assert {v.verdict for v in found.verdicts if v.key == "litellm_jwtauth"} == {"manual"}
    assert verdict_of(found, "callbacks") == "exact"


@pytest.mark.parametrize(
    ("general", "service", "budgets"),
    [
        ({}, {}, {"admission": "fit", "user_limit_when_team_pays": "without_team"}),
        (
            {"disable_budget_reservation": True, "apply_user_budget_to_team_keys": True},
            {"max_budget": 5, "budget_duration": "7d"},
            {"admission": "after", "user_limit_when_team_pays": "all", "proxy": "$5 per 7d"},
        ),
        (
            {"disable_budget_reservation": False},
            {"budget_duration": "7d"},
            {"admission": "fit", "user_limit_when_team_pays": "without_team"},
        ),
    ],
)
def test_limits_are_counted_as_they_were(
    general: dict[str, object], service: dict[str, object], budgets: dict[str, object]
) -> None:
    found = imported({}, general, litellm_settings=service)
    assert settings_of(found)["budgets"] == budgets
    assert manual_keys(found) == [GUARDED]


def test_limits_of_end_users_need_a_person() -> None:
    found = imported(litellm_settings={"max_end_user_budget": 5})
    assert verdict_of(found, "max_end_user_budget") == "manual"


def test_a_service_without_the_switch_is_said_to_be_one() -> None:
    found = import_litellm(yaml.safe_dump({"general_settings": {}}), ENVIRON)
    assert verdict_of(found, "enable_jwt_auth") == "manual"
    wrong = import_litellm(yaml.safe_dump({"general_settings": ["a"]}), ENVIRON)
    assert verdict_of(wrong, "general_settings") == "refused"


def test_what_changes_stands_above_the_setting() -> None:
    found = imported(
        {"enforce_rbac": True, "role_mappings": MAPPINGS, "team_allowed_routes": ["nope"]}
    )
    assert found.text is not None
    lines = found.text.splitlines()
    at = lines.index("  mappings:")
    assert lines[at - 1].startswith("  # general_settings.litellm_jwtauth.role_mappings:")
    assert "# TO DO, general_settings.litellm_jwtauth.team_allowed_routes[0]" in found.text


def test_names_that_are_written_are_taken_as_they_are() -> None:
    found = imported(
        {
            "admin_jwt_scope": "llm-admin",
            "enforce_rbac": True,
            "user_id_jwt_field": "sub",
            "team_id_default": 7,
        },
        {"role_permissions": [{"role": "internal_user", "models": ["gpt-4o"]}]},
    )
    settings = settings_of(found)
    assert settings["roles"]["admin_scope"] == "llm-admin"
    assert settings["teams"]["default"] == "7"
    permission = settings["profiles"]["default"]["permissions"]["internal_user"]
    assert permission["models"] == ["gpt-4o"]
    assert "llm_api_routes" in permission["routes"]
