"""Accepting on one socket until told to stop.

Stopping: the socket accepts no more, but whoever already waits in its queue is served; running
calls finish, within a bound. When a connection closes then is the connections' own business.
"""

import asyncio
import socket
from collections.abc import Callable

from gatepass.plugin.gateways.connections import Connections
from gatepass.plugin.gateways.listener import BACKLOG

DRAIN_SECONDS = 5.0
"""How long what is under way may go on, where nobody is in a greater hurry."""

_TURNS = 3


async def accept_until(
    stopped: asyncio.Event,
    listener: socket.socket,
    connection: Callable[[], asyncio.Protocol],
    connections: Connections,
    drain_seconds: float = DRAIN_SECONDS,
) -> None:
    """Serve a listening Unix socket until the event is set, and what is under way then."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)  # noqa: FBT003 - the shape of the library
    waiting = listener.dup()
    try:
        server = await loop.create_unix_server(connection, sock=listener, backlog=BACKLOG)
        await stopped.wait()
        server.close()
        while (accepted := _next_in_queue(waiting)) is not None:
            await loop.connect_accepted_socket(connection, accepted)
        for _ in range(_TURNS):  # a loop tells of what it accepted a turn later
            await asyncio.sleep(0)
        await connections.drain(drain_seconds)
    finally:
        waiting.close()


def _next_in_queue(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except OSError:
        return None
