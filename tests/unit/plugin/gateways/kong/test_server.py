"""The plugin server on a real socket: both protocols, and an orderly end, on both event loops."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import msgpack
import pytest
import uvloop

from gatepass.plugin.gateways.kong.server import KongServer, kong_server
from gatepass.plugin.gateways.listener import Address, listening
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Books
from support.kong_wire import DEFAULT, calls_in, event, field_of, framed, frames_in, head

LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
NewLoop = Callable[[], asyncio.AbstractEventLoop]
START = field_of(33, field_of(2, b'{"profile":"default"}')) + field_of(1, 2)
STARTED = b"\x08\x02"
MESSAGEPACK_CALL = msgpack.packb(
    [0, 1, "plugin.HandleEvent", [{"InstanceId": DEFAULT, "EventName": "access"}]]
)


class Gate(ScriptedDecider, Books):
    """A Gate with one profile that does as it is told."""

    def __init__(self) -> None:
        ScriptedDecider.__init__(self)
        Books.__init__(self)

    def profiles(self) -> Collection[str]:
        return ("default",)


class Peer:
    """Kong, or whoever else connects."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, data: bytes) -> bytes:
        self._writer.write(data)
        return await self.hear()

    async def hear(self) -> bytes:
        """Return what comes next, b"" at the end."""
        async with asyncio.timeout(2):
            return await self._reader.read(65_536)

    def hang_up(self) -> None:
        self._writer.close()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[KongServer, Path, "asyncio.Task[None]"]]:
    path = folder / "kong.sock"
    with listening(Address(path=path)) as listener:
        server = kong_server(Gate(), DOOR)
        serving = asyncio.create_task(server.serve(listener))
        await asyncio.sleep(0.001)
        yield server, path, serving
        server.stop()
        async with asyncio.timeout(2):
            await serving
        assert server.faults == 0


async def connect(path: Path) -> Peer:
    return Peer(*await asyncio.open_unix_connection(path))


def run(new_loop: NewLoop, scenario: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario)


@LOOPS
def test_both_protocols_on_one_socket(new_loop: NewLoop, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, path, _):
            kong, older = await connect(path), await connect(path)
            (answer,) = frames_in(await kong.say(framed(START)))
            assert answer.startswith(STARTED)
            questions = calls_in(frames_in(await kong.say(framed(event()))))
            assert questions[0][0] == "kong.request.get_headers"
            assert frames_in(await kong.say(framed(*head())))[-1] == b"\x08\x07"
            result = msgpack.unpackb(await older.say(MESSAGEPACK_CALL))[3]
            assert result["Data"]["Method"] == "kong.request.get_headers"
            kong.hang_up()
            older.hang_up()

    run(new_loop, scenario())


@LOOPS
@pytest.mark.parametrize("first", [framed(START), MESSAGEPACK_CALL])
def test_the_first_bytes_may_come_one_by_one(
    new_loop: NewLoop, first: bytes, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, path, _):
            kong = await connect(path)
            for octet in first[:-1]:
                kong._writer.write(bytes((octet,)))
                await asyncio.sleep(0.001)
            assert await kong.say(first[-1:])
            kong.hang_up()

    run(new_loop, scenario())


@LOOPS
@pytest.mark.parametrize("said", [b"", b"\x94", b"\x94\x00"])
def test_who_hangs_up_before_saying_anything_leaves_nothing(
    new_loop: NewLoop, said: bytes, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, path, _):
            for _ in range(5):
                peer = await connect(path)
                peer._writer.write(said)
                peer.hang_up()
            kong = await connect(path)
            assert await kong.say(framed(START))
            kong.hang_up()

    run(new_loop, scenario())


@LOOPS
def test_garbage_is_closed_and_harms_nobody(new_loop: NewLoop, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (_, path, _):
            stranger, kong = await connect(path), await connect(path)
            assert await stranger.say(b"GET / HTTP/1.1\r\n\r\n") == b""
            assert await kong.say(framed(START))
            stranger.hang_up()
            kong.hang_up()

    run(new_loop, scenario())


@LOOPS
def test_the_end_finishes_what_runs_and_closes_what_is_idle(
    new_loop: NewLoop, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with served(tmp_path) as (server, path, serving):
            idle, busy = await connect(path), await connect(path)
            assert await idle.say(framed(START))
            assert await busy.say(framed(event()))
            server.stop()
            assert await idle.hear() == b""
            assert not serving.done()
            assert frames_in(await busy.say(framed(*head())))[-1] == b"\x08\x07"
            assert await busy.say(framed(b"")) == b""
            idle.hang_up()
            busy.hang_up()
            async with asyncio.timeout(1):
                await serving

    run(new_loop, scenario())


@LOOPS
def test_after_the_end_nobody_is_accepted(new_loop: NewLoop, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "kong.sock"
        with listening(Address(path=path)) as listener:
            server = kong_server(Gate(), DOOR)
            serving = asyncio.create_task(server.serve(listener))
            await asyncio.sleep(0.001)
            server.stop()
            await serving
        with pytest.raises(OSError, match=r"refused|No such file"):
            await connect(path)

    run(new_loop, scenario())


@LOOPS
def test_who_waits_in_the_queue_at_the_end_is_served(new_loop: NewLoop, tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "kong.sock"
        with listening(Address(path=path)) as listener, socket.socket(socket.AF_UNIX) as kong:
            server = kong_server(Gate(), DOOR)
            serving = asyncio.create_task(server.serve(listener))
            await asyncio.sleep(0.001)
            kong.setblocking(False)  # noqa: FBT003 - the shape of the library
            kong.connect(str(path))
            kong.sendall(framed(event()))
            server.stop()
            await asyncio.sleep(0.02)
            assert not serving.done()
            questions = frames_in(kong.recv(65_536))
            assert calls_in(questions)[0][0] == "kong.request.get_headers"
            kong.sendall(framed(*head(), b""))
            async with asyncio.timeout(1):
                await serving
            assert frames_in(kong.recv(65_536))[-1] == b"\x08\x07"

    run(new_loop, scenario())
