"""How often an issuer is asked about tokens."""

from gatepass.jwks.freshness import Freshness
from gatepass.jwks.introspection_pace import (
    RESTING,
    TOO_MANY_AT_ONCE,
    TOO_MANY_PER_SECOND,
    Pace,
)

FRESHNESS = Freshness(refresh_seconds=300, min_refetch_seconds=1, max_stale_seconds=3600)


def begun(pace: Pace, now: float, times: int) -> list[str | None]:
    """Begin and end so many questions."""
    outcomes = []
    for _ in range(times):
        outcomes.append(pace.begin(now))
        if outcomes[-1] is None:
            pace.end()
    return outcomes


def test_sec_24_so_many_questions_are_under_way_at_most() -> None:
    pace = Pace(100, 2, FRESHNESS)
    assert [pace.begin(0), pace.begin(0), pace.begin(0)] == [None, None, TOO_MANY_AT_ONCE]
    assert pace.in_flight == 2
    pace.end()
    assert pace.begin(0) is None


def test_sec_24_so_many_questions_are_begun_in_a_second_at_most() -> None:
    pace = Pace(3, 100, FRESHNESS)
    assert begun(pace, 10.0, 4) == [None, None, None, TOO_MANY_PER_SECOND]
    assert begun(pace, 10.3, 1) == [TOO_MANY_PER_SECOND]
    assert begun(pace, 10.34, 2) == [None, TOO_MANY_PER_SECOND]
    assert begun(pace, 1000.0, 4) == [None, None, None, TOO_MANY_PER_SECOND]
    assert begun(pace, 900.0, 1) == [TOO_MANY_PER_SECOND], "no clock that jumps earns anything"


def test_sec_25_failures_are_backed_off_until_an_answer() -> None:
    pace = Pace(100, 100, FRESHNESS)
    waits, now = [], 0.0
    for _ in range(7):
        assert pace.begin(now) is None
        assert pace.begin(now) == (RESTING if pace.failures else None)
        while pace.in_flight:
            pace.end()
        pace.failed(now)
        pace.failed(now)  # what waited for the same outage counts once
        began = now
        while pace.begin(now) == RESTING:
            now += 0.5
        pace.end()
        waits.append(now - began)
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    pace.answered()
    assert begun(pace, now, 2) == [None, None]
    assert pace.failures == 0
