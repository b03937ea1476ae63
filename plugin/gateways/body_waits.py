"""How many requests may wait for their bodies at one time, in all and of each caller.

Kong reads a body to its end before it answers us, at the client's pace. So a client that sends
slowly holds a connection; a few callers who do so on purpose must not hold all of them (SEC-41).
"""

from collections import Counter

MAX_WAITS = 1024
MAX_WAITS_OF_ONE = 64

Caller = tuple[str, str]
"""Issuer and subject."""


class BodyWaits:
    """Counts who waits."""

    def __init__(self, in_all: int = MAX_WAITS, of_one: int = MAX_WAITS_OF_ONE) -> None:
        self._in_all = in_all
        self._of_one = of_one
        self._waiting: Counter[Caller] = Counter()

    def enter(self, who: Caller) -> bool:
        """Note one more who waits; answer whether that is not too many."""
        if self._waiting[who] >= self._of_one or self._waiting.total() >= self._in_all:
            return False
        self._waiting[who] += 1
        return True

    def leave(self, who: Caller) -> None:
        """Note that one has its body, or waits no longer."""
        self._waiting[who] -= 1
        if not self._waiting[who]:
            del self._waiting[who]
