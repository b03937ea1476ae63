"""How many requests may wait for their bodies at one time, in all and of each caller.

Gateways read a body to its end before they answer us, at the client's pace. So a client that sends
slowly holds a connection; a few callers who do so on purpose must not hold all of them (SEC-41).
"""

MAX_WAITS = 1024
MAX_WAITS_OF_ONE = 64

Caller = tuple[str, str]
"""Issuer and subject."""


class BodyWaits:
    """Counts who waits."""

    def __init__(self, in_all: int = MAX_WAITS, of_one: int = MAX_WAITS_OF_ONE) -> None:
        self._in_all = in_all
        self._of_one = of_one
        self._waiting: dict[Caller, int] = {}
        self._all = 0

    def enter(self, who: Caller) -> bool:
        """Note one more who waits; answer whether that is not too many."""
        waiting = self._waiting.get(who, 0)
        if waiting >= self._of_one or self._all >= self._in_all:
            return False
        self._waiting[who] = waiting + 1
        self._all += 1
        return True

    def leave(self, who: Caller) -> None:
        """Note that one has its body, or waits no longer."""
        self._all -= 1
        if self._waiting[who] == 1:
            del self._waiting[who]
        else:
            self._waiting[who] -= 1


class Place:
    """The place of one who waits, left once by whoever has it."""

    __slots__ = ("_waits", "_who")

    def __init__(self, waits: BodyWaits, who: Caller) -> None:
        self._waits: BodyWaits | None = waits
        self._who = who

    def leave(self) -> None:
        """Make room for another one."""
        if self._waits is not None:
            self._waits.leave(self._who)
            self._waits = None

    def hand_on(self) -> "Place | None":
        """Return the place for somebody else to leave; None where it has been left."""
        if self._waits is None:
            return None
        place = Place(self._waits, self._who)
        self._waits = None
        return place
