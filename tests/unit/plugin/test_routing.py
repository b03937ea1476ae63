"""What is remembered of a route is what would be read again, and never too much of it."""

import pytest

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.reasons import REASON_BY_CODE
from gatepass.plugin.request import Request
from gatepass.plugin.routing import Route, Router
from gatepass.rbac.model_use import ModelUse
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.roles import RoleRules
from gatepass.rbac.routes import NO_ROUTES, compile_routes


def profile(name: str, *public: str, require_model: bool = True) -> Profile:
    return Profile(
        name=name,
        public_routes=compile_routes(public, {}),
        permissions={},
        require_model=require_model,
        unseen_model_routes=NO_ROUTES,
        allowed_parameters=frozenset(),
        allow_token_upstream=False,
    )


@pytest.fixture
def router() -> Router:
    profiles = {
        "default": profile("default", "GET /v1/models"),
        "other": profile("other", require_model=False),
    }
    return Router(Policy(profiles, {}, RoleRules()))


def read(router: Router, target: bytes, method: str = "POST", profile: str = "default") -> Route:
    return router.read(Request(method, target, (), profile=profile))


def test_a_route_is_read_once(router: Router) -> None:
    route = read(router, b"/v1/chat/completions?model=o1")
    assert (route.path, route.use, route.model) == (
        "/v1/chat/completions",
        ModelUse.REQUIRED,
        None,
    )
    assert route.must_name_model
    assert read(router, b"/v1/chat/completions?model=o1") is route


def test_sec_38_50_method_and_profile_are_part_of_what_is_remembered(router: Router) -> None:
    assert read(router, b"/v1/models", "GET").public
    assert not read(router, b"/v1/models", "HEAD").public
    assert not read(router, b"/v1/models", "GET", "other").public
    assert read(router, b"/v1/embeddings").must_name_model
    assert not read(router, b"/v1/embeddings", profile="other").must_name_model


@pytest.mark.parametrize("again", range(2))
@pytest.mark.parametrize(
    ("target", "method", "profile_name", "code"),
    [
        (b"/v1/models", "GET", "", "profile_unknown"),
        (b"/v1/models", "GET", "DEFAULT", "profile_unknown"),
        (b"/v1/models", "get", "default", "bad_method"),
        (b"/v1/models", "BREW", "default", "bad_method"),
        (b"/v1//models", "GET", "default", "ambiguous_path"),
        (b"*", "OPTIONS", "default", "ambiguous_path"),
        (b"", "GET", "default", "ambiguous_path"),
    ],
)
def test_sec_33_refusals_are_not_remembered(  # noqa: PLR0913, PLR0917 - the columns of the table
    router: Router, target: bytes, method: str, profile_name: str, code: str, again: int
) -> None:
    for _ in range(again + 1):
        with pytest.raises(GatepassError) as refused:
            read(router, target, method, profile_name)
        assert refused.value.code == code
        assert code in REASON_BY_CODE


def test_strangers_cannot_fill_the_memory_with_targets(router: Router) -> None:
    for number in range(10_000):
        read(router, b"/x/%d" % number)
    assert len(router._known) <= 4096
    before = len(router._known)
    read(router, b"/x?" + b"a" * 4000)
    assert len(router._known) == before
