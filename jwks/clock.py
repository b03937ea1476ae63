"""Time as an argument: the wall clock judges tokens, the monotonic clock judges caches (SEC-66)."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the rest of the code may know about time; both in seconds."""

    def wall(self) -> float:
        """Return seconds since the epoch, as token claims count them."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards, for ages and deadlines."""
        ...


class SystemClock:
    """The machine's own clocks."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


SYSTEM_CLOCK: Clock = SystemClock()
