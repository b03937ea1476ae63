"""From the stream of records in Redis to the ledger in SQL: every record once, whatever crashes.

Each process reads as a member of one group, so that a record has one reader. It is acknowledged and
taken out of the stream when it is in the ledger, and not before; what a process had in hand when it
ended is taken over by another one a while later. A record that comes twice changes nothing, because
it is known by its id and time. One that cannot be read or kept stays in the stream, unacknowledged,
for a person to look at; it is counted in `refused` and stands in nobody's way.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from gatepass.plugin.budgets.ledger_writer import GROUP_ROWS, LedgerStore, LedgerWriter
from gatepass.plugin.budgets.redis.layout import Keys
from gatepass.plugin.budgets.redis.link import RedisLink
from gatepass.plugin.budgets.redis.stream import ledger_row
from gatepass.plugin.errors import StoreUnavailable

if TYPE_CHECKING:
    from gatepass.plugin.budgets.ledger_rows import LedgerRow

GROUP = b"ledger"
_PAUSE_SECONDS = 0.05
_AWAY_SECONDS = 0.5
_TAKE_OVER_SECONDS = 30.0
_MAKE_GROUP = b"""
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not made.err:find('BUSYGROUP') then return made end
return 'OK'
"""

_log = logging.getLogger("gatepass.ledger")

_Entry = tuple[bytes, Sequence[bytes] | None]
"""The number of a record and its fields, names and values in turn; None when it is gone."""


class LedgerReader:
    """One member of the group; `take_over_seconds` is how long another one may hold a record."""

    def __init__(
        self,
        link: RedisLink,
        keys: Keys,
        store: LedgerStore,
        *,
        take_over_seconds: float = _TAKE_OVER_SECONDS,
    ) -> None:
        self._link = link
        self._keys = keys
        self._writer = LedgerWriter(store, group_seconds=0)
        self._name = secrets.token_hex(8).encode()
        self._take_over_milliseconds = int(take_over_seconds * 1000)
        self._has_group = False
        self._left: set[bytes] = set()  # entries that nobody can read or keep
        self._task: asyncio.Task[None] | None = None

    @property
    def refused(self) -> int:
        """Return how many records this process has left in the stream for good."""
        return len(self._left)

    def start(self) -> None:
        """Begin to read."""
        self._writer.start()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; what is in hand is finished, or left to others."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._writer.close()

    async def drain_all(self) -> None:
        """Bring over everything, what others have in hand included; nobody may be at work.

        Raises:
            StoreUnavailable: Redis is away.

        """
        self._writer.start()
        await self.drain()
        await self._take_over()

    async def drain(self) -> int:
        """Bring over all that is in the stream now, and return how many records those were.

        Raises:
            StoreUnavailable: Redis is away.

        """
        count = 0
        while entries := await self._next():
            count += await self._bring(entries)
        return count

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        look_back = loop.time()
        while True:
            pause = _PAUSE_SECONDS
            try:
                if loop.time() >= look_back:
                    look_back = loop.time() + self._take_over_milliseconds / 1000
                    await self._take_over()
                await self.drain()
            except StoreUnavailable:
                self._has_group = False  # it may have gone with everything else
                pause = _AWAY_SECONDS
            await asyncio.sleep(pause)

    async def _make_group(self) -> None:
        if not self._has_group:
            await self._link.ask(b"EVAL", _MAKE_GROUP, 1, self._keys.ledger, GROUP)
            self._has_group = True

    async def _next(self) -> Sequence[_Entry]:
        """Return records that nobody has read yet."""
        await self._make_group()
        words = (b"COUNT", GROUP_ROWS, b"STREAMS", self._keys.ledger, b">")
        reply = await self._link.ask(b"XREADGROUP", b"GROUP", GROUP, self._name, *words)
        if reply is None:
            return []
        ((_, entries),) = cast("list[tuple[bytes, list[_Entry]]]", reply)
        return entries

    async def _take_over(self) -> None:
        """Bring over what others read a while ago and did not finish, and what this one did not."""
        await self._make_group()
        cursor = b"0-0"
        while True:
            words = (GROUP, self._name, self._take_over_milliseconds, cursor, b"COUNT", GROUP_ROWS)
            reply = await self._link.ask(b"XAUTOCLAIM", self._keys.ledger, *words)
            cursor, entries, *_ = cast("tuple[bytes, list[_Entry]]", reply)
            await self._bring([entry for entry in entries if entry[0] not in self._left])
            if cursor == b"0-0":
                return

    async def _bring(self, entries: Sequence[_Entry]) -> int:
        """Put records into the ledger, and take those out of the stream that are in it."""
        rows: dict[bytes, LedgerRow] = {}
        done = []
        for number, fields in entries:
            if not fields:  # somebody took it out of the stream
                done.append(number)
                continue
            try:
                rows[number] = ledger_row(
                    dict(zip(fields[::2], fields[1::2], strict=True)), self._keys
                )
            except StoreUnavailable:
                self._leave(number)
        for row in rows.values():
            self._writer.put(row)
        for number, row in rows.items():
            try:
                await self._writer.durable(row.request_id)
            except StoreUnavailable:
                self._leave(number)
            else:
                done.append(number)
        if done:
            await self._link.ask(b"XACK", self._keys.ledger, GROUP, *done)
            await self._link.ask(b"XDEL", self._keys.ledger, *done)
        return len(rows)

    def _leave(self, number: bytes) -> None:
        self._left.add(number)
        _log.error("a record stays in the stream", extra={"entry": repr(number)})
