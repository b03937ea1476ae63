"""A runner for APISIX to be measured.

apisix_server.py floor|ours FOLDER SOCKET
"""

import asyncio
import gc
import socket
import sys
from pathlib import Path
from typing import cast

import uvloop

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.connection import ApisixConnection
from gatepass.plugin.gateways.apisix.messages import answered, read_call_id, rewrite
from gatepass.plugin.gateways.apisix.server import apisix_server
from gatepass.plugin.gateways.frames import HEAD_BYTES, FramedProtocol

_NOTHING = rewrite([])


class AllowAll(FramedProtocol):
    """Lets every request through at once."""

    read_size = staticmethod(ApisixConnection.read_size)
    first = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def frames_received(self, messages: list[bytes]) -> None:
        for message in messages:
            number = read_call_id(message[HEAD_BYTES:])
            self._transport.write(answered(number, _NOTHING, stops=False))

    def frame_too_large(self) -> None:
        self._transport.abort()


async def main(kind: str, folder: Path, path: Path) -> None:
    """Serve until killed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(256)
    loop = asyncio.get_running_loop()
    if kind == "floor":
        await (await loop.create_unix_server(AllowAll, sock=listener)).serve_forever()
    async with Gate.open(load_settings(folder / "gatepass.yaml")) as gate:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await apisix_server(gate, ApisixDoor(path)).serve(listener)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
