"""Whether the counters in Redis are what the ledger says, and making them so again.

What is in the stream has to be in the ledger before, and nobody may be at work meanwhile: ledger
and counters are in two places. What is reserved stays as it is.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from gatepass.plugin.budgets.durable import ClosableLedger
from gatepass.plugin.budgets.ledger_audit import Difference
from gatepass.plugin.budgets.ledger_counting import Spent
from gatepass.plugin.budgets.redis.layout import (
    Keys,
    StoredCount,
    read_counters,
    write_counter,
)
from gatepass.plugin.budgets.redis.ledger_reader import LedgerReader
from gatepass.plugin.budgets.redis.link import RedisLink
from gatepass.plugin.redis_place import RedisPlace

_TIMEOUT_SECONDS = 5.0


@asynccontextmanager
async def open_counters(
    place: RedisPlace, ledger: ClosableLedger
) -> AsyncIterator["CountersInRedis"]:
    """Connect, and bring all records of the stream to the ledger before anything else.

    Raises:
        StoreUnavailable: Redis is away.

    """
    keys, link = Keys(place.deployment), RedisLink(place.url, _TIMEOUT_SECONDS)
    reader = LedgerReader(link, keys, ledger, take_over_seconds=0)
    try:
        await link.open()
        await reader.drain_all()
        yield CountersInRedis(link, keys)
    finally:
        await reader.close()
        await link.close()
        await ledger.close()


class CountersInRedis:
    """The counters of a deployment."""

    def __init__(self, link: RedisLink, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def differences(self, expected: Mapping[str, Spent], now: float) -> list[Difference]:
        """Return what is wrong with the counters; `now` is seconds since the epoch.

        Raises:
            StoreUnavailable: Redis is away, or holds what nobody can read.

        """
        found = []
        for name, spent in sorted(expected.items()):
            if _is_past(spent, now):
                continue  # nobody looks at it any more
            has = await self._read(name)
            if has is None:
                found.append(Difference(name, "spent", 0, spent.amount))
            elif has.since < spent.since:
                found.append(Difference(name, "window", has.since, spent.since))
            elif has.since == spent.since and has.spent != spent.amount:
                found.append(Difference(name, "spent", has.spent, spent.amount))
        return found

    async def rebuild(self, expected: Mapping[str, Spent], now: float) -> int:
        """Write what the ledger says into the counters, and return how many those are.

        Raises:
            StoreUnavailable: Redis is away, or holds what nobody can read.

        """
        count = 0
        for name, spent in expected.items():
            has = await self._read(name)
            if _is_past(spent, now) or (has is not None and has.since > spent.since):
                continue
            if has is None or has.since < spent.since:
                has = StoredCount(0, 0, spent.since, spent.ends_at, 0)
            key = self._keys.counter + name.encode()
            await self._link.ask(b"SET", key, write_counter(has._replace(spent=spent.amount)))
            if has.ends_at is not None:
                await self._link.ask(b"ZADD", self._keys.windows, has.ends_at, key)
            count += 1
        return count

    async def _read(self, name: str) -> StoredCount | None:
        stored = await self._link.ask(b"GET", self._keys.counter + name.encode())
        return read_counters(stored)[0] if isinstance(stored, bytes) else None


def _is_past(spent: Spent, now: float) -> bool:
    return spent.ends_at is not None and spent.ends_at <= now
