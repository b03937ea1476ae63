from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window

DAY = 86_400
ZONES = sorted(available_timezones())


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("anchor", "seconds", "now", "start"),
    [
        (100, 10, 100.0, 100),
        (100, 10, 109.999, 100),
        (100, 10, 110.0, 110),
        (100, 10, 135.5, 130),
        (100, 10, 99.5, 90),
        (100, 10, 0.0, 0),
        (7, 10, 0.0, -3),
        (1_700_000_001, DAY, 1_700_000_001.0 + 3 * DAY - 0.001, 1_700_000_001 + 2 * DAY),
    ],
)
def test_a_window_of_seconds_is_half_open(
    anchor: int, seconds: int, now: float, start: int
) -> None:
    assert Rolling(seconds, anchor).bounds(now) == (start, start + seconds)


def test_forever_never_ends() -> None:
    assert FOREVER.bounds(10**12) == (0, None)


@pytest.mark.parametrize(
    ("period", "zone", "now", "start", "end"),
    [
        (Period.DAY, "UTC", "2026-02-28T23:59:59", "2026-02-28", "2026-03-01"),
        (Period.WEEK, "UTC", "2027-01-01T00:00:00", "2026-12-28", "2027-01-04"),
        (Period.WEEK, "UTC", "2026-12-28T00:00:00", "2026-12-28", "2027-01-04"),
        (Period.MONTH, "UTC", "2028-02-29T12:00:00", "2028-02-01", "2028-03-01"),
        (Period.MONTH, "Asia/Tokyo", "2026-12-31T23:00:00", "2026-12-01", "2027-01-01"),
        (Period.QUARTER, "UTC", "2026-11-23T00:00:00", "2026-10-01", "2027-01-01"),
        (Period.QUARTER, "UTC", "2026-04-01T00:00:00", "2026-04-01", "2026-07-01"),
        (Period.YEAR, "America/New_York", "2026-12-31T23:59:59", "2026-01-01", "2027-01-01"),
        # the clocks change: the day has 23 hours, then 25
        (Period.DAY, "Europe/Berlin", "2026-03-29T12:00:00", "2026-03-29", "2026-03-30"),
        (Period.DAY, "Europe/Berlin", "2026-10-25T12:00:00", "2026-10-25", "2026-10-26"),
        # the day has no midnight: it begins at one
        (Period.DAY, "America/Santiago", "2026-09-06T12:00:00", "2026-09-06T01", "2026-09-07"),
        # the day before has its last hour twice
        (Period.DAY, "America/Santiago", "2026-04-05T12:00:00", "2026-04-05", "2026-04-06"),
    ],
)
def test_calendars_go_by_the_midnights_of_their_zone(
    period: Period, zone: str, now: str, start: str, end: str
) -> None:
    assert Calendar(period, zone).bounds(at(now, zone)) == (at(start, zone), at(end, zone))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_on_which_the_clocks_change_have_their_own_length(day: str, hours: int) -> None:
    start, end = Calendar(Period.DAY, "Europe/Berlin").bounds(at(day, "Europe/Berlin"))
    assert end - start == hours * 3600


@given(
    st.sampled_from(Period),
    st.sampled_from(ZONES),
    st.integers(0, at("2200-01-01")).map(float) | st.floats(0, at("2200-01-01")),
)
def test_every_moment_is_in_one_window_and_windows_follow_each_other(
    period: Period, zone: str, now: float
) -> None:
    window = Calendar(period, zone)
    start, end = window.bounds(now)
    assert start <= now < end
    assert window.bounds(start) == window.bounds(end - 1) == (start, end)
    assert window.bounds(end)[0] == end
    assert window.bounds(start - 1)[1] == start


def test_two_windows_of_other_kinds_have_other_names() -> None:
    windows: list[Window] = [
        FOREVER,
        Rolling(60, 1),
        Rolling(60, 2),
        Rolling(61, 1),
        Calendar(Period.DAY),
        Calendar(Period.DAY, "Europe/Berlin"),
        Calendar(Period.WEEK),
    ]
    assert len({window.name for window in windows}) == len(windows)


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/City", "../etc/passwd", "/etc/passwd", "Europe", "\0"]
)
def test_a_zone_that_is_none_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Calendar(Period.DAY, zone)


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_window_of_no_length_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        Rolling(seconds, 0)
