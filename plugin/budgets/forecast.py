"""When a limit will be used up, if what is spent goes on as it has since the window began. Pure.

A window without an end has no beginning to count from, and of the first hundredth of a window
nothing can be said; neither has a forecast.
"""

from math import ceil

from gatepass.plugin.budgets.limits import LimitStanding

_TOO_EARLY = 100
"""The part of a window that must have passed, as one in so many."""


def used_up_at(standing: LimitStanding, now: float) -> int | None:
    """Return when nothing will be left, in seconds since the epoch; None if that is not foreseen.

    What is used up already was used up by now. What the next window begins with is nothing, so
    beyond the end of this one nothing is foreseen.
    """
    if standing.hard is None:
        return None
    if standing.spent >= standing.hard:
        return int(now)
    start, end = standing.limit.window.bounds(now)
    if end is None or standing.spent == 0 or (now - start) * _TOO_EARLY < end - start:
        return None
    moment = ceil(now + (standing.hard - standing.spent) * (now - start) / standing.spent)
    ends_at = end if standing.ends_at is None else standing.ends_at
    return moment if moment < ends_at else None
