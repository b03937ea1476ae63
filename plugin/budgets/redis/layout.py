"""How budgets lie in Redis, for whoever reads or writes them beside the scripts.

Everything begins with `{DEPLOYMENT}:`, one hash tag, so that a cluster keeps it all in one slot.

    {D}:counter:JSON   what one limit has counted: a string of 36 bytes; JSON is the limit's name
    {D}:call:ID        the reservation of a request, and later that it has ended
    {D}:open           queue of reservations by when they are overdue: milliseconds, then the key
    {D}:ended          queue of ended ones by when they are forgotten: milliseconds, then the key
    {D}:windows        sorted set of counters by when their window ends, in seconds
    {D}:ledger         stream of records: what is reserved (`call`), how it ended (`end`)

Nothing has a time to live, because that would go by the server's clock and could take away what
still counts: what is past is removed by the scripts, a bounded piece at a time.

A counter is spent, reserved, since, end of its window or 0, checksum of the window's definition. An
amount is two numbers, billions and what is below them: Lua counts in doubles, which are exact up to
2**53 only. Spent and reserved have a double for the billions and 32 bits for the rest; where size
does not matter, an amount is two doubles. All numbers are little-endian.
"""

from functools import lru_cache
from struct import Struct, error, iter_unpack, unpack_from
from typing import NamedTuple
from zlib import crc32

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.errors import StoreUnavailable

_BILLION = 10**9
_COUNTER = Struct("<dIdIIII")
_AMOUNTS = Struct("<6d")
_LIMIT = Struct("<5d")
_HEAD = Struct("<sBHdd6d")
_LAST_SECOND = 2**32 - 1

ADMISSIONS = {Admission.STRICT: b"0", Admission.FIT: b"1", Admission.AFTER: b"2"}
BOOK = b"3"
"""What the scripts call the admission modes, and the one that refuses nothing."""

_FIT = ord(ADMISSIONS[Admission.FIT])


class Keys:
    """The keys of a deployment."""

    def __init__(self, deployment: str) -> None:
        tag = f"{{{deployment}}}:".encode()
        self.counter = tag + b"counter:"
        self.call = tag + b"call:"
        self.open = tag + b"open"
        self.ended = tag + b"ended"
        self.windows = tag + b"windows"
        self.ledger = tag + b"ledger"


class StoredCount(NamedTuple):
    """A counter as it is stored; `ends_at` None never ends."""

    spent: int
    reserved: int
    since: int
    ends_at: int | None
    checksum: int


class StoredCall(NamedTuple):
    """A reservation as it is stored; `made_at` is in microseconds since the epoch.

    `counters` are those that it stands on, `names` and `parts` in the same order; `memo` is what
    whoever reserved has to say.
    """

    state: bytes
    made_at: int
    estimate: Amounts
    counters: tuple[StoredCount, ...]
    names: tuple[str, ...]
    parts: tuple[int, ...]
    memo: bytes


OPEN, CHARGED, LAPSED, SETTLED = b"o", b"c", b"l", b"s"
"""The states of a reservation: it waits, it was overdue and was charged or not, it is settled."""


def write_amounts(amounts: Amounts) -> bytes:
    """Return what a call is estimated at, or costs."""
    nano, tokens, requests = amounts
    return _AMOUNTS.pack(
        *(nano // _BILLION, nano % _BILLION),
        *(tokens // _BILLION, tokens % _BILLION),
        *(requests // _BILLION, requests % _BILLION),
    )


def write_head(
    admission: bytes, limits: int, made_at: int, overdue_at: int, estimate: Amounts
) -> bytes:
    """Return how a reservation begins; in microseconds and in milliseconds since the epoch."""
    nano, tokens, requests = estimate
    return _HEAD.pack(
        OPEN,
        admission[0],
        limits,
        made_at,
        overdue_at,
        *(nano // _BILLION, nano % _BILLION),
        *(tokens // _BILLION, tokens % _BILLION),
        *(requests // _BILLION, requests % _BILLION),
    )


def write_limit(hard: int, part: int, ends_at: int | None, definition: str) -> bytes:
    """Return a limit as it counts now; a window that ends after 2106 counts as one without end."""
    last = 0 if ends_at is None or ends_at > _LAST_SECOND else ends_at
    return _LIMIT.pack(hard // _BILLION, hard % _BILLION, 2 * part + 1, last, checksum(definition))


@lru_cache(maxsize=10_000)
def checksum(definition: str) -> int:
    """Return what tells the definitions of two windows apart."""
    return crc32(definition.encode())


def read_counters(stored: bytes) -> tuple[StoredCount, ...]:
    """Return counters that lie one after the other.

    Raises:
        StoreUnavailable: somebody else wrote them.

    """
    try:
        return tuple(_count(*numbers) for numbers in iter_unpack(_COUNTER.format, stored))
    except (error, ValueError, OverflowError) as unreadable:
        raise StoreUnavailable from unreadable


def write_counter(count: StoredCount) -> bytes:
    """Return a counter as it is stored."""
    spent, reserved = divmod(count.spent, _BILLION), divmod(count.reserved, _BILLION)
    return _COUNTER.pack(*spent, *reserved, count.since, count.ends_at or 0, count.checksum)


def read_call(stored: bytes, keys: Keys) -> StoredCall:
    """Return a reservation; one that is settled names no counters any more.

    Raises:
        StoreUnavailable: somebody else wrote it.

    """
    try:
        state, admission, n, made_at, _, *estimate = _HEAD.unpack_from(stored)
        parts_at = _HEAD.size + _COUNTER.size * n
        counters = read_counters(stored[_HEAD.size : parts_at])
        if admission == _FIT:
            parts_at += 2 * 8 * n
        at, names = parts_at + 3 * n, []
        for length in unpack_from(f"<{n}H", stored, parts_at + n):
            names.append(stored[at : at + length].removeprefix(keys.counter).decode())
            at += length
        return StoredCall(
            state,
            int(made_at),
            Amounts(*(_whole(*estimate[i : i + 2]) for i in (0, 2, 4))),
            counters,
            tuple(names),
            tuple(part // 2 for part in stored[parts_at : parts_at + n]),
            stored[at:],
        )
    except (error, ValueError, OverflowError) as unreadable:
        raise StoreUnavailable from unreadable


def _count(  # noqa: PLR0913, PLR0917 - the numbers of a counter, in their order
    spent: float, rest: int, reserved: float, rest_reserved: int, since: int, ends: int, check: int
) -> StoredCount:
    return StoredCount(
        _whole(spent, rest), _whole(reserved, rest_reserved), since, ends or None, check
    )


def _whole(billions: float, rest: float) -> int:
    return int(billions) * _BILLION + int(rest)
