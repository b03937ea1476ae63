import logging

import pytest

from gatepass.jwks.unknown_keys import FLOOD, MAX_NAMES, UnknownKeys


def _waits(unknown: UnknownKeys, times: int) -> list[float]:
    """Miss a name again as soon as it may ask; return how long it had to wait each time."""
    now, waits = 0.0, []
    for _ in range(times):
        unknown.miss("made-up", now)
        began = now
        while not unknown.may_ask("made-up", now):
            now += 0.5
        waits.append(now - began)
    return waits


def test_sec_24_a_name_that_was_missed_waits_twice_as_long_each_time() -> None:
    assert _waits(UnknownKeys("i", 2), 7) == [2, 4, 8, 16, 30, 30, 30]
    assert _waits(UnknownKeys("i", 100), 3) == [100, 100, 100]


def test_another_name_may_ask_at_once() -> None:
    unknown = UnknownKeys("i", 2)
    unknown.miss("made-up", 0)
    assert not unknown.may_ask("made-up", 1.9)
    assert unknown.may_ask("another", 0)


def test_of_all_that_waited_for_one_load_the_first_counts() -> None:
    unknown = UnknownKeys("i", 2)
    for _ in range(50):
        unknown.miss("made-up", 0)
    assert unknown.may_ask("made-up", 2)


def test_other_keys_let_every_name_ask_anew() -> None:
    unknown = UnknownKeys("i", 2)
    unknown.miss("made-up", 0)
    unknown.forget()
    assert unknown.may_ask("made-up", 0)
    assert len(unknown) == 0


def test_sec_24_the_names_are_bounded_and_the_oldest_goes_first() -> None:
    unknown = UnknownKeys("i", 2)
    for number in range(MAX_NAMES):
        unknown.miss(f"made-up-{number}", 0)
    unknown.miss("made-up-0", 0)  # is the newest now
    unknown.miss("one-more", 0)
    assert len(unknown) == MAX_NAMES
    assert not unknown.may_ask("made-up-0", 0)
    assert unknown.may_ask("made-up-1", 0)
    assert not unknown.may_ask("made-up-2", 0)


def test_sec_60_a_flood_is_told_of_once_and_without_names(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unknown = UnknownKeys("https://idp.example", 2)
    for number in range(FLOOD - 1):
        unknown.refuse(number * 0.001)
    assert not caplog.records
    for number in range(100_000):
        unknown.refuse(1 + number * 0.001)
    assert unknown.refused == 100_000 + FLOOD - 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "issuer https://idp.example: a flood of tokens that name keys which it does not publish; "
        "they are refused without asking it each time"
    )
    for number in range(FLOOD):
        unknown.refuse(1000 + number * 60)
    assert len(caplog.records) == 2, "after a quiet minute it is another flood"


def test_a_token_now_and_then_is_no_flood(caplog: pytest.LogCaptureFixture) -> None:
    unknown = UnknownKeys("i", 2)
    for number in range(5 * FLOOD):
        unknown.refuse(number * 61)
    assert not caplog.records
    assert unknown.refused == 5 * FLOOD
