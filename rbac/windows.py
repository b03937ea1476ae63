"""When a budget's window begins and ends: three kinds of windows, as pure arithmetic.

Windows are half open: the first second belongs to a window, its end is the start of the next one.
`Rolling` counts a fixed number of seconds from an anchor, which is stored when the budget is made.
`Calendar` goes by the days of a time zone: a day ends at its midnight, a week begins on Monday, and
so a window is an hour shorter or longer where the clocks change. `Forever` never ends.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from math import floor
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """A span of the calendar; the value is its name in settings and rows."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_DAYS = {Period.DAY: 1, Period.WEEK: 7}
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Forever:
    """One window without an end."""

    @property
    def name(self) -> str:
        """Return the text that no other window has."""
        return "forever"

    def bounds(self, now: float) -> tuple[int, None]:
        """Return the start and no end; both are seconds since the epoch."""
        del now
        return 0, None


@dataclass(frozen=True, slots=True)
class Rolling:
    """Windows of `seconds` each, one of which starts at `anchor`, in seconds since the epoch.

    Raises:
        ValueError: a window that is not longer than nothing.

    """

    seconds: int
    anchor: int

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ValueError("a window must be longer than nothing")

    @property
    def name(self) -> str:
        """Return the text that no other window has."""
        return f"{self.seconds}s@{self.anchor}"

    def bounds(self, now: float) -> tuple[int, int]:
        """Return start and end of the window that holds `now`, also before the anchor."""
        start = self.anchor + (floor(now) - self.anchor) // self.seconds * self.seconds
        return start, start + self.seconds


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days, weeks, months, quarters or years as a time zone of the IANA database counts them.

    Raises:
        ValueError: a time zone that does not exist.

    """

    period: Period
    zone: str = "UTC"

    def __post_init__(self) -> None:
        _zone(self.zone)

    @property
    def name(self) -> str:
        """Return the text that no other window has."""
        return f"{self.period.value}@{self.zone}"

    def bounds(self, now: float) -> tuple[int, int]:
        """Return start and end of the window that holds `now`."""
        zone = _zone(self.zone)
        today = datetime.fromtimestamp(floor(now), zone).date()
        first = _first_day(self.period, today)
        return _midnight(first, zone), _midnight(_next_first_day(self.period, first), zone)


FOREVER = Forever()

Window = Forever | Rolling | Calendar
"""A kind of window; `bounds(now)` says which one holds a moment, `name` tells two kinds apart."""


@lru_cache(maxsize=1_000)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as unknown:
        raise ValueError("there is no time zone of this name") from unknown


def _first_day(period: Period, today: date) -> date:
    if period is Period.DAY:
        return today
    if period is Period.WEEK:
        return today - timedelta(days=today.weekday())
    months = _MONTHS[period]
    return today.replace(month=(today.month - 1) // months * months + 1, day=1)


def _next_first_day(period: Period, first: date) -> date:
    if period in _DAYS:
        return first + timedelta(days=_DAYS[period])
    years, month = divmod(first.month - 1 + _MONTHS[period], _MONTHS[Period.YEAR])
    return first.replace(year=first.year + years, month=month + 1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins, the first time if the clocks go back over its midnight."""
    return floor(datetime.combine(day, time.min, zone).timestamp())
