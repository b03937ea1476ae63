"""What all connections of the plugin server share: who decides, the instances, how much may run.

A connection is closed at once for an unknown instance, which is how Kong learns that it must start
it anew; when that happens again and again, and for what cannot be read at all, it is closed after a
delay that grows (SEC-41).
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.connections import Connections, Patience, Timed
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.settlement import settle
from gatepass.plugin.gateways.kong.verdict import to_exit
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

_log = logging.getLogger("gatepass.gateways.kong")

_BODY_OVERHEAD = 64
_FREE_CLOSES = 512


class Events(Connections):
    """The shared state of one plugin server.

    `deciding` counts the events over ProtoBuf that have no answer yet.
    """

    def __init__(
        self, judge: "Judge", books: Bookkeeper, door: "KongDoor", instances: "Instances"
    ) -> None:
        super().__init__(judge)
        self._books = books
        self._door = door
        self._unreadable = Patience()
        self._unknown = Patience(_FREE_CLOSES)
        self.instances = instances
        self.messagepack_events: dict[int, MessagePackEvent] = {}
        self.max_body_bytes = door.max_body_bytes
        self.body_limit = door.max_body_bytes + _BODY_OVERHEAD
        self.deciding = 0
        self._warned = False
        self._waits = BodyWaits()

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

    def refusal(self, reason: "Reason") -> "Exit":
        """Return the answer for a request that cannot be judged, and let the log know."""
        refusal = refuse_for(reason)
        self._judge.note(refusal)
        return to_exit(refusal)

    def warn_of_messagepack(self) -> None:
        """Say once what speaking MsgPack means."""
        if not self._warned:
            self._warned = True
            _log.error(
                "Kong speaks MsgPack, and lets requests through whenever this server is dead, hung "
                "or fails: use ProtoBuf (Kong 3.8 or later) or the guard of `gatepass kong config`"
            )

    def release(self, request_id: str) -> None:
        """Give back what was reserved for a request that is over before it began."""
        self.run(self._books.release(request_id))

    def close_soon(self, transport: asyncio.Transport, *, unknown_instance: bool) -> None:
        """Close a connection in the middle of a call."""
        self.close_after(transport, self._unknown if unknown_instance else self._unreadable)
