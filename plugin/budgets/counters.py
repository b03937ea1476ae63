"""The counters of the budget engine in process: one for each budget of each subject, per window.

A counter only rolls forward: a wall clock that jumps back extends its window and does not give the
money out twice (SEC-66). A new window starts at nothing; whoever stands on the old counter keeps it
and can do nothing to the new one. Memory is bounded by the subjects whose window runs.
"""

from collections import OrderedDict

from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.windows import window_start
from gatepass.rbac.principals import Budget

_SWEEP = 2
"""Old counters looked at for every new one: more than one, so that sweeping outruns growth."""


class Counter:
    """Money of one budget of one subject in one window; `end` None is a window without end.

    `in_use` is set with the first reservation, whatever its estimate: a cost may come for it.
    """

    __slots__ = ("anchor", "end", "in_use", "reserved", "spent", "window_seconds")

    def __init__(self, budget: Budget, now: float) -> None:
        self.spent = 0
        self.reserved = 0
        self.in_use = False
        self.count_for(budget, now)

    def count_for(self, budget: Budget, now: float) -> None:
        """Take over the budget's window that holds `now`."""
        self.anchor = budget.anchor
        self.window_seconds = budget.window_seconds
        self.end: int | None = None
        if budget.window_seconds is not None:
            start = window_start(budget.anchor, budget.window_seconds, now)
            self.end = start + budget.window_seconds

    def is_past(self, now: float) -> bool:
        """Answer whether the window is over."""
        return self.end is not None and now >= self.end


class Counters:
    """All counters of a process; `now` is always the wall clock's seconds since the epoch."""

    def __init__(self) -> None:
        self._counters: OrderedDict[tuple[str, str, str], Counter] = OrderedDict()
        self._unswept = 0

    def __len__(self) -> int:
        return len(self._counters)

    def of(self, limit: AppliedLimit, now: float) -> Counter:
        """Return the counter that a limit is compared with now.

        A budget whose window was redefined keeps what was spent, so that an edit is never a gift.
        """
        budget, key = limit.budget, limit.key
        counter = self._counters.get(key)
        if counter is None:
            self._unswept += 1
        elif counter.end is None or now < counter.end:
            if counter.window_seconds != budget.window_seconds or counter.anchor != budget.anchor:
                counter.count_for(budget, now)
            return counter
        self._counters[key] = counter = Counter(budget, now)
        return counter

    def sweep(self, now: float) -> None:
        """Look at a few of the oldest counters, drop what nobody needs, requeue the others.

        Not needed are past windows, although reservations may stand on them (they hold them
        themselves), and what was made for a request that was refused. To be called only when no
        reservation is being made: its counters are not in use yet.
        """
        if not self._unswept:
            return
        for _ in range(min(_SWEEP * self._unswept, len(self._counters))):
            key, counter = self._counters.popitem(last=False)
            if counter.in_use and not counter.is_past(now):
                self._counters[key] = counter
        self._unswept = 0
