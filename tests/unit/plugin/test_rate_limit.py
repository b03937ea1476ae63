"""RateLimit and RateLimit-Policy of a 429: what they say, and of whose limits they say nothing."""

from dataclasses import replace

import pytest

from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.rate_limit import MAX_INTEGER, rate_limit_headers
from gatepass.plugin.refusals import refuse
from gatepass.rbac.budgets import MAX_AMOUNT, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling

NOW = 1_763_900_000.0
TEAM = AppliedLimit(Scope.TEAM, "red", "b", Unit.MONEY, Rolling(86_400, 1_763_900_000), 10**10)


def exceeded(limit: AppliedLimit, spent: int = 0, reserved: int = 0) -> BudgetExceeded:
    _, end = limit.window.bounds(NOW)
    return BudgetExceeded(LimitStanding(limit, spent, reserved, limit.hard, end), NOW)


def headers(limit: AppliedLimit, spent: int = 0) -> tuple[str, str] | None:
    found = dict(rate_limit_headers(exceeded(limit, spent)))
    if not found:
        return None
    assert found.keys() == {b"ratelimit-policy", b"ratelimit"}
    return found[b"ratelimit-policy"].decode(), found[b"ratelimit"].decode()


@pytest.mark.parametrize(
    ("limit", "spent", "policy", "rest"),
    [
        (
            TEAM,
            9_999_000_500,
            '"team-money";q=10000000;qu="micro-usd";w=86400',
            '"team-money";r=999;t=86400',
        ),
        (
            replace(TEAM, scope=Scope.USER, unit=Unit.TOKENS, hard=500, model="gpt-4o*"),
            500,
            '"user-tokens-gpt-4o*";q=500;qu="tokens";w=86400',
            '"user-tokens-gpt-4o*";r=0;t=86400',
        ),
        (
            replace(TEAM, scope=Scope.MEMBER, unit=Unit.REQUESTS, hard=3, window=FOREVER),
            9,
            '"member-requests";q=3;qu="requests"',
            '"member-requests";r=0',
        ),
        (
            replace(TEAM, window=Calendar(Period.MONTH), hard=0),
            0,
            '"team-money";q=0;qu="micro-usd";w=2592000',
            '"team-money";r=0;t=647200',
        ),
        (
            replace(TEAM, hard=MAX_AMOUNT, unit=Unit.TOKENS, window=FOREVER),
            0,
            f'"team-tokens";q={MAX_INTEGER};qu="tokens"',
            f'"team-tokens";r={MAX_INTEGER}',
        ),
    ],
)
def test_what_the_headers_say(limit: AppliedLimit, spent: int, policy: str, rest: str) -> None:
    assert headers(limit, spent) == (policy, rest)


@pytest.mark.parametrize("scope", [Scope.ORGANIZATION, Scope.PROXY])
def test_sec_64_how_much_others_may_spend_is_not_told(scope: Scope) -> None:
    assert headers(replace(TEAM, scope=scope)) is None
    assert headers(replace(TEAM, hard=None)) is None


def test_sec_47_no_pattern_breaks_out_of_its_string() -> None:
    limit = replace(TEAM, model='a"b\\c\r\né☂')
    found = headers(limit)
    assert found is not None
    for value in found:
        assert value.startswith('"team-money-a\\"b\\\\c????";')


def test_a_refusal_carries_them_beside_retry_after() -> None:
    decision = refuse(exceeded(TEAM, 10**10))
    names = [name for name, _ in decision.response_headers]
    assert names == [b"content-type", b"retry-after", b"ratelimit-policy", b"ratelimit"]
