"""The budget engine in process: no input or output, one event loop.

Reserve puts the estimate on every limit that applies or on none; settle replaces it by the cost,
once per request; release takes it away; a reservation that nobody settles in time becomes a charge
of its estimate, which a late settle still corrects. A reservation made in one window and settled in
the next charges the window it was made in and has no effect on the new one.

What is spent lives as long as the process; keeping it longer is a ledger's job. Memory is bounded:
open reservations by their timeout, finished requests by count and age, counters by themselves.
"""

from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum
from math import inf

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.counters import Counter, Counters
from gatepass.plugin.budgets.limits import AppliedLimit, check_amount, exceeds
from gatepass.plugin.budgets.windows import resets_in
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.metering.prices import Price

MAX_FINISHED = 50_000
"""Finished requests per generation; up to twice as many are remembered."""


class Settlement(Enum):
    """What settling or releasing did."""

    SETTLED = "settled"
    ALREADY_SETTLED = "already settled"
    UNKNOWN = "unknown"


_Reservation = tuple[int, float, Sequence[Counter], Price | None]
"""Estimate in nano-dollars, monotonic deadline, the counters it stands on, the price.

A settled one stands on nothing.
"""


class MemoryBudgets:
    """Counters and reservations of one process.

    `reservation_timeout_seconds` is how long a reservation waits to be settled; a finished request
    is remembered for as long again.
    """

    def __init__(self, clock: Clock, reservation_timeout_seconds: float) -> None:
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._timeout = reservation_timeout_seconds
        self._counters = Counters()
        self._open: OrderedDict[str, _Reservation] = OrderedDict()  # oldest deadline first
        self._next_deadline = inf  # no open reservation is due before this
        self._finished: dict[str, _Reservation] = {}  # settled, or charged because overdue
        self._finished_before: dict[str, _Reservation] = {}
        self._next_generation = clock.monotonic() + reservation_timeout_seconds

    def reserve(
        self,
        request_id: str,
        limits: Sequence[AppliedLimit],
        estimate_nano: int,
        price: Price | None = None,
    ) -> None:
        """Put the estimate, in nano-dollars, on all limits or on none.

        `price` is remembered with the reservation, so that whoever settles can price the usage; it
        is the price of the moment at which the call was let through.
        A request that holds a reservation keeps it unchanged, because gateways repeat events; one
        that is finished is a new request. Without limits nothing is remembered.

        Raises:
            BudgetExceeded: naming the team's limit before the user's; nothing was reserved.
            InvalidAmount: the estimate is not a whole number from 0 to MAX_NANO_USD.

        """
        check_amount(estimate_nano)
        moment = self._monotonic()
        if moment >= self._next_deadline:
            self.expire()
        if request_id in self._open or not limits:
            return
        now = self._wall()
        self._counters.sweep(now)
        counters = []
        for limit in limits:
            counter = self._counters.of(limit, now)
            if exceeds(counter.spent, counter.reserved, estimate_nano, limit.budget.limit_nano_usd):
                raise self._refusal(limits, estimate_nano, now)
            counters.append(counter)
        for counter in counters:
            counter.reserved += estimate_nano
            counter.in_use = True
        deadline = moment + self._timeout
        self._open[request_id] = (estimate_nano, deadline, counters, price)
        if len(self._open) == 1:
            self._next_deadline = deadline

    def settle(self, request_id: str, cost_nano: int) -> Settlement:
        """Replace the request's reservation by its cost in nano-dollars; only the first one counts.

        The charge of an overdue reservation is corrected to the cost, in the window that it was
        made in.

        Raises:
            InvalidAmount: the cost is not a whole number from 0 to MAX_NANO_USD; nothing changed.

        """
        check_amount(cost_nano)
        reservation = self._open.pop(request_id, None)
        if reservation is None:
            return self._correct(request_id, cost_nano)
        estimate, deadline, counters, price = reservation
        for counter in counters:
            counter.reserved -= estimate
            counter.spent += cost_nano
        self._finish(request_id, (0, deadline, (), price))
        return Settlement.SETTLED

    def release(self, request_id: str) -> Settlement:
        """Take the request's reservation away: it cost nothing."""
        return self.settle(request_id, 0)

    def price_of(self, request_id: str) -> Price | None:
        """Return the price that was reserved with, also after the end; None when not remembered."""
        reservation = self._find(request_id)
        return None if reservation is None else reservation[3]

    def remembers(self, request_id: str) -> bool:
        """Answer whether there is a reservation of this request, or was one lately."""
        return self._find(request_id) is not None

    def _find(self, request_id: str) -> _Reservation | None:
        return (
            self._open.get(request_id)
            or self._finished.get(request_id)
            or self._finished_before.get(request_id)
        )

    def expire(self) -> int:
        """Turn overdue reservations into charges of their estimates; return how many there were.

        Reserving does this too, so that it needs no timer.
        """
        moment = self._monotonic()
        expired = 0
        while self._open:
            request_id, reservation = next(iter(self._open.items()))
            estimate, deadline, counters, _ = reservation
            if deadline > moment:
                self._next_deadline = deadline
                return expired
            del self._open[request_id]
            for counter in counters:
                counter.reserved -= estimate
                counter.spent += estimate
            self._finish(request_id, reservation)
            expired += 1
        self._next_deadline = inf
        return expired

    def _refusal(
        self, limits: Sequence[AppliedLimit], estimate_nano: int, now: float
    ) -> BudgetExceeded:
        """Say which limit refuses; all are looked at, because the order of `limits` is free."""
        exceeded = []
        for limit in limits:
            counter = self._counters.of(limit, now)
            if exceeds(counter.spent, counter.reserved, estimate_nano, limit.budget.limit_nano_usd):
                seconds = None if counter.end is None else resets_in(counter.end, now)
                exceeded.append((limit.scope, seconds))
        scope, seconds = min(exceeded, key=lambda pair: pair[0])  # "team" sorts before "user"
        return BudgetExceeded(scope, seconds)

    def _correct(self, request_id: str, cost_nano: int) -> Settlement:
        for finished in (self._finished, self._finished_before):
            if request_id not in finished:
                continue
            estimate, deadline, counters, price = finished[request_id]
            if not counters:
                return Settlement.ALREADY_SETTLED
            finished[request_id] = (0, deadline, (), price)
            for counter in counters:
                counter.spent += cost_nano - estimate
            return Settlement.SETTLED
        return Settlement.UNKNOWN

    def _finish(self, request_id: str, reservation: _Reservation) -> None:
        moment = self._monotonic()
        if len(self._finished) >= MAX_FINISHED or moment >= self._next_generation:
            self._finished_before = self._finished
            self._finished = {}
            self._next_generation = moment + self._timeout
        self._finished[request_id] = reservation
