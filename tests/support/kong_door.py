"""The real Gate behind the real plugin server for Kong, on a Unix socket, in a thread."""

import asyncio
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from gatepass.plugin import Gate, Usage, load_settings
from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.server import KongGate, KongServer, kong_server
from support.doors import LoopThread, Recording, ScriptedDecider
from support.gatepass_service import KEY, SETTINGS
from support.tokens import key_set


class Books:
    """Keeps what was settled and released; every request is known."""

    def __init__(self) -> None:
        self.settled: list[tuple[str, object]] = []
        self.released: list[str] = []

    def profiles(self) -> Collection[str]:
        return ("default", "other")

    def may_be_settled(self, _request_id: str) -> bool:
        return True

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        self.settled.append((request_id, usage))
        return Settlement.SETTLED

    async def settle_cost(
        self, request_id: str, cost_nano: int, usage: Usage | None = None
    ) -> Settlement:
        del usage
        self.settled.append((request_id, cost_nano))
        return Settlement.SETTLED

    async def settle_estimate(self, request_id: str) -> Settlement:
        self.settled.append((request_id, "estimate"))
        return Settlement.SETTLED

    async def release(self, request_id: str) -> Settlement:
        self.released.append(request_id)
        return Settlement.SETTLED


class ScriptedGate(ScriptedDecider, Books):
    """Decides by a script, and keeps books."""

    def __init__(self) -> None:
        ScriptedDecider.__init__(self)
        Books.__init__(self)


class RecordingGate(Recording):
    """A real Gate of which is kept what it was asked."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate)
        self.gate = gate

    def profiles(self) -> Collection[str]:
        return self.gate.profiles()

    def may_be_settled(self, request_id: str) -> bool:
        return self.gate.may_be_settled(request_id)

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        return await self.gate.settle(request_id, usage)

    async def settle_cost(
        self, request_id: str, cost_nano: int, usage: Usage | None = None
    ) -> Settlement:
        return await self.gate.settle_cost(request_id, cost_nano, usage)

    async def settle_estimate(self, request_id: str) -> Settlement:
        return await self.gate.settle_estimate(request_id)

    async def release(self, request_id: str) -> Settlement:
        return await self.gate.release(request_id)


@contextmanager
def running_kong_server(
    gate: KongGate, door: KongDoor, loop: LoopThread | None = None
) -> Iterator[KongServer]:
    """Run the plugin server at the door's socket."""
    own_loop = loop or LoopThread()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(door.socket))
    listener.listen(2048)

    async def make() -> KongServer:
        return kong_server(gate, door)

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
class KongService:
    """The Gate, what it was asked, and the plugin server in front of it."""

    gate: Gate
    asked: RecordingGate
    server: KongServer
    socket: Path

    @property
    def faults(self) -> int:
        return self.gate.faults + self.server.faults


@contextmanager
def running_kong_service(
    folder: Path, cost_header: bytes | None = None, **sections: object
) -> Iterator[KongService]:
    """Run the plugin server with keys, settings, database and socket in the folder."""
    (folder / "keys.json").write_bytes(key_set(KEY))
    path = folder / "gatepass.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, **sections}))
    socket_path = folder / "kong.sock"
    loop = LoopThread()
    try:
        opening = Gate.open(load_settings(path))
        gate = loop.call(opening.__aenter__())
        try:
            asked = RecordingGate(gate)
            door = KongDoor(socket_path, cost_header=cost_header)
            with running_kong_server(asked, door, loop) as server:
                yield KongService(gate, asked, server, socket_path)
        finally:
            loop.call(opening.__aexit__(None, None, None))
    finally:
        loop.close()
