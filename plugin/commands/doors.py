"""The doors of one run: their sockets, held from the start, and the servers that accept on them.

A socket listens before anything behind it is ready: whoever connects early waits in its queue. The
HTTP service is at its address from then on; the sockets of gateways that start the next server
before they end the last come to their paths with `claim`.
"""

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import uvicorn

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gate import Gate
from gatepass.plugin.gateways.accounts import SocketFile
from gatepass.plugin.gateways.apisix.bounds import (
    SPAWNED_DRAIN_SECONDS,
    SPAWNED_HAND_OVER_SECONDS,
    ApisixDoor,
)
from gatepass.plugin.gateways.apisix.server import apisix_server
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.server import kong_server
from gatepass.plugin.gateways.listener import listening
from gatepass.plugin.gateways.server import server_for
from gatepass.plugin.gateways.status_door import status_app
from gatepass.plugin.gateways.takeover import (
    HAND_OVER_SECONDS,
    SocketPlace,
    handing_over,
    waiting_beside,
)
from gatepass.plugin.gateways.usage_reports import usage_reports
from gatepass.plugin.settings import AdminDoor, Compiled, HttpDoor, StatusDoor

_NO_KONG = (
    "doors.kong: not there, and `gatepass kong` opens no other door; name the socket of kong.conf, "
    "such as doors: {kong: {socket: /run/gatepass/kong.sock}}"
)
_NO_APISIX = (
    "doors.apisix: not there, and `gatepass apisix` opens no other door; write doors: {apisix: "
    "{owner: nobody}} for a runner that APISIX starts, where nobody is the account of nginx's "
    "workers, or name the socket of config.yaml's path_for_test"
)
_NO_SOCKET = (
    "doors.apisix.socket: not there; name the socket of config.yaml's ext-plugin.path_for_test, "
    "such as /run/gatepass/apisix.sock"
)
_NO_ADDRESS = (
    "APISIX_LISTEN_ADDRESS: expected unix:/absolute/path, which is what APISIX says to a runner "
    "that it starts; without the variable doors.apisix.socket is used"
)

Only = Literal["kong", "apisix"]
"""The commands that open one door."""

LISTEN_ADDRESS = "APISIX_LISTEN_ADDRESS"
"""How APISIX tells a runner that it starts where to listen: `unix:/absolute/path`."""


class Server(Protocol):
    """Accepts on a listening socket until it is told to stop, and finishes what is under way."""

    async def serve(self, listener: socket.socket) -> None:
        """Serve until `stop`."""
        ...

    def stop(self) -> None:
        """Make `serve` come to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens, where it does, and what answers there."""

    address: str
    listener: socket.socket
    server_for: Callable[[Gate], Server]


class Doors:
    """All doors of a run; `places` are the sockets that come to their paths with `claim`.

    `hand_over_seconds` is how long a server that has been started beside this one is waited for.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        places: Sequence[SocketPlace],
        hand_over_seconds: float = HAND_OVER_SECONDS,
    ) -> None:
        self._doors = tuple(doors)
        self._places = tuple(places)
        self._hand_over_seconds = hand_over_seconds

    def __iter__(self) -> Iterator[Door]:
        """Yield the doors."""
        return iter(self._doors)

    def claim(self) -> list[str]:
        """Let everybody in; return the settings' names of paths that a live server had.

        Raises:
            ConfigurationError: a path is not to be had.

        """
        return [f"{place.file.door}.socket" for place in self._places if place.claim()]

    def cut_off(self) -> list[str]:
        """Return the settings' names of paths, claimed before, that lead to nobody now."""
        return [f"{place.file.door}.socket" for place in self._places if place.is_cut_off()]

    def handing_over(self, let_go: Callable[[], None]) -> Iterator[float]:
        """Yield pauses, in seconds, until the servers may stop; see gateways/takeover.py."""
        return handing_over(self._places, let_go, self._hand_over_seconds)

    def close(self) -> None:
        """Stop listening in this process; another one that has the sockets goes on."""
        for door in self._doors:
            door.listener.close()


def is_spawned(only: Only | None) -> bool:
    """Answer whether APISIX has started this process as its runner."""
    return only == "apisix" and LISTEN_ADDRESS in os.environ


@contextmanager
def open_doors(compiled: Compiled, only: Only | None = None) -> Iterator[Doors]:
    """Listen at every door that the settings name, or at one of them alone.

    Raises:
        ConfigurationError: an address cannot be had, or there is no such door.

    """
    kong = compiled.kong if only != "apisix" else None
    apisix = compiled.apisix if only != "kong" else None
    if only == "kong" and kong is None:
        raise ConfigurationError([_NO_KONG])
    if only == "apisix" and apisix is None:
        raise ConfigurationError([_NO_APISIX])
    with ExitStack() as stack:
        doors: list[Door] = []
        if only is None:
            doors.append(_http(stack.enter_context(listening(compiled.http.listen)), compiled.http))
        places: list[SocketPlace] = []
        if kong is not None:
            place = stack.enter_context(waiting_beside(_kong_socket(kong)))
            places.append(place)
            doors.append(_kong(place.listener, kong))
        if apisix is not None:
            if is_spawned(only):
                apisix = _where_told(apisix)
            place = stack.enter_context(waiting_beside(_apisix_socket(apisix)))
            places.append(place)
            doors.append(_apisix(place.listener, apisix))
        if only is None and compiled.status is not None:
            watched = listening(compiled.status.listen, "doors.status.listen")
            doors.append(_status(stack.enter_context(watched), compiled.status))
        if only is None and compiled.admin is not None:
            managed = listening(compiled.admin.listen, "doors.admin.listen")
            doors.append(_admin(stack.enter_context(managed), compiled.admin))
        yield Doors(
            doors, places, SPAWNED_HAND_OVER_SECONDS if is_spawned(only) else HAND_OVER_SECONDS
        )


def _http(listener: socket.socket, door: HttpDoor) -> Door:
    def server(gate: Gate) -> Server:
        reports = usage_reports(gate, door)
        return _HttpServer(server_for(decision_app(gate, door, reports, watched=gate, own=gate)))

    return Door(str(door.listen), listener, server)


def _status(listener: socket.socket, door: StatusDoor) -> Door:
    def server(gate: Gate) -> Server:
        return _HttpServer(server_for(status_app(gate, door)))

    return Door(f"{door.listen} (status)", listener, server)


def _admin(listener: socket.socket, door: AdminDoor) -> Door:
    def server(gate: Gate) -> Server:
        from gatepass.plugin.admin.app import (  # noqa: PLC0415 - a framework that few doors need
            management_app,
        )

        if gate.database is None:
            raise ConfigurationError(["doors.admin: there is no database to change rows in"])
        return _HttpServer(server_for(management_app(gate, gate.database, door)))

    return Door(f"{door.listen} (management)", listener, server)


def _kong_socket(door: KongDoor) -> SocketFile:
    return SocketFile("doors.kong", door.socket, door.mode, door.owner, door.group)


def _kong(listener: socket.socket, door: KongDoor) -> Door:
    def server(gate: Gate) -> Server:
        return kong_server(gate, door)

    return Door(f"unix:{door.socket}", listener, server)


def _where_told(door: ApisixDoor) -> ApisixDoor:
    """Return the door of a runner that APISIX has started, who says where, and kills soon."""
    told = os.environ[LISTEN_ADDRESS]
    path = Path(told.removeprefix("unix:"))
    if not told.startswith("unix:") or not path.is_absolute():
        raise ConfigurationError([_NO_ADDRESS])
    return replace(door, socket=path, drain_seconds=SPAWNED_DRAIN_SECONDS)


def _apisix_socket(door: ApisixDoor) -> SocketFile:
    if door.socket is None:
        raise ConfigurationError([_NO_SOCKET])
    return SocketFile("doors.apisix", door.socket, door.mode, door.owner, door.group)


def _apisix(listener: socket.socket, door: ApisixDoor) -> Door:
    def server(gate: Gate) -> Server:
        return apisix_server(gate, door)

    return Door(f"unix:{door.socket}", listener, server)


class _HttpServer:
    """uvicorn, stopped like the others."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    async def serve(self, listener: socket.socket) -> None:
        await self._server.serve(sockets=[listener])

    def stop(self) -> None:
        self._server.should_exit = True
