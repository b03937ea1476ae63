"""Golden refusals: status, body and headers, byte for byte (SEC-64)."""

import pytest

from gatepass.jwks.errors import ConfigurationError, GatepassError, TokenFault, TokenRefused
from gatepass.plugin.budget_refusal import BudgetRefusal
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.plugin.errors import BudgetExceeded, RequestRefused, StoreUnavailable
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import Schemes, refuse, refuse_for
from gatepass.rbac.budgets import Unit
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.windows import FOREVER

JSON = (b"content-type", b"application/json")
CHALLENGE = b'Bearer realm="gatepass"'


def body(message: str, kind: str, code: str, more: str = "") -> bytes:
    return (
        f'{{"error": {{"message": "{message}", "type": "{kind}", "param": null, '
        f'"code": "{code}"{more}}}}}'
    ).encode()


def standing(
    scope: Scope, *, unit: Unit = Unit.MONEY, model: str | None = None, ends_at: int | None = None
) -> LimitStanding:
    limit = AppliedLimit(scope, "subject", "b", unit, FOREVER, 2_500_000_000, model=model)
    return LimitStanding(limit, 2_000_000_000, 499_999_999, 2_500_000_000, ends_at)


GOLDEN = [
    (
        RequestRefused(Reason.AMBIGUOUS_PATH),
        400,
        [],
        body(
            "The request path can be read in more than one way.",
            "invalid_request_error",
            "ambiguous_path",
        ),
    ),
    (
        RequestRefused(Reason.NO_TOKEN),
        401,
        [(b"www-authenticate", CHALLENGE)],
        body("A bearer token is needed.", "authentication_error", "no_token"),
    ),
    (
        TokenRefused(TokenFault.EXPIRED),
        401,
        [
            (
                b"www-authenticate",
                CHALLENGE + b', error="invalid_token", error_description="The token has expired."',
            )
        ],
        body("The token has expired.", "authentication_error", "expired"),
    ),
    (
        AccessDenied(AccessFault.ROUTE_DENIED),
        403,
        [],
        body("The caller may not call this route.", "permission_error", "route_denied"),
    ),
    (
        RequestRefused(Reason.BODY_TOO_LARGE),
        413,
        [],
        body("The request body is larger than allowed.", "invalid_request_error", "body_too_large"),
    ),
    (
        BudgetExceeded(standing(Scope.TEAM, ends_at=1_077), 1_000.4),
        429,
        [
            (b"retry-after", b"77"),
            (b"ratelimit-policy", b'"team-money";q=2500000;qu="micro-usd"'),
            (b"ratelimit", b'"team-money";r=0;t=77'),
        ],
        body(
            "A budget that applies to the caller is used up.",
            "insufficient_quota",
            "budget_exceeded",
            ', "limit": {"scope": "team", "unit": "money", "model": null, "limit": "2.50", '
            '"left": "0.000000001", "resets_in_seconds": 77}',
        ),
    ),
    (
        BudgetExceeded(standing(Scope.PROXY, ends_at=None), 1_000.0),
        429,
        [(b"retry-after", b"86400")],
        body(
            "A budget that applies to the caller is used up.",
            "insufficient_quota",
            "budget_exceeded",
            ', "limit": {"scope": "proxy", "unit": "money", "model": null, "limit": null, '
            '"left": null, "resets_in_seconds": null}',
        ),
    ),
    (
        RequestRefused(Reason.HEADERS_CUT),
        431,
        [],
        body(
            "The request has more headers than the gateway can show.",
            "invalid_request_error",
            "headers_cut",
        ),
    ),
    (
        StoreUnavailable(),
        503,
        [],
        body("The store is not available.", "service_unavailable", "store_error"),
    ),
]


@pytest.mark.parametrize(
    ("error", "status", "headers", "octets"), GOLDEN, ids=[case[0].code for case in GOLDEN]
)
def test_sec_64_golden_refusals(
    error: GatepassError, status: int, headers: list[tuple[bytes, bytes]], octets: bytes
) -> None:
    decision = refuse(error)
    assert decision.status == status
    assert decision.response_headers == (JSON, *headers)
    assert decision.body == octets
    assert decision.request_id == ""


def test_a_refusal_counts_in_the_unit_of_its_limit() -> None:
    error = BudgetExceeded(standing(Scope.USER, unit=Unit.TOKENS, model="gpt-*"), 0.0)
    assert refuse(error).limit == BudgetRefusal(
        Scope.USER, Unit.TOKENS, "gpt-*", 2_500_000_000, 1, None
    )
    assert b'"limit": 2500000000, "left": 1,' in refuse(error).body


@pytest.mark.parametrize("scope", [Scope.ORGANIZATION, Scope.PROXY])
def test_nobody_learns_what_is_left_of_what_belongs_to_others_too(scope: Scope) -> None:
    octets = refuse(BudgetExceeded(standing(scope), 0.0)).body
    assert b"2.5" not in octets
    assert b'"left": null' in octets


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_sec_64_a_challenge_comes_with_every_401_and_with_nothing_else(reason: Reason) -> None:
    names = [name for name, _ in refuse_for(reason).response_headers]
    assert names == [b"content-type"] + [b"www-authenticate"] * (reason.status == 401)


@pytest.mark.parametrize("reason", list(Reason))
def test_sec_64_sentences_fit_into_a_quoted_string(reason: Reason) -> None:
    assert reason.sentence.isascii()
    assert reason.sentence.isprintable()
    assert not set(reason.sentence) & set('"\\')


@pytest.mark.parametrize(
    "error",
    [
        GatepassError("no_such_code", "canary-sentence"),
        ConfigurationError(["canary-sentence"]),
        GatepassError("", "canary-sentence"),
    ],
)
def test_sec_60_an_error_outside_the_table_is_our_fault_and_keeps_its_sentence(
    error: GatepassError,
) -> None:
    decision = refuse(error)
    assert decision.reason is Reason.INTERNAL
    assert decision.status == 503
    assert b"canary" not in decision.body


BOTH = Schemes(dpop="ES256 EdDSA")
DPOP = Schemes(bearer=False, dpop="ES256 EdDSA")
ALGORITHMS = 'algs="ES256 EdDSA"'
EXPIRED = 'error="invalid_token", error_description="The token has expired."'
REPLAYED = 'error="invalid_dpop_proof", error_description="The DPoP proof was used before."'


@pytest.mark.parametrize(
    ("reason", "schemes", "challenge"),
    [
        (Reason.NO_TOKEN, BOTH, f'Bearer realm="gatepass", DPoP realm="gatepass", {ALGORITHMS}'),
        (Reason.NO_TOKEN, DPOP, f'DPoP realm="gatepass", {ALGORITHMS}'),
        (
            Reason.EXPIRED,
            BOTH,
            f'Bearer realm="gatepass", {EXPIRED}, DPoP realm="gatepass", {ALGORITHMS}',
        ),
        (Reason.EXPIRED, DPOP, f'DPoP realm="gatepass", {EXPIRED}, {ALGORITHMS}'),
        (Reason.DPOP_REPLAYED, BOTH, f'DPoP realm="gatepass", {REPLAYED}, {ALGORITHMS}'),
        (Reason.DPOP_REPLAYED, DPOP, f'DPoP realm="gatepass", {REPLAYED}, {ALGORITHMS}'),
    ],
)
def test_sec_64_every_scheme_by_which_a_token_may_come_is_offered_in_one_line(
    reason: Reason, schemes: Schemes, challenge: str
) -> None:
    answer = refuse_for(reason, schemes=schemes)
    assert (b"www-authenticate", challenge.encode()) in answer.response_headers
    assert len(answer.response_headers) == 2
    assert refuse_for(Reason.ROUTE_DENIED, schemes=schemes) == refuse_for(Reason.ROUTE_DENIED)
