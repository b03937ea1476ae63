"""The slow reference model of budgets: it keeps everything for ever and adds it up anew each time.

It is written from the rules of gatepass.plugin.budgets.arithmetic and engine, and uses neither.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import Call, EngineRules, Settlement, Unsettled
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, LimitKey, LimitStanding

MOST = 2**63 - 1


@dataclass
class Window:
    """One window of one counter, and everything that ever happened to it, in order."""

    since: int
    ends_at: int | None
    definition: str
    changes: list[int] = field(default_factory=list)
    reserved: dict[int, int] = field(default_factory=dict)

    @property
    def spent(self) -> int:
        total = 0
        for change in self.changes:
            total = min(max(total + change, 0), MOST)
        return total


@dataclass
class Entry:
    """One reservation: on which windows it stands, and how it ended."""

    number: int
    call: Call
    windows: Sequence[Window]
    deadline: float
    outcome: Outcome | None = None
    charged: Amounts = NOTHING
    ended_at: float = 0.0


@dataclass
class BudgetModel:
    """What every engine must do."""

    rules: EngineRules
    windows: dict[LimitKey, Window] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    past: list[Entry] = field(default_factory=list)

    def window(self, limit: AppliedLimit, now: float) -> Window:
        """Return the window that counts now, or the one that would begin."""
        known = self.windows.get(limit.key)
        if known is None or (known.ends_at is not None and known.ends_at <= now):
            return Window(math.floor(now), limit.window.bounds(now)[1], limit.window.name)
        return known

    def standing(self, limit: AppliedLimit, now: float) -> LimitStanding:
        window = self.window(limit, now)
        ends_at = window.ends_at
        if window.definition != limit.window.name:
            ends_at = limit.window.bounds(now)[1]
        reserved = sum(window.reserved.values())
        hard = limit.hard
        if hard is not None and now < limit.raised_until:
            hard = min(hard + limit.raised_by, MOST)
        return LimitStanding(limit, window.spent, reserved, hard, ends_at)

    def is_open(self, request_id: str) -> bool:
        entry = self.entries.get(request_id)
        return entry is not None and entry.outcome is None

    def room(self, limit: AppliedLimit, estimate: int, now: float) -> int | None:
        """Return what the limit would reserve, or None when it refuses."""
        _, spent, reserved, hard, _ = self.standing(limit, now)
        hard = MOST if hard is None else hard
        if self.rules.admission is Admission.AFTER:
            return None if spent >= hard else 0
        if spent + reserved >= hard:
            return None
        if spent + reserved + estimate <= hard:
            return estimate
        return hard - spent - reserved if self.rules.admission is Admission.FIT else None

    def refusing(self, call: Call, now: float) -> AppliedLimit | None:
        """Return the first limit that does not suffice."""
        for limit in call.limits:
            if self.room(limit, call.estimate[limit.part], now) is None:
                return limit
        return None

    def reserve(self, call: Call, now: float, deadline: float) -> None:
        """Note a reservation that has to be let through."""
        number = len(self.past) + len(self.entries)
        windows = []
        for limit in call.limits:
            amount = self.room(limit, call.estimate[limit.part], now)
            assert amount is not None
            window = self.window(limit, now)
            if window.definition != limit.window.name:
                window.ends_at = limit.window.bounds(now)[1]
                window.definition = limit.window.name
            self.windows[limit.key] = window
            window.reserved[number] = amount
            windows.append(window)
        if call.request_id in self.entries:
            self.past.append(self.entries[call.request_id])
        self.entries[call.request_id] = Entry(number, call, windows, deadline)

    def withdraw(self, request_id: str) -> None:
        entry = self.entries.pop(request_id)
        for window in entry.windows:
            del window.reserved[entry.number]
        entry.windows = ()
        entry.outcome = None
        self.past.append(entry)  # only so that numbers are never used twice

    def settle(
        self, request_id: str, amounts: Amounts, outcome: Outcome, moment: float
    ) -> Settlement:
        entry = self.entries.get(request_id)
        if entry is None:
            return Settlement.UNKNOWN
        if entry.outcome not in {None, Outcome.EXPIRED}:
            return Settlement.ALREADY_SETTLED
        late = entry.outcome is Outcome.EXPIRED
        if late and outcome is Outcome.EXPIRED and entry.charged == amounts:
            return Settlement.ALREADY_SETTLED
        self._end(entry, amounts, Outcome.LATE if late else outcome, moment)
        return Settlement.SETTLED

    def expire(self, moment: float) -> None:
        for entry in self.entries.values():
            if entry.outcome is None and entry.deadline <= moment:
                charge = self.rules.unsettled is Unsettled.CHARGE
                amounts = entry.call.estimate if charge else NOTHING
                self._end(entry, amounts, Outcome.EXPIRED, moment)

    def _end(self, entry: Entry, amounts: Amounts, outcome: Outcome, moment: float) -> None:
        for limit, window in zip(entry.call.limits, entry.windows, strict=True):
            if entry.outcome is None:
                del window.reserved[entry.number]
            else:
                window.changes.append(-entry.charged[limit.part])
            window.changes.append(amounts[limit.part])
        entry.charged = amounts
        entry.outcome = outcome
        entry.ended_at = moment
