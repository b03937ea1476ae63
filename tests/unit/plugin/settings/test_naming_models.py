"""Groups, aliases, providers and scopes: what is wrong is named, and what is right counts."""

import pytest

from gatepass.plugin.settings import compile_settings
from gatepass.rbac.models import MAX_INNER_WILDCARDS
from gatepass.rbac.policy import Policy
from gatepass.rbac.roles import Role
from support.settings import sentences_of, settings_with


def policy(**sections: object) -> Policy:
    return compile_settings(settings_with(**sections)).policy


def test_groups_aliases_and_providers_count_in_the_lists_of_roles_and_scopes() -> None:
    found = policy(
        access_groups={"beta": ["gpt-4o*", "fast"], "one": "o1"},
        model_aliases={"fast": "small-1"},
        providers={"acme": ["acme-*"], "openai": []},
        profiles={
            "default": {"permissions": {"team": {"models": ["beta", "one", "acme/*", "openai/*"]}}}
        },
        scopes={"enforce_models": True, "mappings": [{"scope": "s", "models": "beta"}]},
    )
    role = found.profiles["default"].permissions[Role.TEAM].models
    assert all(map(role.allows, ("gpt-4o-mini", "small-1", "o1", "acme-7")))
    assert not any(map(role.allows, ("fast", "gpt-4", "beta")))
    scopes = found.scopes.held_by(frozenset({"s"}))
    assert scopes.allow_model("POST", "/x", "small-1")
    assert not scopes.allow_model("POST", "/x", "o1")
    assert found.catalog.aliases == {"fast": "small-1"}


def test_the_built_in_providers_count_where_the_settings_name_no_other() -> None:
    profiles = {"default": {"permissions": {"team": {"models": ["openai/*", "anthropic/*"]}}}}
    built_in = policy(profiles=profiles).profiles["default"].permissions[Role.TEAM].models
    assert built_in.allows("gpt-4o")
    changed = policy(profiles=profiles, providers={"openai": ["mine-*"]})
    rule = changed.profiles["default"].permissions[Role.TEAM].models
    assert rule.allows("mine-1")
    assert rule.allows("claude-opus")
    assert not rule.allows("gpt-4o")


NO_TEAM_HERE = "all-team-models means something only in the row of a user or a member"
ALONE = "no-default-models is no model at all, and stands alone in its list"
ROUTES = {"enforce_routes": True}
MODELS = {"enforce_models": True}


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        (
            {"scopes": {"mappings": [{"scope": "a", "models": ["m"]}]}},
            "scopes.mappings: restricts nobody; add enforce_models: true or enforce_routes: true",
        ),
        (
            {"scopes": {**ROUTES, "mappings": [{"scope": "a", "models": ["m"], "routes": ["*"]}]}},
            "scopes.mappings[0].models: restricts nobody; add enforce_models: true",
        ),
        (
            {"scopes": {**MODELS, "mappings": [{"scope": "a", "models": ["m"], "routes": ["*"]}]}},
            "scopes.mappings[0].routes: restricts nobody; add enforce_routes: true",
        ),
        (
            {"scopes": {**MODELS, **ROUTES, "mappings": [{"scope": "a", "models": "all"}]}},
            "scopes.mappings[0]: grants nothing: it names no routes",
        ),
        (
            {"scopes": {**MODELS, "mappings": [{"scope": "a"}, {"scope": "a"}]}},
            "scopes.mappings[1].scope: the scope is mapped above; write one mapping for each",
        ),
        (
            {"scopes": {**MODELS, "mappings": [{"scope": "a b"}]}},
            "scopes.mappings[0].scope: not one scope (RFC 6749 section 3.3)",
        ),
        (
            {"scopes": {**MODELS, "mappings": [{"scope": "a", "models": ["all-team-models"]}]}},
            f"scopes.mappings[0].models: {NO_TEAM_HERE}",
        ),
        (
            {"access_groups": {"g": ["h"], "h": ["m"]}},
            "access_groups.g[0]: a group cannot hold the name of another group",
        ),
        (
            {"access_groups": {"g": ["all-proxy-models"]}},
            "access_groups.g[0]: means something in the list of a role or a row, and nothing here",
        ),
        (
            {"access_groups": {"g": [f"*{n}x" for n in range(MAX_INNER_WILDCARDS + 1)]}},
            "access_groups: more than 100 patterns with a * before their end, in all groups",
        ),
        (
            {"access_groups": {"g*": ["m"]}},
            'access_groups["g*"]: must be one name of at most 256 characters, without *',
        ),
        (
            {"model_aliases": {"a": "b", "b": "c"}},
            "model_aliases.a: an alias stands for a model, not for another alias",
        ),
        (
            {"model_aliases": {"a": "b*"}},
            "model_aliases.a: must be one name of at most 256 characters, without *",
        ),
        (
            {"access_groups": {"g": ["m"]}, "model_aliases": {"a": "g"}},
            "model_aliases.a: an access group has this name already",
        ),
        (
            {"access_groups": {"g": ["m"]}, "model_aliases": {"g": "m"}},
            "model_aliases.g: an access group has this name already",
        ),
        (
            {"providers": {"acme": ["no-default-models"]}},
            "providers.acme[0]: means something in the list of a role or a row, and nothing here",
        ),
        (
            {"profiles": {"default": {"permissions": {"team": {"models": ["all-team-models"]}}}}},
            f"profiles.default.permissions.team.models: {NO_TEAM_HERE}",
        ),
        (
            {"users": {"defaults": {"models": ["no-default-models", "m"]}}},
            f"users.defaults.models: {ALONE}",
        ),
        (
            {"users": {"email_domains": ["Corp.example"]}},
            "users.email_domains[0]: not a domain; write it in lower case, without @ and without *",
        ),
        (
            {"users": {"email_domains": "@corp.example"}},
            "users.email_domains[0]: not a domain; write it in lower case, without @ and without *",
        ),
        (
            {"users": {"email_domains": "*.corp.example"}},
            "users.email_domains[0]: not a domain; write it in lower case, without @ and without *",
        ),
        (
            {"checks": {"custom": "module.function"}},
            "checks.custom: write it like package.module:function",
        ),
        ({"checks": {"deadline": "2m"}}, "checks.deadline: must be from 1s to 1m"),
    ],
)
def test_what_can_only_be_wrong_is_named(sections: dict[str, object], sentence: str) -> None:
    found = sentences_of(**sections)
    assert [line for line in found if line.startswith(sentence.partition(":")[0])] == [sentence]


def test_every_wrong_entry_is_reported_at_once() -> None:
    found = sentences_of(
        access_groups={"g": ["h", "g"], "h": ["m"]}, model_aliases={"a": "g", "b": "a"}
    )
    assert len(found) == 4


def test_enforcing_without_mappings_is_possible_and_grants_nothing() -> None:
    scopes = policy(scopes={"enforce_models": True, "enforce_routes": True}).scopes
    assert not scopes.allow_route("GET", "/v1/models")


def test_the_rows_of_people_may_name_the_models_of_their_teams() -> None:
    settings = settings_with(users={"defaults": {"models": ["all-team-models"]}})
    assert settings.users.defaults.models == ("all-team-models",)


def test_what_else_the_rules_of_a_deployment_say() -> None:
    assert policy(users={"email_domains": "corp.example"}).email_domains == frozenset(
        {"corp.example"}
    )
    assert policy().email_domains is None
    assert policy(users={"email_domains": []}).email_domains == frozenset()
    assert policy().roles.allowed is None
    assert policy(roles={"allowed": []}).roles.allowed == frozenset()
    said = {"require_user_parameter": True, "allow_guardrail_changes": True}
    found = policy(profiles={"default": {}, "open": said}).profiles
    assert found["open"].require_user_parameter
    assert found["open"].allow_guardrail_changes
    assert not found["default"].require_user_parameter
    assert not found["default"].allow_guardrail_changes
