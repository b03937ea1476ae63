"""The counters of the budget engine in process: one for each limit of each subject, per window.

They go by gatepass.plugin.budgets.arithmetic, in place because that is fast. Whoever stands on the
counter of a window that is over keeps it and can do nothing to the new one. Memory is bounded by
the subjects whose window runs: a counter is kept from its first reservation on.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import floor
from typing import overload

from gatepass.plugin.budgets.arithmetic import Count
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding

_SWEEP = 2
"""Old counters looked at for every new one: more than one, so that sweeping outruns growth."""


class Counter:
    """What one limit has counted in one window; `ends_at` None is a window without end."""

    __slots__ = ("definition", "ends_at", "name", "reserved", "since", "spent")

    def __init__(self, name: str, count: Count) -> None:
        self.name = name
        self.spent, self.reserved, self.since, self.ends_at, self.definition = count

    def standing(self, limit: AppliedLimit, now: float) -> LimitStanding:
        """Return how a limit of this counter stands."""
        hard = None if limit.hard is None else limit.hard_at(now)
        ends_at = self.ends_at
        if self.definition != limit.definition:
            ends_at = limit.window.bounds(now)[1]
        return LimitStanding(limit, self.spent, self.reserved, hard, ends_at)


class Counters:
    """All counters of a process; `now` is always the wall clock's seconds since the epoch.

    `running` are those that somebody reserved on, by name; their windows may be over.
    """

    def __init__(self) -> None:
        self.running: OrderedDict[str, Counter] = OrderedDict()

    def __len__(self) -> int:
        return len(self.running)

    def restore(self, name: str, count: Count) -> None:
        """Go on with what was counted before this process began."""
        self.running[name] = Counter(name, count)

    def of(self, limit: AppliedLimit, now: float) -> Counter:
        """Return the counter that a limit is compared with now; looking changes nothing."""
        counter = self.running.get(limit.counter)
        if counter is not None and (counter.ends_at is None or now < counter.ends_at):
            return counter
        ends_at = limit.window.bounds(now)[1]
        return Counter(limit.counter, Count(0, 0, floor(now), ends_at, limit.definition))

    def begin(self, limit: AppliedLimit, counter: Counter, now: float) -> None:
        """Let a counter run that `of` returned for the limit, by the limit's own window."""
        if counter.definition != limit.definition:
            counter.ends_at = limit.window.bounds(now)[1]
            counter.definition = limit.definition
        if self.running.get(counter.name) is not counter:
            self._sweep(now)
            self.running[counter.name] = counter

    def _sweep(self, now: float) -> None:
        """Look at a few of the oldest counters, drop those of past windows, requeue the others.

        Reservations may stand on what is dropped: they hold it themselves.
        """
        for _ in range(min(_SWEEP, len(self.running))):
            name, counter = self.running.popitem(last=False)
            if counter.ends_at is None or now < counter.ends_at:
                self.running[name] = counter


class Standings(Sequence[LimitStanding]):
    """How limits stand, looked up when somebody wants to know."""

    __slots__ = ("_counters", "_limits", "_now")

    def __init__(self, counters: Counters, limits: Sequence[AppliedLimit], now: float) -> None:
        self._counters = counters
        self._limits = limits
        self._now = now

    def __len__(self) -> int:
        return len(self._limits)

    @overload
    def __getitem__(self, at: int) -> LimitStanding: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[LimitStanding]: ...

    def __getitem__(self, at: int | slice) -> LimitStanding | Sequence[LimitStanding]:
        """Return how one limit stands, or some."""
        if isinstance(at, slice):
            return Standings(self._counters, self._limits[at], self._now)
        limit = self._limits[at]
        return self._counters.of(limit, self._now).standing(limit, self._now)
