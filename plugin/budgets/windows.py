"""When a budget's window begins and ends: plain arithmetic on seconds since the epoch.

A window is half open: its first second belongs to it, its end is the next one's start. Calendar
months are not known here; a window is a fixed number of seconds counted from the budget's anchor.
"""

import math


def window_start(anchor: int, window_seconds: int, now: float) -> int:
    """Return the start of the window that holds `now`, also for a `now` before the anchor."""
    return anchor + (math.floor(now) - anchor) // window_seconds * window_seconds


def resets_in(window_end: int, now: float) -> int:
    """Return the whole seconds until a window ends, rounded up and at least 1."""
    return max(1, math.ceil(window_end - now))
