"""The reservations of the budget engine in process: those that wait, and those that ended lately.

Memory is bounded: what waits by its deadline, what has ended by count and age. They wait in the
order in which they came, which is that of their deadlines as long as the timeout is one; after a
reload to a shorter one, those that are due before older ones stand in lines of their own as well.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from math import inf

import msgspec

from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.counters import Counter
from gatepass.plugin.budgets.engine import Call

MAX_FINISHED = 50_000
"""Finished requests per generation; up to twice as many are remembered."""


class State(Enum):
    """Whether somebody may still settle a reservation: yes, as a correction, or no more."""

    OPEN = auto()
    EXPIRED = auto()
    SETTLED = auto()


class Reservation(msgspec.Struct, gc=False):
    """What a call holds on its counters, in the order of its limits.

    `amounts` are what is reserved on each. `deadline` is on the monotonic clock, `at` on the wall
    clock, in microseconds. `charged` is what it was charged when it ended.
    """

    call: Call
    counters: Sequence[Counter]
    amounts: Sequence[int]
    at: int
    deadline: float
    charged: Amounts = NOTHING
    state: State = State.OPEN

    def holds(self) -> Iterable[tuple[Counter, int, int]]:
        """Return the counters, what is reserved on each, and which part of amounts it counts."""
        parts = [limit.part for limit in self.call.limits]
        return zip(self.counters, self.amounts, parts, strict=True)


class Reservations:
    """All reservations of a process; `moment` is always the monotonic clock's seconds."""

    def __init__(self, moment: float) -> None:
        self.open: OrderedDict[str, Reservation] = OrderedDict()  # oldest first
        self.next_deadline = inf
        """No open reservation is due before this."""

        self._latest_deadline = -inf
        self._earlier: list[deque[Reservation]] = []  # by deadline, each; ended ones stay a while
        self._finished: dict[str, Reservation] = {}
        self._finished_before: dict[str, Reservation] = {}
        self._next_generation = moment

    def add(self, reservation: Reservation) -> None:
        """Let a reservation wait for its end; an earlier one of the same id is forgotten."""
        request_id = reservation.call.request_id
        self._finished.pop(request_id, None)
        self._finished_before.pop(request_id, None)
        self.open[request_id] = reservation
        deadline = reservation.deadline
        self.next_deadline = min(self.next_deadline, deadline)
        if deadline >= self._latest_deadline:
            self._latest_deadline = deadline
        else:
            self._put_earlier(reservation)

    def next_overdue(self, moment: float) -> Reservation | None:
        """Return the reservation that is due first if nobody settled it in time; it stays open."""
        if not self.open:
            self.next_deadline, self._latest_deadline, self._earlier = inf, -inf, []
            return None
        reservation = next(iter(self.open.values()))
        for first in self._first_earlier():
            if first.deadline < reservation.deadline:
                reservation = first
        self.next_deadline = reservation.deadline
        return reservation if reservation.deadline <= moment else None

    def _put_earlier(self, reservation: Reservation) -> None:
        for line in self._earlier:
            if line[-1].deadline <= reservation.deadline:
                line.append(reservation)
                return
        self._earlier.append(deque([reservation]))

    def _first_earlier(self) -> list[Reservation]:
        """Return the first of every line that still waits."""
        is_open = self.open.get
        for line in self._earlier:
            while line and is_open(line[0].call.request_id) is not line[0]:
                line.popleft()
        self._earlier = [line for line in self._earlier if line]
        return [line[0] for line in self._earlier]

    def finished(self, request_id: str) -> Reservation | None:
        """Return a reservation that ended lately."""
        return self._finished.get(request_id) or self._finished_before.get(request_id)

    def find(self, request_id: str) -> Reservation | None:
        """Return the reservation of a request, whether it waits or has ended."""
        return self.open.get(request_id) or self.finished(request_id)

    def finish(self, reservation: Reservation, moment: float, remembered_seconds: float) -> None:
        """Remember a reservation that waits no more."""
        self.open.pop(reservation.call.request_id, None)
        if len(self._finished) >= MAX_FINISHED or moment >= self._next_generation:
            self._finished_before = self._finished
            self._finished = {}
            self._next_generation = moment + remembered_seconds
        self._finished[reservation.call.request_id] = reservation
