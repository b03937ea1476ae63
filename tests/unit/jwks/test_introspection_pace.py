"""How often an issuer is asked about tokens."""

from gatepass.jwks.freshness import Freshness
from gatepass.jwks.introspection_pace import (
    RESTING,
    STUMBLES,
    TOO_MANY_AT_ONCE,
    TOO_MANY_PER_SECOND,
    Pace,
)

FRESHNESS = Freshness(refresh_seconds=300, min_refetch_seconds=1, max_stale_seconds=3600)


def begun(pace: Pace, now: float, times: int, *, known: bool = True) -> list[str | None]:
    """Begin and end so many questions."""
    outcomes = []
    for _ in range(times):
        outcomes.append(pace.begin(now, known=known))
        if outcomes[-1] is None:
            pace.end()
    return outcomes


def test_sec_24_so_many_questions_are_under_way_at_most() -> None:
    pace = Pace(100, 2, FRESHNESS)
    assert [pace.begin(0, known=True), pace.begin(0, known=True), pace.begin(0, known=True)] == [
        None,
        None,
        TOO_MANY_AT_ONCE,
    ]
    assert pace.in_flight == 2
    pace.end()
    assert pace.begin(0, known=True) is None


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
        assert pace.begin(now, known=True) is None
        assert pace.begin(now, known=True) == (RESTING if pace.failures else None)
        while pace.in_flight:
            pace.end()
        pace.failed(now)
        pace.failed(now)  # what waited for the same outage counts once
        began = now
        while pace.begin(now, known=True) == RESTING:
            now += 0.5
        pace.end()
        waits.append(now - began)
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    pace.answered()
    assert begun(pace, now, 2) == [None, None]
    assert pace.failures == 0


def stumble(pace: Pace, now: float, times: int, *, known: bool) -> None:
    """Let the server stumble over so many tokens, each another one."""
    for number in range(times):
        pace.stumbled(b"%d" % number, now, known=known)


def test_sec_24_strangers_leave_half_of_what_is_under_way_to_known_tokens() -> None:
    for in_flight, for_strangers in ((1, 1), (2, 1), (5, 3), (32, 16)):
        pace = Pace(100, in_flight, FRESHNESS)
        begins = [pace.begin(0, known=False) for _ in range(in_flight + 1)]
        assert begins.count(None) == for_strangers
        assert begins[-1] == TOO_MANY_AT_ONCE
        begins = [pace.begin(0, known=True) for _ in range(in_flight)]
        assert begins.count(None) == in_flight - for_strangers


def test_sec_24_strangers_leave_half_of_a_second_to_known_tokens() -> None:
    for per_second, for_strangers in ((1, 1), (2, 1), (5, 3), (100, 50)):
        pace = Pace(per_second, 1000, FRESHNESS)
        outcomes = begun(pace, 10.0, per_second + 1, known=False)
        assert outcomes.count(None) == for_strangers
        assert outcomes[-1] == TOO_MANY_PER_SECOND
        assert begun(pace, 10.0, per_second).count(None) == per_second - for_strangers


def test_sec_24_a_flood_that_lasts_takes_nothing_of_the_half_for_known_tokens() -> None:
    pace, served = Pace(100, 32, FRESHNESS), 0
    for hundredth in range(500):
        now = hundredth / 100
        begun(pace, now, 20, known=False)
        served += begun(pace, now, 1).count(None) if hundredth % 2 else 0
    assert served == 250


def test_sec_25_a_server_that_stumbles_over_many_tokens_in_a_row_is_left_alone() -> None:
    for known in (True, False):
        pace = Pace(100, 100, FRESHNESS)
        stumble(pace, 0, STUMBLES - 1, known=known)
        assert (pace.failures, begun(pace, 0, 1, known=known)) == (0, [None])
        stumble(pace, 0, STUMBLES - 1, known=known)
        assert pace.failures == 0, "the same tokens again are no others"
        pace.answered()
        stumble(pace, 0, STUMBLES - 1, known=known)
        assert pace.failures == 0, "an answer in between begins anew"
        pace.stumbled(b"one more", 0, known=known)
        assert (pace.failures, begun(pace, 0.9, 1, known=known)) == (1, [RESTING])
        assert begun(pace, 1, 1, known=known) == [None]
        pace.stumbled(b"the one that was let through", 1, known=known)
        assert (pace.failures, begun(pace, 2.9, 1, known=known)) == (2, [RESTING])
        assert begun(pace, 3, 1, known=known) == [None]
        pace.answered()
        assert begun(pace, 3, 2, known=known) == [None, None]


def test_sec_24_strangers_over_which_a_server_stumbles_keep_no_known_token_out() -> None:
    pace = Pace(100, 100, FRESHNESS)
    stumble(pace, 0, STUMBLES, known=False)
    assert begun(pace, 0, 1, known=False) == [RESTING]
    assert begun(pace, 0, 1) == [None]
    pace.stumbled(b"known", 0, known=True)
    assert begun(pace, 0, 1) == [None]
    pace.answered()
    assert begun(pace, 0, 1, known=False) == [None]
    stumble(pace, 0, STUMBLES, known=False)
    assert begun(pace, 0, 1, known=False) == [RESTING], "an answer ends the rest of before"


def test_sec_25_a_server_that_answers_badly_does_answer() -> None:
    pace = Pace(100, 100, FRESHNESS)
    pace.failed(0)
    assert begun(pace, 0, 1) == [RESTING]
    stumble(pace, 1, STUMBLES, known=False)
    assert begun(pace, 1, 1, known=False) == [RESTING]
    assert begun(pace, 1, 1) == [None], "it is strangers over which it stumbles"
    pace.failed(10)
    stumble(pace, 20, 1, known=True)
    assert pace.failures == 3, "strangers still are where they were"
    pace.answered()
    pace.failed(30)
    stumble(pace, 31, 1, known=False)
    assert pace.failures == 0
