"""The plugin server: accepts Kong's connections on one socket, in whichever protocol they speak.

Kong speaks the protocol that `gatepass kong --dump` told it at its start, and the first bytes of a
connection tell which.
"""

import asyncio
import socket
from collections.abc import Collection
from typing import Protocol, cast

from gatepass.plugin.gateways.accepting import accept_until
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.connection import ProtobufConnection
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.gateways.kong.instances import Instances
from gatepass.plugin.gateways.kong.messagepack import MessagePackConnection, is_messagepack

_ENOUGH_TO_TELL = 3
_SILENT_SECONDS = 0.3


class KongGate(Decider, Bookkeeper, Protocol):
    """The Gate, as this door sees it."""

    def profiles(self) -> Collection[str]:
        """Return the names of the profiles that exist now."""
        ...


class KongServer:
    """Serves one socket until it is told to stop."""

    events_of = Events

    def __init__(self, gate: KongGate, door: KongDoor) -> None:
        self._gate = gate
        self._door = door
        self._judge = Judge(gate)
        self._stopped = asyncio.Event()

    @property
    def faults(self) -> int:
        """Return how often something failed in a way that nobody expected."""
        return self._judge.faults

    def stop(self) -> None:
        """Make `serve` return soon."""
        self._stopped.set()

    async def serve(self, listener: socket.socket) -> None:
        """Answer on a listening Unix socket until `stop`."""
        instances = Instances(self._gate.profiles)
        events = self.events_of(self._judge, self._gate, self._door, instances)
        await accept_until(self._stopped, listener, lambda: FirstBytes(events), events)


def kong_server(gate: KongGate, door: KongDoor) -> KongServer:
    """Return a server for `await server.serve(listener)`; `stop()` ends it."""
    return KongServer(gate, door)


class FirstBytes(asyncio.Protocol):
    """A connection of which nobody knows yet which protocol it speaks.

    Kong connects when it has something to say; so one that is silent when the server stops is given
    a moment for it.
    """

    def __init__(self, events: Events) -> None:
        self._events = events
        self._seen = b""
        self._transport = cast("asyncio.Transport", None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._events.opened(self)
        self._events.linger(self)
        if self._events.stopping:
            self.close_if_idle()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        """Forget the connection."""
        self._events.closed(self)

    def data_received(self, data: bytes) -> None:
        """Hand the connection over as soon as it is clear to whom."""
        self._seen += data
        if len(self._seen) < _ENOUGH_TO_TELL:
            return
        kind = MessagePackConnection if is_messagepack(self._seen) else ProtobufConnection
        successor = kind(self._events)
        self._transport.set_protocol(successor)
        successor.connection_made(self._transport)
        self._events.closed(self)
        successor.data_received(self._seen)

    def overdue(self) -> None:
        """Close: nothing was said."""
        self._transport.abort()

    def close_if_idle(self) -> None:
        """Wait for the first bytes a little longer."""
        self._events.due[self] = asyncio.get_running_loop().time() + _SILENT_SECONDS

    def abort(self) -> None:
        """Close the connection."""
        self._transport.abort()
