"""What all connections of the plugin server share: who decides, the instances, the time left.

One sweep, a few times a second, finds what is overdue, because a timer for every event would cost
as much as reading it. A connection is closed at once for an unknown instance, which is how Kong
learns that it must start it anew; when that happens again and again, and for what cannot be read at
all, it is closed after a delay that grows, so that nobody can spin (SEC-41).
"""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.settlement import settle
from gatepass.plugin.gateways.kong.verdict import to_exit
from gatepass.plugin.gateways.kong.waits import BodyWaits
from gatepass.plugin.refusals import refuse_for

if TYPE_CHECKING:
    from gatepass.plugin.gateways.decider import Judge
    from gatepass.plugin.gateways.kong.bounds import KongDoor
    from gatepass.plugin.gateways.kong.calls import Conversation, Exit
    from gatepass.plugin.gateways.kong.instances import Instances
    from gatepass.plugin.gateways.kong.messagepack import MessagePackEvent
    from gatepass.plugin.reasons import Reason

MAX_EVENTS = 4096
"""Decisions that are under way at one time; a request beyond is refused at once."""

SWEEP_SECONDS = 0.2
LINGER_SECONDS = 75.0
"""How long Kong may take to close after an exit, or to run our commands."""

_log = logging.getLogger("gatepass.gateways.kong")

_BODY_OVERHEAD = 64
_FREE_CLOSES = 512
_FIRST_DELAY_SECONDS = 0.01
_LONGEST_DELAY_SECONDS = 5.0
_CALM_SECONDS = 10.0


class Timed(Protocol):
    """Whatever can take too long."""

    def overdue(self) -> None:
        """End it."""
        ...


class Connection(Timed, Protocol):
    """A connection, as the end of the server sees it."""

    def close_if_idle(self) -> None:
        """Close unless an event runs."""
        ...

    def abort(self) -> None:
        """Close whatever runs."""
        ...


class Patience:
    """How long to wait before a connection is closed in Kong's face; `free` ones do not wait."""

    def __init__(self, free: int = 0) -> None:
        self._free = free
        self._closes = 0
        self._last = 0.0

    def delay(self, now: float) -> float:
        """Return the delay in seconds, for one more close at `now`."""
        if now - self._last > _CALM_SECONDS:
            self._closes = 0
        self._last = now
        self._closes += 1
        doublings = self._closes - self._free - 1
        if doublings < 0:
            return 0.0
        return min(_FIRST_DELAY_SECONDS * 2.0 ** min(doublings, 16), _LONGEST_DELAY_SECONDS)


class Events:
    """The shared state of one plugin server.

    `due` says when what a connection is in the middle of is overdue, on the loop's clock;
    `deciding` counts the events over ProtoBuf that have no answer yet.
    """

    def __init__(
        self, judge: "Judge", books: Bookkeeper, door: "KongDoor", instances: "Instances"
    ) -> None:
        self._judge = judge
        self._books = books
        self._door = door
        self._unreadable = Patience()
        self._unknown = Patience(_FREE_CLOSES)
        self._tasks: set[asyncio.Task[object]] = set()
        self._loop = asyncio.get_running_loop()
        self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        self.instances = instances
        self._connections: set[Connection] = set()
        self._emptied = asyncio.Event()
        self.due: dict[Timed, float] = {}
        self.messagepack_events: dict[int, MessagePackEvent] = {}
        self.max_body_bytes = door.max_body_bytes
        self.body_limit = door.max_body_bytes + _BODY_OVERHEAD
        self.deciding = 0
        self.stopping = False
        self._warned = False
        self._waits = BodyWaits()

    def opened(self, connection: Connection) -> None:
        """Note a new connection."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self.due.pop(connection, None)
        if not self._connections:
            self._emptied.set()

    @property
    def overloaded(self) -> bool:
        """Tell whether one more decision would be too many."""
        return self.deciding + len(self.messagepack_events) >= MAX_EVENTS

    def begin(self, phase: bytes, profile: str) -> "Conversation | None":
        """Return the conversation of a phase, or None for one that we do not run in."""
        if phase == b"access":
            return access(self._judge, self._door, profile, self._loop.time, self._waits)
        if phase == b"log":
            return settle(self._books, self._door)
        return None

    def expect(self, connection: Timed, *, slow: bool) -> None:
        """Note that Kong was asked; a `slow` answer waits for the client's body."""
        seconds = self._door.body_seconds if slow else self._door.deadline_seconds
        self.due[connection] = self._loop.time() + seconds

    def linger(self, connection: Timed) -> None:
        """Note that only Kong has something left to do."""
        self.due[connection] = self._loop.time() + LINGER_SECONDS

    def refusal(self, reason: "Reason") -> "Exit":
        """Return the answer for a request that cannot be judged, and let the log know."""
        refusal = refuse_for(reason)
        self._judge.note(refusal)
        return to_exit(refusal)

    def fault(self, error: Exception) -> None:
        """Count and log an exception that nobody expected."""
        self._judge.fault(error)

    def warn_of_messagepack(self) -> None:
        """Say once what speaking MsgPack means."""
        if not self._warned:
            self._warned = True
            _log.error(
                "Kong speaks MsgPack, and lets requests through whenever this server is dead, hung "
                "or fails: use ProtoBuf (Kong 3.8 or later) or the guard of `gatepass kong config`"
            )

    def run(self, work: Coroutine[object, None, object]) -> None:
        """Run what has to wait for something; it outlives its connection."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def release(self, request_id: str) -> None:
        """Give back what was reserved for a request that is over before it began."""
        self.run(self._books.release(request_id))

    def close_soon(self, transport: asyncio.Transport, *, unknown_instance: bool) -> None:
        """Close a connection in the middle of a call."""
        patience = self._unknown if unknown_instance else self._unreadable
        delay = patience.delay(self._loop.time())
        if delay:
            self._loop.call_later(delay, transport.close)
        else:
            transport.close()

    def close_idle(self) -> None:
        """Close every connection on which nothing runs."""
        for connection in list(self._connections):
            connection.close_if_idle()

    async def drain(self, seconds: float) -> None:
        """Close every connection as soon as it is idle, and all of them when the time is over."""
        self.stopping = True
        self.close_idle()
        if self._connections:
            self._emptied.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._emptied.wait()
        self._sweeping.cancel()
        for connection in list(self._connections):
            connection.abort()

    def _sweep(self) -> None:
        self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        now = self._loop.time()
        for late in [one for one, due in self.due.items() if due <= now]:
            self.due[late] = now + LINGER_SECONDS
            try:
                late.overdue()
            except Exception as error:  # noqa: BLE001 - the others' deadlines count all the same
                self.fault(error)
