"""The ledger's writer: many records in one transaction, and whoever waits hears when it is durable.

A record that is put into the writer joins the group that is being collected. A group is written
when the one before it is, and not before it has been open for a moment; so the busier the service,
the larger its groups. Groups are written in the order in which they were filled. A store that is
away is tried again until it is back, with the same group. A record that no store would take is
told apart from the others and given up, so that it does not stand in their way; it is counted in
`refused`. Memory is bounded: a queue that is full takes nothing more.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from gatepass.plugin.budgets.ledger_rows import LedgerRow, replaces
from gatepass.plugin.errors import StoreUnavailable

GROUP_SECONDS = 0.002
"""How long the first record of a group waits for others."""

GROUP_ROWS = 1_000
MAX_QUEUED_ROWS = 100_000
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0

_log = logging.getLogger("gatepass.ledger")


class LedgerStore(Protocol):
    """Where records stay."""

    async def append(self, rows: Sequence[LedgerRow]) -> None:
        """Keep all of the records and count their charges, or none; a known one changes nothing.

        Raises:
            StoreUnavailable: it cannot be done right now.

        """
        ...


class LedgerFull(StoreUnavailable):
    """The ledger's queue is full; whoever reports usage should come later."""


class _Group:
    """Records that become durable together."""

    __slots__ = ("_done", "refused", "rows")

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], LedgerRow] = {}
        self.refused: set[str] = set()
        self._done = asyncio.Event()

    def finish(self) -> None:
        self._done.set()

    async def wait_for(self, request_id: str) -> None:
        await self._done.wait()
        if request_id in self.refused:
            raise StoreUnavailable


class LedgerWriter:
    """Writes records into a store, in groups; to be started in the loop that puts them."""

    def __init__(
        self,
        store: LedgerStore,
        *,
        group_seconds: float = GROUP_SECONDS,
        max_queued_rows: int = MAX_QUEUED_ROWS,
    ) -> None:
        self._store = store
        self._group_seconds = group_seconds
        self._max_queued = max_queued_rows
        self._groups: list[_Group] = []  # the last one is being filled, the first may be written
        self._where: dict[str, _Group] = {}
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.refused = 0

    def __len__(self) -> int:
        return len(self._where)

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more can be taken; whoever reports usage should come later."""
        return len(self._where) >= self._max_queued

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, row: LedgerRow) -> None:
        """Queue a record; `durable` tells when it is kept.

        Raises:
            LedgerFull: the queue is full, or the writer has been closed; nothing happened.

        """
        if self._closing or self.is_full:
            raise LedgerFull
        group = self._groups[-1] if self._groups else None
        if group is None or len(group.rows) >= GROUP_ROWS:
            group = _Group()
            self._groups.append(group)
        known = group.rows.get((row.request_id, row.at))
        if known is None or replaces(row.outcome, known.outcome):
            group.rows[row.request_id, row.at] = row
        self._where[row.request_id] = group
        self._filled.set()

    async def record(self, row: LedgerRow) -> None:
        """Queue a record and return when it is kept.

        Raises:
            LedgerFull: the queue is full, or the writer has been closed; nothing happened.
            StoreUnavailable: the store takes everything but this record.

        """
        self.put(row)
        await self.durable(row.request_id)

    async def durable(self, request_id: str) -> None:
        """Return when the last record of the request is kept; at once when none is queued.

        Raises:
            StoreUnavailable: the store takes everything but this record.

        """
        group = self._where.get(request_id)
        if group is not None:
            await group.wait_for(request_id)

    async def close(self, patience_seconds: float = 5.0) -> None:
        """Write what is queued, as long as that takes no longer than told, and stop."""
        self._closing = True
        self._filled.set()
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=patience_seconds)
        if not self._task.done():
            self._task.cancel()
            _log.error("the ledger could not be written", extra={"records": len(self)})
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            if self._group_seconds and not self._closing:
                await asyncio.sleep(self._group_seconds)
            while self._groups:
                group = self._groups[0]
                if len(self._groups) == 1:
                    self._groups.append(_Group())  # nothing joins a group that is being written
                await self._write(group, tuple(group.rows.values()))
                del self._groups[0]
                for request_id, _ in group.rows:
                    if self._where.get(request_id) is group:
                        del self._where[request_id]
                group.finish()
                if len(self._groups) == 1 and not self._groups[0].rows:
                    self._groups.clear()
            if self._closing:
                return
            self._filled.clear()

    async def _write(self, group: _Group, rows: Sequence[LedgerRow]) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._store.append(rows)
            except StoreUnavailable:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                continue
            except Exception as fault:  # noqa: BLE001 - one bad record must not stop the others
                await self._write_apart(group, rows, fault)
            return

    async def _write_apart(
        self, group: _Group, rows: Sequence[LedgerRow], fault: Exception
    ) -> None:
        if len(rows) > 1:
            half = len(rows) // 2
            await self._write(group, rows[:half])
            await self._write(group, rows[half:])
            return
        self.refused += 1
        group.refused.update(row.request_id for row in rows)
        _log.error("a record was refused by the ledger", extra={"fault": type(fault).__name__})
