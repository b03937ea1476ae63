"""What was lent and is not counted yet: how much of it on each loan, and on each limit.

A loan is what one grace allows: so much money, for so long after its first call. On the counter of
a limit no more is lent than the limit itself, in its own unit; one of 0 lends nothing. Left to
others: when to lend, and how it is counted in the end (grace.py).
"""

import logging

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.engine import Call, Cost
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.grace import Grace

MAX_LENT = 10_000
"""How many calls with limits may be lent and not counted yet."""

MAX_UNLIMITED = 10_000
"""How many calls without limits wait to be written down; of more nothing is."""

_NO_GRACE = ""

_log = logging.getLogger("gatepass.budgets")


class Lent:
    """One call that passed uncounted; it holds its estimate, or its `cost` once somebody says."""

    __slots__ = ("call", "cost", "deadline", "holds")

    def __init__(self, call: Call, deadline: float) -> None:
        self.call = call
        self.holds = NOTHING
        self.deadline = deadline
        self.cost: Cost | None = None

    @property
    def grace(self) -> str:
        """Return the name of the loan that it belongs to."""
        grace = self.call.grace
        return _NO_GRACE if grace is None or not self.call.limits else grace.name


class _Loan:
    """What was lent of one grace and is not counted yet; `began` is the monotonic clock's."""

    __slots__ = ("began", "nano")

    def __init__(self, began: float) -> None:
        self.began = began
        self.nano = 0


class Loans:
    """Every call that is lent, by its request id in `lent`."""

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._wall = clock.wall
        self.lent: dict[str, Lent] = {}
        self._loans: dict[str, _Loan] = {}
        self._held: dict[str, int] = {}  # on the counter of a limit, in its unit
        self._unlimited = 0

    def lend(self, call: Call, timeout_seconds: float) -> bool:
        """Lend, for as long as a reservation has; False if nothing of the call is remembered.

        Raises:
            StoreUnavailable: it may not be lent.

        """
        moment, grace = self._monotonic(), call.grace
        if not call.limits:
            if self._unlimited >= MAX_UNLIMITED:
                return False
            self._unlimited += 1
        elif grace is None or call.price is None or not self._leaves_room(call):
            raise StoreUnavailable
        else:
            self._borrow(grace, call.estimate.nano, moment)
        lent = Lent(call, moment + timeout_seconds)
        self._hold(lent, call.estimate)
        self.lent[call.request_id] = lent
        return True

    def end(self, lent: Lent, cost: Cost) -> None:
        """Let a call hold what it did cost; what was said first counts, but for a mere estimate."""
        if lent.cost is None or lent.cost.outcome is Outcome.EXPIRED:
            lent.cost = cost
            self._hold(lent, cost.amounts)

    def forget(self, lent: Lent) -> None:
        """Let go of a call, once."""
        if self.lent.pop(lent.call.request_id, None) is None:
            return
        self._hold(lent, NOTHING)
        if not lent.call.limits:
            self._unlimited -= 1

    def close_if_counted(self, name: str) -> None:
        """Let a loan begin anew, if nothing of it is left to be counted."""
        if not any(other.grace == name for other in self.lent.values()):
            self._loans.pop(name, None)

    def _borrow(self, grace: Grace, nano: int, moment: float) -> None:
        loan = self._loans.get(grace.name) or _Loan(moment)
        if loan.nano + nano > grace.nano or moment >= loan.began + grace.seconds:
            raise StoreUnavailable
        if grace.name not in self._loans:
            _log.warning("calls pass uncounted", extra={"profile": grace.name})
            self._loans[grace.name] = loan

    def _leaves_room(self, call: Call) -> bool:
        """Answer whether what is lent, with this call, is within each of its limits."""
        if len(self.lent) - self._unlimited >= MAX_LENT:
            return False
        now = self._wall()
        for limit in call.limits:
            held, hard = self._held.get(limit.counter, 0), limit.hard_at(now)
            if held >= hard or held + call.estimate[limit.part] > hard:
                return False
        return True

    def _hold(self, lent: Lent, amounts: Amounts) -> None:
        """Let a call hold other amounts than before, on its loan and on its limits."""
        before, lent.holds = lent.holds, amounts
        loan = self._loans.get(lent.grace)
        if loan is not None:
            loan.nano += amounts.nano - before.nano
        for limit in lent.call.limits:
            held = self._held.get(limit.counter, 0) + amounts[limit.part] - before[limit.part]
            if held:
                self._held[limit.counter] = held
            else:
                self._held.pop(limit.counter, None)
