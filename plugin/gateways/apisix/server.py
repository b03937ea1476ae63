"""The runner: accepts APISIX's connections on one socket and answers every call."""

import asyncio
import socket
from collections.abc import Collection
from typing import Protocol

from gatepass.plugin.gateways.accepting import accept_until
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.calls import Calls
from gatepass.plugin.gateways.apisix.connection import ApisixConnection
from gatepass.plugin.gateways.apisix.tokens import ConfTokens
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.decider import Decider, Judge


class ApisixGate(Decider, Bookkeeper, Protocol):
    """The Gate, as this door sees it."""

    def profiles(self) -> Collection[str]:
        """Return the names of the profiles that exist now."""
        ...


class ApisixServer:
    """Serves one socket until it is told to stop, and its connections `drain_seconds` longer."""

    def __init__(self, gate: ApisixGate, door: ApisixDoor) -> None:
        self._gate = gate
        self.drain_seconds = door.drain_seconds
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
        calls = Calls(self._judge, self._gate, self._door, ConfTokens(self._gate.profiles))
        await accept_until(
            self._stopped,
            listener,
            lambda: ApisixConnection(calls),
            calls,
            self.drain_seconds,
        )


def apisix_server(gate: ApisixGate, door: ApisixDoor) -> ApisixServer:
    """Return a server for `await server.serve(listener)`; `stop()` ends it."""
    return ApisixServer(gate, door)
