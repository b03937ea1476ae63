"""What the connections of one server share: which there are, and what time is left.

One sweep, a few times a second, finds what is overdue, because a timer for every call would cost as
much as reading it. Ending: a connection is closed as soon as nothing runs on it, and all of them
when the time is over; a gateway that must be left more gently says how. A connection that must be
closed in the gateway's face is closed after a delay that grows with every one, so that nobody can
spin (SEC-41).
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gatepass.plugin.gateways.decider import Judge

SWEEP_SECONDS = 0.2
LINGER_SECONDS = 75.0
"""How long a gateway may take for what only it has left to do."""

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
    """How long to wait before closing in a gateway's face; the first `free` ones do not wait."""

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


class Connections:
    """The connections of one server, on the running loop.

    `due` says when what a connection is in the middle of is overdue, on the loop's clock.
    """

    def __init__(self, judge: "Judge") -> None:
        self._judge = judge
        self._tasks: set[asyncio.Task[object]] = set()
        self._loop = asyncio.get_running_loop()
        self._sweeping = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        self._connections: set[Connection] = set()
        self._emptied = asyncio.Event()
        self.due: dict[Timed, float] = {}
        self.stopping = False

    def opened(self, connection: Connection) -> None:
        """Note a new connection."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self.due.pop(connection, None)
        if not self._connections:
            self._emptied.set()

    def linger(self, connection: Timed) -> None:
        """Note that only the gateway has something left to do."""
        self.due[connection] = self._loop.time() + LINGER_SECONDS

    def fault(self, error: Exception) -> None:
        """Count and log an exception that nobody expected."""
        self._judge.fault(error)

    def run(self, work: Coroutine[object, None, object]) -> None:
        """Run what has to wait for something; it outlives its connection."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close_after(
        self, transport: asyncio.Transport, patience: Patience
    ) -> asyncio.TimerHandle | None:
        """Close a connection in the middle of a call, as soon as patience allows.

        What is returned is to be canceled when the connection goes by itself; None if it was closed
        at once.
        """
        delay = patience.delay(self._loop.time())
        if delay:
            return self._loop.call_later(delay, transport.close)
        transport.close()
        return None

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
        self.cut()

    def cut(self) -> None:
        """Close every connection, whatever runs on it, and look after none any more."""
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
