"""The end of a runner while APISIX goes on: a lame duck.

APISIX keeps its connections and makes the next call on one of them. A call that crosses the closing
of its connection costs the request a 503, and the error that makes APISIX prepare anew costs every
route its token. So, in order:

1. Calls on the connections that are there are answered as before.
2. A connection on which nothing ran for half a second is closed: APISIX takes the one it used last.
3. In the last fifth of the time a connection ends with an answer, because under load none of them
   ever rests. A zero byte behind the answer keeps the next call away: nginx never uses a connection
   again on which something is unread.
4. When the time is over all are closed; a decision that is awaited then is a refusal.
"""

import asyncio
from typing import TYPE_CHECKING

from gatepass.plugin.gateways.connections import Connection, Connections

if TYPE_CHECKING:
    from gatepass.plugin.gateways.decider import Judge

LOOK_SECONDS = 0.05
_LOOKS_AT_REST = 10
_LAST_PART = 0.2
# In one piece with the answer, unlike the end of the connection: between the two a call would fit.
# Whoever reads on all the same reads the type of an error, and an end.
_UNREAD = b"\0"


def say_last(transport: asyncio.Transport, answer: bytes) -> None:
    """Send an answer on a connection that APISIX shall not use again, and close it."""
    transport.write(answer + _UNREAD)
    transport.close()


class DrainingConnections(Connections):
    """Connections that are served on while their server ends."""

    def __init__(self, judge: "Judge") -> None:
        super().__init__(judge)
        # Looks and not seconds: when we are held up ourselves, calls wait that nobody has read
        self._looks_at_rest: dict[Connection, int] = {}

    def rest(self, connection: Connection) -> None:
        """Note that a call on this connection is over, and the next one may come."""
        self.due.pop(connection, None)
        self._looks_at_rest.pop(connection, None)

    async def drain(self, seconds: float) -> None:
        """Serve on until nobody calls any more, and close all connections in the end."""
        over = self._loop.time() + seconds
        while self._connections and (left := over - self._loop.time()) > 0:
            self.stopping = left <= seconds * _LAST_PART
            await asyncio.sleep(min(left, LOOK_SECONDS))
            self._close_who_rests()
        self.stopping = True
        self.close_idle()
        self.cut()
        await asyncio.sleep(0)  # what was said last is sent in the loop's next turn

    def _close_who_rests(self) -> None:
        for connection in list(self._connections):
            looks = self._looks_at_rest[connection] = self._looks_at_rest.get(connection, 0) + 1
            if looks > _LOOKS_AT_REST:
                connection.close_if_idle()
