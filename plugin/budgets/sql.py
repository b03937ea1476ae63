"""The budget engine in SQL: counters, reservations and ledger in one database, for many processes.

Every call is an operation in a batch, and every batch a transaction; a settlement that returned is
in the ledger. A call that was refused because no answer came is not charged (doubtful.py). What the
operations do is the database's business (sqlite_operations.py, postgresql_operations.py), by one
arithmetic.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.amounts import NOTHING, check_amounts
from gatepass.plugin.budgets.arithmetic import Count, rolled
from gatepass.plugin.budgets.batches import Batches
from gatepass.plugin.budgets.doubtful import Doubtful
from gatepass.plugin.budgets.engine import (
    Admitted,
    Call,
    Cost,
    EngineRules,
    Payer,
    Pending,
    Settlement,
)
from gatepass.plugin.budgets.ledger_rows import Outcome, storable
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.memos import read_memo, write_memo
from gatepass.plugin.budgets.sql_operations import (
    Counts,
    End,
    Find,
    Found,
    Look,
    Operation,
    Operations,
    Reserve,
    Result,
    Withdraw,
)
from gatepass.plugin.errors import BudgetExceeded, StoreUnavailable

Kind = TypeVar("Kind")

TAKE_BACK_SECONDS = 0.5
"""How often is tried to take back what may have been reserved, where nobody else asks."""

_FREE = Admitted(())
_RELEASED = Cost(NOTHING, None, Outcome.RELEASED)


class SqlBudgets:
    """Counts in a database that may be shared."""

    waits: bool = True

    def __init__(self, operations: Operations, clock: Clock, rules: EngineRules) -> None:
        self.rules = rules
        self._operations = operations
        self._wall = clock.wall
        self._batches: Batches[Operation, Result] = Batches(self._do)
        self._doubtful = Doubtful()
        self._taking_back: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Do nothing: the database is opened by whoever owns its schema."""

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""
        await self._batches.close()
        if self._taking_back is not None:
            self._taking_back.cancel()
            await asyncio.wait([self._taking_back])
        if self._doubtful:
            with suppress(StoreUnavailable):
                await self._do(())
        await self._operations.close()

    async def ping(self) -> None:
        """Raise StoreUnavailable when the database does not answer."""
        await self._batches.ask(Look(()))

    def reserve_now(self, call: Call) -> Admitted:
        """Refuse: counting here waits for the database.

        Raises:
            StoreUnavailable: always.

        """
        del call
        raise StoreUnavailable

    async def reserve(self, call: Call) -> Admitted:
        """Put the estimate on all limits of the call or on none; see `BudgetEngine.reserve`."""
        check_amounts(call.estimate)
        if not call.limits and not self.rules.records_all:
            return _FREE
        reservation = _reservation(call)
        answer = self._batches.put(reservation)
        try:
            result = await answer
        except (StoreUnavailable, asyncio.CancelledError):
            self._take_back(Withdraw(call.request_id, (reservation.memo,)))
            raise
        if not isinstance(result, Counts):
            raise StoreUnavailable
        now = self._wall()
        if result.refused is not None:
            refusing = [call.limits[result.refused]]
            raise BudgetExceeded(_standings(refusing, result.counts, now)[0], now)
        return Admitted(_standings(call.limits, result.counts, now))

    async def settle(self, request_id: str, cost: Cost) -> Settlement:
        """Put the cost in the place of the reservation; see `BudgetEngine.settle`."""
        return await self._ask(_end(request_id, cost), Settlement)

    async def release(self, request_id: str) -> Settlement:
        """Settle at nothing."""
        return await self.settle(request_id, _RELEASED)

    async def book(self, call: Call, cost: Cost) -> Settlement:
        """Charge a call that was let through without a reservation, whatever its limits say.

        Raises:
            InvalidAmount: the cost is none; nothing changed.
            StoreUnavailable: it may or may not have been charged; book again.

        """
        end = _end(call.request_id, cost)
        return await self._ask(_reservation(call, end), Settlement)

    async def withdraw(self, request_id: str) -> None:
        """Take a reservation back as if it had never been made.

        Raises:
            StoreUnavailable: nobody knows whether it was.

        """
        await self._batches.ask(Withdraw(request_id))

    def withdraw_now(self, request_id: str) -> None:
        """Refuse, as `reserve_now` does.

        Raises:
            StoreUnavailable: always.

        """
        del request_id
        raise StoreUnavailable

    async def pending(self, request_id: str) -> Pending | None:
        """Return what is remembered of a reservation; see `BudgetEngine.pending`."""
        found = await self._batches.ask(Find(request_id))
        if not isinstance(found, Found):
            return None
        return read_memo(found.memo, is_settled=found.is_settled)

    async def expire(self) -> None:
        """End overdue reservations; whatever else is asked does that as well.

        Raises:
            StoreUnavailable: nobody knows whether they ended.

        """
        await self._batches.ask(Look(()))

    def may_remember(self, request_id: str) -> bool:
        """Answer yes: only the database knows."""
        del request_id
        return True

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        """Return how limits stand now; see `BudgetEngine.standings`."""
        result = await self._ask(Look(limits), Counts)
        return _standings(limits, result.counts, self._wall())

    async def _ask(self, operation: Operation, kind: type[Kind]) -> Kind:
        result = await self._batches.ask(operation)
        if not isinstance(result, kind):
            raise StoreUnavailable
        return result

    async def _do(self, operations: Sequence[Operation]) -> Sequence[Result]:
        first = self._doubtful.take(operations)
        try:
            found = await self._operations.do([*first, *operations], self.rules, self._wall())
        except StoreUnavailable:
            for withdraw in first:
                self._doubtful.add(withdraw)
            raise
        return found[len(first) :]

    def _take_back(self, withdraw: Withdraw) -> None:
        """Let it be taken back after all that is in line; where that fails, again and again."""

        def done(answer: asyncio.Future[Result]) -> None:
            if isinstance(answer.exception(), StoreUnavailable):
                self._doubt(withdraw)

        try:
            self._batches.put(withdraw).add_done_callback(done)
        except StoreUnavailable:
            self._doubt(withdraw)

    def _doubt(self, withdraw: Withdraw) -> None:
        self._doubtful.add(withdraw)
        if self._taking_back is None or self._taking_back.done():
            self._taking_back = asyncio.get_running_loop().create_task(self._keep_taking_back())

    async def _keep_taking_back(self) -> None:
        while self._doubtful:
            await asyncio.sleep(TAKE_BACK_SECONDS)
            with suppress(StoreUnavailable):
                await self.expire()


def _reservation(call: Call, cost: End | None = None) -> Reserve:
    who = Payer(*(text if text is None else storable(text) for text in call.who))
    return Reserve(
        request_id=call.request_id,
        limits=call.limits,
        estimate=call.estimate,
        who=who,
        model=storable(call.model) or None,
        price_version=None if call.price is None else call.price.version or None,
        memo=write_memo(call),
        cost=cost,
    )


def _end(request_id: str, cost: Cost) -> End:
    check_amounts(cost.amounts)
    usage = cost.usage
    tokens = (0, 0, 0, 0)
    if usage is not None:
        read, written = usage.input_tokens, usage.output_tokens
        tokens = (read, written, usage.cached_tokens, usage.reasoning_tokens)
    return End(request_id, cost.amounts, tokens, cost.outcome, priced=usage is not None)


def _standings(
    limits: Sequence[AppliedLimit], counts: Sequence[Count | None], now: float
) -> list[LimitStanding]:
    standings = []
    for limit, stored in zip(limits, counts, strict=True):
        count = rolled(stored, limit.window, now)
        hard = None if limit.hard is None else limit.hard_at(now)
        standings.append(LimitStanding(limit, count.spent, count.reserved, hard, count.ends_at))
    return standings
