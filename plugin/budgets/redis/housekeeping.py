"""What has to be ended or taken back in Redis, besides what callers ask for.

What is overdue is ended before anybody reserves, in the same round trip, a bounded piece at a time;
and every few seconds where nobody does. A call that was refused because no answer came may have
been reserved all the same: it is taken back as soon as the server answers, so that nobody pays for
it. A process that ends before leaves that to the reservation's own end.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.engine import EngineRules, Unsettled
from gatepass.plugin.budgets.recording import microseconds
from gatepass.plugin.budgets.redis.connection import ConnectionLost, Reply, Word
from gatepass.plugin.budgets.redis.layout import Keys
from gatepass.plugin.budgets.redis.link import RedisLink
from gatepass.plugin.budgets.redis.memo import write_overdue
from gatepass.plugin.budgets.redis.scripts import EXPIRE, WITHDRAW
from gatepass.plugin.errors import StoreUnavailable

EXPIRE_AT_ONCE = 100
"""How many overdue reservations one script ends at most."""

_SOON_SECONDS = 0.05
_IDLE_SECONDS = 5.0
_KEEP_WINDOWS_SECONDS = 3600
_MAX_DOUBTFUL = 20_000
_MILLISECONDS = 1_000


class Housekeeping:
    """Ends and takes back; `rules` tells how, at each time anew."""

    def __init__(
        self, link: RedisLink, keys: Keys, clock: Clock, rules: Callable[[], EngineRules]
    ) -> None:
        self._link = link
        self._call = keys.call
        self._keys = (keys.open, keys.ended, keys.windows, keys.ledger)
        self._clock = clock
        self._rules = rules
        self._next = clock.monotonic()
        self._task: asyncio.Task[None] | None = None
        self.doubtful: set[bytes] = set()
        """Keys of reservations that nobody may know of."""

    def start(self) -> None:
        """Begin to look every few seconds."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def soon(self) -> None:
        """Let what is overdue be ended before what is asked next, in the same round trip."""
        moment, connection = self._clock.monotonic(), self._link.connection
        if moment < self._next or connection is None:
            return
        self._next = moment + _SOON_SECONDS
        words = (b"EVALSHA", EXPIRE.digest, len(self._keys), *self._keys, *self._arguments())
        with suppress(ConnectionLost):  # whoever asks next hears of it
            connection.send(words).add_done_callback(self._ended)

    async def expire(self) -> None:
        """End everything that is overdue.

        Raises:
            StoreUnavailable: the server is away.

        """
        reply: Reply = EXPIRE_AT_ONCE
        while reply == EXPIRE_AT_ONCE:
            reply = await self._link.run(EXPIRE, self._keys, self._arguments())

    def doubt(self, key: bytes) -> None:
        """Note a reservation that was refused, and made perhaps."""
        if len(self.doubtful) < _MAX_DOUBTFUL:
            self.doubtful.add(key)

    async def withdraw_doubtful(self) -> None:
        """Take back what may have been reserved for calls that were refused.

        Raises:
            StoreUnavailable: the server is away; what is left is tried again.

        """
        while self.doubtful:
            key = self.doubtful.pop()
            try:
                await self._link.run(WITHDRAW, (key,), ())
            except StoreUnavailable:
                self.doubt(key)
                raise

    def _arguments(self) -> tuple[Word, ...]:
        now, rules = self._clock.wall(), self._rules()
        charged = rules.unsettled is Unsettled.CHARGE
        return (
            int(now * _MILLISECONDS),
            EXPIRE_AT_ONCE,
            int(charged),
            int(rules.reservation_timeout_seconds * _MILLISECONDS),
            write_overdue(microseconds(now), charged=charged),
            int(now) - _KEEP_WINDOWS_SECONDS,
        )

    def _ended(self, answer: "asyncio.Future[Reply]") -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        if answer.result() == EXPIRE_AT_ONCE:  # there may be more
            self._next = self._clock.monotonic()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_IDLE_SECONDS)
            with suppress(StoreUnavailable):
                await self.withdraw_doubtful()
                await self.expire()
