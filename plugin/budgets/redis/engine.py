"""The budget engine in Redis or Valkey: any number of processes and hosts count together.

Each operation is one script, and so one step for all others, in one round trip. What comes in one
turn of the event loop goes out together. A settlement that returned is in the stream of records, as
durable as the server's own file; whoever keeps the ledger reads it from there.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, check_amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import (
    Admitted,
    Call,
    Cost,
    EngineRules,
    Pending,
    Settlement,
)
from gatepass.plugin.budgets.ledger_rows import Outcome, storable
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.recording import microseconds
from gatepass.plugin.budgets.redis.connection import Word
from gatepass.plugin.budgets.redis.housekeeping import Housekeeping
from gatepass.plugin.budgets.redis.layout import (
    ADMISSIONS,
    BOOK,
    SETTLED,
    Keys,
    read_call,
    read_counters,
    write_amounts,
    write_head,
)
from gatepass.plugin.budgets.redis.link import RedisLink
from gatepass.plugin.budgets.redis.memo import Memos, read_memo, write_end
from gatepass.plugin.budgets.redis.prepared import PreparedLimits, Standings, standing
from gatepass.plugin.budgets.redis.scripts import RESERVE, SETTLE, WITHDRAW
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable
from gatepass.plugin.redis_place import RedisPlace

TIMEOUT_SECONDS = 1.0
"""How long anybody waits for the server."""

_MAX_REMEMBERED = 20_000
_MILLISECONDS = 1_000
_FREE = Admitted(())
_RELEASED = Cost(NOTHING, None, Outcome.RELEASED)
_SETTLEMENTS = (Settlement.SETTLED, Settlement.ALREADY_SETTLED, Settlement.UNKNOWN)


class RedisBudgets:
    """Counts in a Redis or Valkey."""

    waits: bool = True

    def __init__(self, place: RedisPlace, clock: Clock, rules: EngineRules) -> None:
        self.rules = rules
        self.keys = Keys(place.deployment)
        self.link = RedisLink(place.url, TIMEOUT_SECONDS)
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._limits = PreparedLimits(self.keys.counter)
        self._memos = Memos()
        self._remembered: OrderedDict[str, Call] = OrderedDict()  # what this process reserved
        self.housekeeping = Housekeeping(self.link, self.keys, clock, lambda: self.rules)

    async def open(self) -> None:
        """Connect; a server that is away is tried again, and meanwhile all reserving fails."""
        with suppress(StoreUnavailable):
            await self.link.open()
        self.housekeeping.start()

    async def close(self) -> None:
        """Let go of the server."""
        await self.housekeeping.close()
        await self.link.close()

    async def ping(self) -> None:
        """Raise StoreUnavailable when the server does not answer."""
        await self.link.ask("PING")

    def reserve_now(self, call: Call) -> Admitted:
        """Refuse: counting here waits for the server.

        Raises:
            StoreUnavailable: always.

        """
        del call
        raise StoreUnavailable

    def withdraw_now(self, request_id: str) -> None:
        """Refuse, as `reserve_now` does.

        Raises:
            StoreUnavailable: always.

        """
        del request_id
        raise StoreUnavailable

    async def reserve(self, call: Call) -> Admitted:
        """Put the estimate on all limits of the call or on none; see `BudgetEngine.reserve`."""
        check_amounts(call.estimate)
        limits, rules = call.limits, self.rules
        if not limits and not rules.records_all:
            return _FREE
        now = self._wall()
        self.housekeeping.soon()
        keys, arguments = self.reservation(call, now, ADMISSIONS[rules.admission])
        if self.housekeeping.doubtful:  # asked again before it was taken back
            self.housekeeping.doubtful.discard(self._key(call.request_id))
        try:
            reply = await self.link.run(RESERVE, keys, arguments)
        except (StoreUnavailable, asyncio.CancelledError):
            if call.request_id not in self._remembered:  # a repeat leaves what is known to stand
                self.housekeeping.doubt(self._key(call.request_id))
            raise
        if type(reply) is bytes:
            self._remember(call)
            return Admitted(Standings(limits, reply, now))
        number, counters = cast("tuple[int, bytes]", reply)
        if number:
            limit = limits[number - 1]
            raise BudgetExceeded(standing(limit, read_counters(counters)[0], now), now)
        return Admitted(Standings(limits, counters, now))

    async def book(self, call: Call, cost: Cost) -> Settlement:
        """Charge a call that was let through without a reservation, whatever its limits say.

        Raises:
            InvalidAmount: the cost is none; nothing changed.
            StoreUnavailable: it may or may not have been charged; book again.

        """
        check_amounts(call.estimate)
        check_amounts(cost.amounts)
        self.housekeeping.doubtful.discard(self._key(call.request_id))
        keys, arguments = self.reservation(call, self._wall(), BOOK)
        await self.link.run(RESERVE, keys, arguments)
        return await self.settle(call.request_id, cost)

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Put the cost in the place of the reservation; see `BudgetEngine.settle`."""
        check_amounts(cost.amounts)
        end = write_end(cost, microseconds(self._wall()))
        keys = self._key(request_id), self.keys.ledger
        unknown = int(cost.outcome is Outcome.EXPIRED)
        reply = await self.link.run(SETTLE, keys, (write_amounts(cost.amounts), end, unknown))
        self._remembered.pop(request_id, None)
        return _SETTLEMENTS[cast("int", reply)]

    async def release(self, request_id: str) -> Settlement:
        """Settle at nothing."""
        return await self.settle(request_id, _RELEASED)

    async def withdraw(self, request_id: str) -> None:
        """Take a reservation back as if it had never been made.

        Raises:
            StoreUnavailable: nobody knows whether it was.

        """
        await self.link.run(WITHDRAW, (self._key(request_id),), ())
        self._remembered.pop(request_id, None)

    async def pending(self, request_id: str) -> Pending | None:
        """Return what is remembered of a reservation; see `BudgetEngine.pending`."""
        call = self._remembered.get(request_id)
        if call is not None:
            return Pending(call.model, call.price, call.estimate, is_settled=False)
        stored = await self.link.ask("GET", self._key(request_id))
        if not isinstance(stored, bytes):
            return None
        known = read_call(stored, self.keys)
        memo, price = read_memo(known.memo)
        return Pending(memo.model, price, known.estimate, is_settled=known.state == SETTLED)

    def may_remember(self, request_id: str) -> bool:
        """Answer yes: only the server knows."""
        del request_id
        return True

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Return how limits stand now; see `BudgetEngine.standings`."""
        if not limits:
            return []
        now = self._wall()
        self.housekeeping.soon()
        stored = cast(
            "list[bytes | None]", await self.link.ask("MGET", *map(self._limits.key, limits))
        )
        return [
            standing(limit, read_counters(count)[0] if count else None, now)
            for limit, count in zip(limits, stored, strict=True)
        ]

    async def expire(self) -> None:
        """End what is overdue.

        Raises:
            StoreUnavailable: the server is away.

        """
        await self.housekeeping.expire()

    def reservation(
        self, call: Call, now: float, admission: bytes = ADMISSIONS[Admission.STRICT]
    ) -> tuple[tuple[bytes, ...], tuple[Word, ...]]:
        """Return keys and arguments of the script that reserves; `now` is the wall clock's."""
        keys, limits, key = self.keys, self._limits.at(call.limits, now), self._key(call.request_id)
        overdue = int((now + self.rules.reservation_timeout_seconds) * _MILLISECONDS)
        return (
            (keys.open, keys.windows, key, *limits.keys),
            (
                int(now),
                admission,
                write_head(admission, len(call.limits), microseconds(now), overdue, call.estimate),
                limits.units,
                limits.written,
                self._memos.write(call),
                b"%d%b" % (overdue, key),
            ),
        )

    def _remember(self, call: Call) -> None:
        remembered = self._remembered
        remembered[call.request_id] = call
        if len(remembered) > _MAX_REMEMBERED:
            remembered.popitem(last=False)

    def _key(self, request_id: str) -> bytes:
        return self.keys.call + storable(request_id).encode()
