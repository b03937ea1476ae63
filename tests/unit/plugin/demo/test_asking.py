"""What counts as different: a tour that overlooks something proves nothing."""

import httpx
import pytest

from gatepass.plugin.demo.asking import Call, Client, Expected, Observed, differences

SEARCH = {"x-gatepass-team-id": "search", "x-gatepass-role": "team"}


def observed(
    status: int = 200,
    code: str | None = None,
    upstream: tuple[tuple[tuple[str, str], ...], ...] = (),
    headers: dict[str, str] | None = None,
) -> Observed:
    return Observed(status, code, httpx.Headers(headers or {}), upstream, 1.0)


PASSED = observed(upstream=(tuple(SEARCH.items()),))
REFUSED = observed(401, "no_token", headers={"WWW-Authenticate": "Bearer"})
REFUSAL = Expected(401, "no_token", answer_headers=("www-authenticate",))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (PASSED, Expected(200, upstream=SEARCH)),
        (observed(upstream=(tuple(reversed(SEARCH.items())),)), Expected(200, upstream=SEARCH)),
        (REFUSED, REFUSAL),
    ],
)
def test_nothing_differs(seen: Observed, expected: Expected) -> None:
    assert differences(seen, expected) == []


@pytest.mark.parametrize(
    ("seen", "expected", "sentence"),
    [
        (observed(403, "no_token"), Expected(401, "no_token"), "answered 403 no_token instead"),
        (observed(401, "expired"), Expected(401, "no_token"), "answered 401 expired instead"),
        (observed(401), Expected(401, "no_token"), "answered 401 instead of 401 no_token"),
        (observed(401, "no_token"), REFUSAL, "the answer has no www-authenticate header"),
        (
            observed(401, "no_token", upstream=((),)),
            Expected(401, "no_token"),
            "the request reached the upstream",
        ),
        (observed(), Expected(200, upstream=SEARCH), "the upstream saw 0 requests instead of one"),
        (
            observed(upstream=(tuple(SEARCH.items()),) * 2),
            Expected(200, upstream=SEARCH),
            "the upstream saw 2 requests instead of one",
        ),
        (
            observed(upstream=((*SEARCH.items(), ("x_gatepass_user", "admin")),)),
            Expected(200, upstream=SEARCH),
            "x_gatepass_user: admin",
        ),
        (
            observed(upstream=((*SEARCH.items(), ("x-gatepass-role", "team")),)),
            Expected(200, upstream=SEARCH),
            "the upstream saw",
        ),
        (observed(upstream=((),)), Expected(200, upstream=SEARCH), "the upstream saw  instead of"),
    ],
)
def test_what_differs_is_said(seen: Observed, expected: Expected, sentence: str) -> None:
    (found,) = differences(seen, expected)
    assert sentence in found


def test_a_token_at_the_upstream_differs_and_is_not_repeated() -> None:
    seen = observed(upstream=((*SEARCH.items(), ("Authorization", "Bearer secret")),))
    (found,) = differences(seen, Expected(200, upstream=SEARCH))
    assert "Authorization" in found
    assert "secret" not in found


def test_only_headers_that_tell_who_calls_are_watched(upstream: httpx.Client) -> None:
    url = str(upstream.base_url).rstrip("/")
    client = Client(gateway=url, upstream=url, http=upstream)
    seen = client.ask(Call("token", headers=[("X_Gatepass_User", "admin"), ("X-Other", "1")]))
    assert (seen.status, seen.code) == (200, None)
    (headers,) = seen.upstream
    assert dict(headers) == {"X_Gatepass_User": "admin", "Authorization": "Bearer token"}


def test_a_call_without_a_model_has_no_body() -> None:
    assert Call(model=None).body() == b""
    assert str(Call(path="/user/new", model=None)) == "POST /user/new"
