"""Limits as the scripts take them: written once for as long as they count the same."""

from collections.abc import Sequence
from math import inf
from struct import pack
from typing import NamedTuple, overload

from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding
from gatepass.plugin.budgets.redis.layout import (
    StoredCount,
    checksum,
    read_counters,
    write_limit,
)

_MAX_PREPARED = 20_000


class _Prepared(NamedTuple):
    """One limit; it counts so from `begins` until `ends`, seconds since the epoch."""

    limit: AppliedLimit
    key: bytes
    part: bytes
    written: bytes
    begins: float
    ends: float


class Together(NamedTuple):
    """The limits of a call, as long as they count so: the keys of their counters, and the rest."""

    limits: Sequence[AppliedLimit]
    keys: list[bytes]
    units: bytes
    written: bytes
    begins: float
    ends: float


class PreparedLimits:
    """Writes limits for the scripts; `prefix` is what the key of every counter begins with."""

    def __init__(self, prefix: bytes) -> None:
        self._prefix = prefix
        self._prepared: dict[int, _Prepared] = {}
        self._together: dict[int, Together] = {}

    def at(self, limits: Sequence[AppliedLimit], now: float) -> Together:
        """Return limits as they count at `now`, in seconds since the epoch."""
        together = self._together.get(id(limits))
        if together is not None and together.begins <= now < together.ends:
            return together
        found = [self._single(limit, now) for limit in limits]
        lengths = [len(known.key) for known in found]
        together = Together(
            limits,
            [known.key for known in found],
            b"".join([known.part for known in found]) + pack(f"<{len(found)}H", *lengths),
            b"".join([known.written for known in found]),
            max((known.begins for known in found), default=-inf),
            min((known.ends for known in found), default=inf),
        )
        if len(self._together) >= _MAX_PREPARED:
            self._together.clear()
        self._together[id(limits)] = together  # which keeps the limits, and so their id
        return together

    def key(self, limit: AppliedLimit) -> bytes:
        """Return the key of a limit's counter."""
        return self._prefix + limit.counter.encode()

    def _single(self, limit: AppliedLimit, now: float) -> _Prepared:
        known = self._prepared.get(id(limit))
        if known is None or not known.begins <= now < known.ends:
            return self._prepare(limit, now)
        return known

    def _prepare(self, limit: AppliedLimit, now: float) -> _Prepared:
        if len(self._prepared) >= _MAX_PREPARED:
            self._prepared.clear()
        start, end = limit.window.bounds(now)
        begins, ends = float(start), inf if end is None else float(end)
        if now < limit.raised_until:
            ends = min(ends, limit.raised_until)
        else:
            begins = max(begins, limit.raised_until)
        key = self.key(limit)
        written = write_limit(limit.hard_at(now), limit.part, end, limit.definition)
        known = _Prepared(limit, key, bytes([2 * limit.part + 1]), written, begins, ends)
        self._prepared[id(limit)] = known  # which keeps the limit, and so its id
        return known


class Standings(Sequence[LimitStanding]):
    """How limits stand by what is stored of them, worked out when somebody looks."""

    def __init__(self, limits: Sequence[AppliedLimit], stored: bytes, now: float) -> None:
        self._limits = limits
        self._stored = stored
        self._now = now
        self._found: Sequence[LimitStanding] | None = None

    def __len__(self) -> int:
        return len(self._limits)

    @overload
    def __getitem__(self, index: int) -> LimitStanding: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[LimitStanding]: ...
    def __getitem__(self, index: int | slice) -> LimitStanding | Sequence[LimitStanding]:
        if self._found is None:
            counts = read_counters(self._stored)
            self._found = [
                standing(limit, count, self._now)
                for limit, count in zip(self._limits, counts, strict=True)
            ]
        return self._found[index]


def standing(limit: AppliedLimit, count: StoredCount | None, now: float) -> LimitStanding:
    """Return how a limit stands at `now`, in seconds since the epoch; None was never counted."""
    hard = None if limit.hard is None else limit.hard_at(now)
    if count is None or not count.since or (count.ends_at is not None and now >= count.ends_at):
        return LimitStanding(limit, 0, 0, hard, limit.window.bounds(now)[1])
    ends_at = count.ends_at
    if count.checksum != checksum(limit.definition):
        ends_at = limit.window.bounds(now)[1]
    return LimitStanding(limit, count.spent, count.reserved, hard, ends_at)
