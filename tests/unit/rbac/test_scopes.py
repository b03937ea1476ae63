"""What scopes grant: never more than one mapping says, and never beside the role."""

import pytest

from gatepass.rbac.models import compile_models
from gatepass.rbac.routes import compile_routes
from gatepass.rbac.scopes import NO_SCOPE_RULES, ScopeGrants, ScopeMapping

CHAT = "/v1/chat/completions"


def mapping(scope: str, models: list[str], routes: list[str]) -> ScopeMapping:
    return ScopeMapping(scope, compile_models(models), compile_routes(routes, {}))


SMALL = mapping("small", ["mini"], [CHAT])
LARGE = mapping("large", ["gpt-*"], ["/v1/embeddings"])


def grants(*held: str, models: bool, routes: bool) -> ScopeGrants:
    rules = ScopeGrants(models, routes, (SMALL, LARGE))
    return rules.held_by(frozenset(held))


def test_who_has_no_mappings_is_granted_nothing_and_nothing_is_enforced_by_itself() -> None:
    assert ScopeGrants(enforce_models=False, enforce_routes=False, mappings=()) == NO_SCOPE_RULES
    assert not NO_SCOPE_RULES.allow_route("GET", "/v1/models")
    assert NO_SCOPE_RULES.held_by(frozenset({"small"})) is NO_SCOPE_RULES


@pytest.mark.parametrize("held", [(), ("other",), ("SMALL",), ("small large",), ("smal",)])
def test_sec_39_56_who_holds_no_mapped_scope_is_granted_nothing(held: tuple[str, ...]) -> None:
    found = grants(*held, models=True, routes=True)
    assert not found.mappings
    assert not found.allow_route("POST", CHAT)
    assert not found.allow_model("POST", CHAT, "mini")


def test_sec_39_enforcing_without_mappings_grants_nothing() -> None:
    found = ScopeGrants(enforce_models=True, enforce_routes=True).held_by(frozenset({"small"}))
    assert not found.allow_route("POST", CHAT)
    assert not found.allow_model("POST", CHAT, "mini")


def test_two_scopes_add_up() -> None:
    found = grants("small", "large", models=True, routes=False)
    assert found.allow_model("POST", CHAT, "mini")
    assert found.allow_model("POST", CHAT, "gpt-4o")
    assert not found.allow_model("POST", CHAT, "o1")
    assert not grants("small", models=True, routes=False).allow_model("POST", CHAT, "gpt-4o")


def test_sec_39_two_scopes_never_mix_the_route_of_one_with_the_model_of_the_other() -> None:
    found = grants("small", "large", models=True, routes=True)
    assert found.allow_route("POST", CHAT)
    assert found.allow_model("POST", CHAT, "mini")
    assert not found.allow_model("POST", CHAT, "gpt-4o")
    assert found.allow_model("POST", "/v1/embeddings", "gpt-4o")


def test_routes_alone() -> None:
    found = grants("small", models=False, routes=True)
    assert found.allow_route("POST", CHAT)
    assert not found.allow_route("POST", "/v1/embeddings")
