from gatepass.rbac.grace import Grace, grace_on
from gatepass.rbac.routes import compile_routes

GRACE = Grace("default", compile_routes(("POST /v1/chat/*",), {}), 10, 60)


def test_a_grace_holds_on_its_routes_alone() -> None:
    assert grace_on(GRACE, "POST", "/v1/chat/completions") is GRACE
    assert grace_on(GRACE, "GET", "/v1/chat/completions") is None
    assert grace_on(GRACE, "POST", "/v1/embeddings") is None


def test_without_a_grace_nothing_passes_uncounted() -> None:
    assert grace_on(None, "POST", "/v1/chat/completions") is None
