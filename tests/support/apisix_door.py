"""The real Gate behind the real runner for APISIX, on a Unix socket, in a thread."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.server import ApisixGate, ApisixServer, apisix_server
from support.doors import LoopThread
from support.gatepass_service import KEY, SETTINGS
from support.kong_door import RecordingGate
from support.tokens import key_set

DOOR = ApisixDoor()


@contextmanager
def running_apisix_server(
    gate: ApisixGate, door: ApisixDoor, loop: LoopThread | None = None
) -> Iterator[ApisixServer]:
    """Run the runner at the door's socket."""
    assert door.socket is not None
    own_loop = loop or LoopThread()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(door.socket))
    listener.listen(2048)

    async def make() -> ApisixServer:
        return apisix_server(gate, door)

    try:
        server = own_loop.call(make())
        serving = asyncio.run_coroutine_threadsafe(server.serve(listener), own_loop._loop)
        try:
            yield server
        finally:
            own_loop._loop.call_soon_threadsafe(server.stop)
            serving.result(20.0)
    finally:
        door.socket.unlink(missing_ok=True)
        if loop is None:
            own_loop.close()


@dataclass(frozen=True)
class ApisixService:
    """The Gate, what it was asked, and the runner in front of it."""

    gate: Gate
    asked: RecordingGate
    server: ApisixServer
    socket: Path

    @property
    def faults(self) -> int:
        return self.gate.faults + self.server.faults


@contextmanager
def running_apisix_service(
    folder: Path, door: ApisixDoor = DOOR, /, **sections: object
) -> Iterator[ApisixService]:
    """Run the runner with keys, settings, database and socket in the folder."""
    (folder / "keys.json").write_bytes(key_set(KEY))
    path = folder / "gatepass.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, **sections}))
    socket_path = folder / "apisix.sock"
    loop = LoopThread()
    try:
        opening = Gate.open(load_settings(path))
        gate = loop.call(opening.__aenter__())
        try:
            asked = RecordingGate(gate)
            own_door = replace(door, socket=socket_path)
            with running_apisix_server(asked, own_door, loop) as server:
                yield ApisixService(gate, asked, server, socket_path)
        finally:
            loop.call(opening.__aexit__(None, None, None))
    finally:
        loop.close()
