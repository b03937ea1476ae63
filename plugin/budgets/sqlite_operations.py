"""The SQL engine's operations on a SQLite file, by the arithmetic that all engines share.

A transaction has the file to itself, also among processes, so that what it reads is still true when
it writes.
"""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from gatepass.plugin.budgets.amounts import NOTHING, Amounts
from gatepass.plugin.budgets.arithmetic import (
    REFUSED,
    Count,
    Held,
    amount_to_hold,
    corrected,
    rolled,
    settled,
)
from gatepass.plugin.budgets.engine import EngineRules, Settlement, Unsettled
from gatepass.plugin.budgets.ledger_rows import Charge, LedgerRow, Outcome
from gatepass.plugin.budgets.recording import microseconds
from gatepass.plugin.budgets.sql_operations import (
    Counts,
    End,
    Find,
    Found,
    Look,
    Operation,
    Reserve,
    Result,
    Withdraw,
)
from gatepass.plugin.budgets.sqlite_ledger import keep
from gatepass.plugin.budgets.sqlite_thread import SqliteThread

MAX_ENDED = 100
"""Overdue reservations that one transaction ends, and old ones that it forgets."""

_COUNTER = (
    "SELECT spent, reserved, since, ends_at, definition FROM budget_counters WHERE counter = ?"
)
_COUNT = (
    "INSERT OR REPLACE INTO budget_counters "
    "(counter, spent, reserved, since, ends_at, definition) VALUES (?, ?, ?, ?, ?, ?)"
)
_COLUMNS = (
    *("request_id", "at", "deadline", "state", "holds", "nano", "tokens", "requests"),
    *("issuer", "user_id", "team_id", "organization_id", "end_user_id", "model"),
    *("price_version", "memo"),
)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM budget_reservations"  # noqa: S608 - names of ours
_ONE = f"{_SELECT} WHERE request_id = ?"
_OVERDUE = f"{_SELECT} WHERE state = 'open' AND deadline <= ? ORDER BY deadline LIMIT {MAX_ENDED}"
_KEEP = (
    f"INSERT OR REPLACE INTO budget_reservations ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of ours
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_FORGET = (
    "DELETE FROM budget_reservations WHERE request_id IN (SELECT request_id "  # noqa: S608 - a number of ours
    "FROM budget_reservations WHERE state IN ('done', 'expired') AND deadline <= ? "
    f"LIMIT {MAX_ENDED})"
)


class _Hold(msgspec.Struct, array_like=True):
    """What a reservation has on a counter; `part` is the unit's place in `Amounts`."""

    counter: str
    since: int
    ends_at: int | None
    part: int
    amount: int


_HOLDS = msgspec.json.Decoder(list[_Hold])


class SqliteOperations:
    """Does operations in the file that the thread writes."""

    def __init__(self, thread: SqliteThread) -> None:
        self._thread = thread

    async def do(
        self, operations: Sequence[Operation], rules: EngineRules, now: float
    ) -> Sequence[Result]:
        """Do all of them in one transaction; see `Operations.do`.

        Where limits are only looked at, and nothing is overdue, nobody has to wait for the file.
        """
        looks = [one for one in operations if isinstance(one, Look) and one.limits]
        if len(looks) == len(operations):
            found = await self._thread.read(
                lambda connection: _Transaction(connection, rules, now).look(looks)
            )
            if found is not None:
                return found
        return await self._thread.write(
            lambda connection: _Transaction(connection, rules, now).do(operations)
        )

    async def close(self) -> None:
        """Close the file."""
        await self._thread.close()


class _Transaction:
    def __init__(self, connection: sqlite3.Connection, rules: EngineRules, now: float) -> None:
        self._execute = connection.execute
        self._connection = connection
        self._rules = rules
        self._now = now
        self._at = microseconds(now)
        self._timeout = microseconds(rules.reservation_timeout_seconds)

    def look(self, operations: Sequence[Look]) -> list[Result] | None:
        """Return how limits stand, or None where something has to be ended before."""
        if self._execute(_OVERDUE, (self._at,)).fetchone() is not None:
            return None
        return [self._do(operation) for operation in operations]

    def do(self, operations: Sequence[Operation]) -> list[Result]:
        self._expire({one.request_id for one in operations if isinstance(one, Withdraw)})
        return [self._do(operation) for operation in operations]

    def _do(self, operation: Operation) -> Result:
        match operation:
            case Reserve():
                return self._reserve(operation)
            case End():
                return self._settle(operation)
            case Withdraw():
                self._withdraw(operation)
                return None
            case Look(limits):
                return Counts([self._count(limit.counter) for limit in limits])
            case Find(request_id):
                found = self._find(request_id)
                return None if found is None else Found(found["memo"], found["state"] == "done")

    def _expire(self, withdrawn: Collection[str]) -> None:
        charges = self._rules.unsettled is Unsettled.CHARGE
        for row in self._execute(_OVERDUE, (self._at,)).fetchall():
            overdue = dict(zip(_COLUMNS, row, strict=True))
            if overdue["request_id"] in withdrawn:
                continue
            estimate = Amounts(overdue["nano"], overdue["tokens"], overdue["requests"])
            amounts = estimate if charges else NOTHING
            cost = End(overdue["request_id"], amounts, (0, 0, 0, 0), Outcome.EXPIRED, priced=False)
            self._end(overdue, cost)
        self._execute(_FORGET, (self._at,))

    def _reserve(self, call: Reserve) -> Counts | Settlement:
        found = self._find(call.request_id)
        if call.cost is not None and found is not None:
            return self._settle(call.cost)
        if found is not None and found["state"] == "open":
            return Counts([self._count(limit.counter) for limit in call.limits])
        counts, holds = [], []
        for place, limit in enumerate(call.limits):
            count = rolled(self._count(limit.counter), limit.window, self._now)
            amount = 0
            if call.cost is None:
                amount = amount_to_hold(
                    self._rules.admission,
                    count.spent,
                    count.reserved,
                    call.estimate[limit.part],
                    limit.hard_at(self._now),
                )
            if amount == REFUSED:
                return Counts([count], place)
            counts.append(count._replace(reserved=count.reserved + amount))
            holds.append(_Hold(limit.counter, count.since, count.ends_at, limit.part, amount))
        for limit, count in zip(call.limits, counts, strict=True):
            self._execute(_COUNT, (limit.counter, *count))
        row = (
            call.request_id,
            # two calls of one id are told apart by it, also when the clock stands still
            self._at if found is None else max(self._at, found["at"] + 1),
            self._at + self._timeout,
            "open",
            msgspec.json.encode(holds).decode(),
            *call.estimate,
            *call.who,
            call.model,
            call.price_version,
            call.memo,
        )
        self._execute(_KEEP, row)
        return Counts(counts) if call.cost is None else self._settle(call.cost)

    def _withdraw(self, operation: Withdraw) -> None:
        request_id, memos = operation.request_id, operation.memos
        found = self._find(request_id)
        if found is None or found["state"] != "open" or (memos and found["memo"] not in memos):
            return
        for hold in _HOLDS.decode(found["holds"]):
            count = self._count(hold.counter)
            if count is not None:
                self._execute(
                    _COUNT, (hold.counter, *settled(count, Held(hold.amount, hold.since), 0))
                )
        self._execute("DELETE FROM budget_reservations WHERE request_id = ?", (request_id,))

    def _settle(self, cost: End) -> Settlement:
        found = self._find(cost.request_id)
        if found is None:
            return Settlement.UNKNOWN
        if found["state"] == "done" or (
            found["state"] == "expired"
            and cost.outcome is Outcome.EXPIRED
            and (found["nano"], found["tokens"], found["requests"]) == cost.amounts
        ):
            return Settlement.ALREADY_SETTLED
        self._end(found, cost)
        return Settlement.SETTLED

    def _end(self, found: dict[str, Any], cost: End) -> None:
        late = found["state"] == "expired"
        outcome = Outcome.LATE if late else cost.outcome
        charged = found["nano"], found["tokens"], found["requests"]
        charges = []
        for hold in _HOLDS.decode(found["holds"]):
            amount = cost.amounts[hold.part]
            count = self._count(hold.counter)
            ends_at = hold.ends_at
            if count is not None and count.since == hold.since:
                ends_at = count.ends_at
                if late:
                    count = corrected(count, hold.since, charged[hold.part], amount)
                else:
                    count = settled(count, Held(hold.amount, hold.since), amount)
                self._execute(_COUNT, (hold.counter, *count))
            charges.append(Charge(hold.counter, hold.since, ends_at, amount))
        row = LedgerRow(
            request_id=cost.request_id,
            at=found["at"],
            settled_at=self._at,
            issuer=found["issuer"],
            user_id=found["user_id"],
            team_id=found["team_id"],
            organization_id=found["organization_id"],
            end_user_id=found["end_user_id"],
            model=found["model"],
            input_tokens=cost.tokens[0],
            output_tokens=cost.tokens[1],
            cached_tokens=cost.tokens[2],
            reasoning_tokens=cost.tokens[3],
            nano=cost.amounts.nano,
            price_version=found["price_version"] if cost.priced else None,
            outcome=outcome,
            charges=tuple(charges),
        )
        keep(self._connection, row)
        ended = {
            "state": "expired" if outcome is Outcome.EXPIRED else "done",
            "deadline": self._at + self._timeout,
            **cost.amounts._asdict(),
        }
        self._execute(_KEEP, [ended.get(name, found[name]) for name in _COLUMNS])

    def _count(self, counter: str) -> Count | None:
        row = self._execute(_COUNTER, (counter,)).fetchone()
        return None if row is None else Count(*row)

    def _find(self, request_id: str) -> dict[str, Any] | None:
        row = self._execute(_ONE, (request_id,)).fetchone()
        return None if row is None else dict(zip(_COLUMNS, row, strict=True))
