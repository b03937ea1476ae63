"""The budget engine in process: no input or output of its own, one event loop.

Reservations live as long as the process; what is spent is kept longer where there is a ledger: each
reservation that ends is put there, and what it kept is given to `restore` at the next start.
"""

from collections.abc import Iterable, Sequence

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, check_amounts
from gatepass.plugin.budgets.arithmetic import REFUSED, Admission, Count, amount_to_hold
from gatepass.plugin.budgets.counters import Counter, Counters, Standings
from gatepass.plugin.budgets.engine import (
    Admitted,
    Call,
    Cost,
    EngineRules,
    Pending,
    Settlement,
    Unsettled,
)
from gatepass.plugin.budgets.ledger_rows import Charge, Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.recording import Ledger, ledger_row, microseconds
from gatepass.plugin.budgets.reservations import Reservation, Reservations, State
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from gatepass.rbac.budgets import MAX_AMOUNT

_FREE = Admitted(())
_AFTER = Admission.AFTER
_RELEASED = Cost(NOTHING, None, Outcome.RELEASED)


class MemoryBudgets:
    """Counters and reservations of one process; without a ledger nothing outlives it."""

    waits = False

    def __init__(self, clock: Clock, rules: EngineRules, ledger: Ledger | None = None) -> None:
        self.rules = rules
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._ledger = ledger
        self._counters = Counters()
        self._reservations = Reservations(clock.monotonic())
        self._last_at = 0

    def restore(self, counts: Iterable[tuple[str, Count]]) -> None:
        """Go on with what counters had before, by their names; before the first reservation."""
        for name, count in counts:
            self._counters.restore(name, count)

    async def open(self) -> None:
        """Do nothing: there is nothing to be reached."""

    async def close(self) -> None:
        """Do nothing: whoever made the ledger closes it."""

    async def ping(self) -> None:
        """Do nothing: what is in memory is there."""

    def reserve_now(self, call: Call) -> Admitted:
        """Reserve; see `BudgetEngine.reserve`.

        Raises:
            BudgetExceeded: with the first limit that does not suffice; nothing was reserved.
            InvalidAmount: the estimate is none.

        """
        estimate, limits, rules = call.estimate, call.limits, self.rules
        check_amounts(estimate)
        moment, reservations = self._monotonic(), self._reservations
        if moment >= reservations.next_deadline:
            self.expire_now()
        if not limits and not rules.records_all:
            return _FREE
        now, counters = self._wall(), self._counters
        if call.request_id in reservations.open:
            return Admitted(Standings(counters, limits, now))
        admission, running = rules.admission, counters.running
        looks_at_reserved = admission is not _AFTER
        held: list[Counter] = []
        amounts: list[int] = []
        unusual = []
        for limit in limits:  # the common way is taken without a call of another function
            counter = running.get(limit.counter)
            if (
                counter is None
                or counter.definition != limit.definition
                or (counter.ends_at is not None and now >= counter.ends_at)
            ):
                counter = counters.of(limit, now)
                unusual.append((limit, counter))
            hard = limit.hard
            if hard is None or limit.raised_until > now:
                hard = limit.hard_at(now)
            amount = estimate[limit.part]
            if not (looks_at_reserved and 0 < hard - counter.spent - counter.reserved >= amount):
                amount = amount_to_hold(admission, counter.spent, counter.reserved, amount, hard)
                if amount == REFUSED:
                    _take_back(held, amounts)
                    raise BudgetExceeded(counter.standing(limit, now), now)
            counter.reserved += amount
            held.append(counter)
            amounts.append(amount)
        for limit, counter in unusual:
            counters.begin(limit, counter, now)
        # two reservations of one request are told apart by it, also when the clock stands still
        self._last_at = at = max(microseconds(now), self._last_at + 1)
        deadline = moment + rules.reservation_timeout_seconds
        reservations.add(Reservation(call, held, amounts, at, deadline))
        return Admitted(Standings(counters, limits, now))

    async def reserve(self, call: Call) -> Admitted:
        """Reserve; see `BudgetEngine.reserve`."""
        return self.reserve_now(call)

    def withdraw_now(self, request_id: str) -> None:
        """Take an open reservation back as if it had not been made."""
        reservation = self._reservations.open.pop(request_id, None)
        if reservation is not None:
            _take_back(reservation.counters, reservation.amounts)

    async def withdraw(self, request_id: str) -> None:
        """Take an open reservation back as if it had not been made."""
        self.withdraw_now(request_id)

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Settle; see `BudgetEngine.settle`."""
        settlement = self.settle_now(request_id, cost)
        if self._ledger is not None:
            await self._ledger.durable(request_id)
        return settlement

    async def release(self, request_id: str) -> Settlement:
        """Settle at nothing."""
        return await self.settle(request_id, _RELEASED)

    def settle_now(self, request_id: str, cost: Cost) -> Settlement:
        """Settle without waiting until that is durable.

        Raises:
            InvalidAmount: the cost is none; nothing changed.
            StoreUnavailable: the ledger takes no rows now; nothing changed.

        """
        check_amounts(cost.amounts)
        reservation = self._reservations.find(request_id)
        if reservation is None:
            return Settlement.UNKNOWN
        if reservation.state is State.SETTLED:
            return Settlement.ALREADY_SETTLED
        state = State.SETTLED
        if cost.outcome is Outcome.EXPIRED:
            if reservation.state is State.OPEN:
                state = State.EXPIRED
            elif reservation.charged == cost.amounts:
                return Settlement.ALREADY_SETTLED
        self._end(reservation, cost, cost.outcome, state)
        return Settlement.SETTLED

    async def pending(self, request_id: str) -> Pending | None:
        """Return what is remembered of a reservation."""
        reservation = self._reservations.find(request_id)
        if reservation is None:
            return None
        call = reservation.call
        is_settled = reservation.state is State.SETTLED
        return Pending(call.model, call.price, call.estimate, is_settled)

    def may_remember(self, request_id: str) -> bool:
        """Answer whether there is a reservation of this request, or was one lately."""
        return self._reservations.find(request_id) is not None

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Return how limits stand now."""
        self.expire_now()
        now = self._wall()
        return list(Standings(self._counters, limits, now))

    async def expire(self) -> None:
        """End overdue reservations as the rules say."""
        self.expire_now()

    def expire_now(self, moment: float | None = None) -> int:
        """Do what `expire` does, and return how many there were.

        `moment` takes the place of the monotonic clock's. While the ledger is full they stay.
        """
        moment, expired = self._monotonic() if moment is None else moment, 0
        charge = self.rules.unsettled is Unsettled.CHARGE
        while (reservation := self._reservations.next_overdue(moment)) is not None:
            cost = Cost(reservation.call.estimate if charge else NOTHING)
            try:
                self._end(reservation, cost, Outcome.EXPIRED, State.EXPIRED)
            except StoreUnavailable:
                break
            expired += 1
        return expired

    def _end(self, reservation: Reservation, cost: Cost, outcome: Outcome, state: State) -> None:
        """Put the cost in the place of what is held, or of what was charged when it was overdue."""
        late = reservation.state is State.EXPIRED
        if self._ledger is not None:
            self._put(self._ledger, reservation, cost, Outcome.LATE if late else outcome)
        amounts, charged = cost.amounts, reservation.charged
        for counter, held, part in reservation.holds():
            if late:
                counter.spent = max(counter.spent - charged[part], 0)
            else:
                counter.reserved -= held
            spent = counter.spent + amounts[part]
            counter.spent = spent if spent <= MAX_AMOUNT else MAX_AMOUNT  # noqa: FURB136 - faster
        reservation.charged = amounts
        reservation.state = state
        if not late:
            timeout = self.rules.reservation_timeout_seconds
            self._reservations.finish(reservation, self._monotonic(), timeout)

    def _put(self, ledger: Ledger, reservation: Reservation, cost: Cost, outcome: Outcome) -> None:
        charges = [
            Charge(counter.name, counter.since, counter.ends_at, cost.amounts[part])
            for counter, _, part in reservation.holds()
        ]
        ended_at = microseconds(self._wall())
        row = ledger_row(
            reservation.call, cost, outcome, charges, at=reservation.at, ended_at=ended_at
        )
        ledger.put(row)


def _take_back(counters: Sequence[Counter], amounts: Sequence[int]) -> None:
    for counter, amount in zip(counters, amounts, strict=True):
        counter.reserved -= amount
