import math

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.freshness import Freshness, due


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((300, 0, 3600), ["min_refetch"]),
        ((300, -1, 3600), ["min_refetch"]),
        ((300, math.nan, 3600), ["min_refetch", "refresh"]),
        ((0, 1, 3600), ["refresh"]),
        ((1, 2, 3600), ["refresh"]),
        ((300, 1, 299), ["max_stale"]),
        ((300, 1, math.inf), ["max_stale"]),
        ((math.inf, 1, math.inf), ["max_stale"]),
        ((2, 3, 1), ["refresh", "max_stale"]),
        ((300, 1, 3600, -1), ["min_refresh"]),
        ((300, 1, 3600, math.nan), ["min_refresh"]),
    ],
)
def test_impossible_times_are_all_named(values: tuple[float, ...], named: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Freshness(*values)
    assert [problem.split(":")[0] for problem in refused.value.problems] == named


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [
        (None, 300),
        (0, 60),
        (59, 60),
        (60, 60),
        (120, 120),
        (300, 300),
        (301, 300),
        (86_400, 300),
    ],
)
def test_a_server_is_followed_within_bounds(said: float | None, lifetime: float) -> None:
    assert Freshness(300, 1, 3600, 60).lifetime(said) == lifetime


def test_no_server_can_make_keys_live_longer_or_be_asked_more_often_than_the_settings_say() -> None:
    assert Freshness(1, 1, 1, 60).lifetime(0) == 1
    assert Freshness(300, 100, 3600, 60).lifetime(0) == 100


def test_sec_25_waits_double_up_to_half_a_minute() -> None:
    waits = [Freshness(300, 1, 3600).backoff(failures) for failures in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert Freshness(300, 1, 3600).backoff(100_000) == 30
    assert Freshness(300, 60, 3600).backoff(1) == Freshness(300, 60, 3600).backoff(9) == 60
    assert Freshness(10, 1, 3600).backoff(9) == 10


def test_what_is_due_is_done_before_the_time_is_over() -> None:
    assert due(100, 0) == pytest.approx(95)
    assert due(100, 1) == pytest.approx(90)
