"""A plugin server to be measured.

kong_server.py floor|ours|sequential FOLDER SOCKET
"""

import asyncio
import gc
import socket
import sys
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any, cast

import uvloop

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.gateways.frames import FramedProtocol
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import Batch, Conversation, Ending, Question
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.gateways.kong.protobuf import frame
from gatepass.plugin.gateways.kong.rpc import read_call, returned
from gatepass.plugin.gateways.kong.server import kong_server


class AllowAll(FramedProtocol):
    """Ends every event at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def frames_received(self, messages: list[bytes]) -> None:
        for message in messages:
            sequence, _ = read_call(message)
            self._transport.write(frame(b"") + frame(returned(sequence)))

    def frame_too_large(self) -> None:
        self._transport.abort()


@cache
def alone(question: Question) -> Batch:
    return Batch((question,))


def one_by_one(conversation: Conversation) -> Generator[Any, Any, Ending]:
    """Have a conversation in which every batch holds one question."""
    answers = None
    while True:
        try:
            step = conversation.send(answers)
        except StopIteration as ended:
            return cast("Ending", ended.value)
        if isinstance(step, Batch):
            answers = []
            for question in step.questions:
                answers += yield alone(question)
        else:
            answers = yield step


class Sequential(Events):
    """Asks one question at a time."""

    def begin(self, phase: bytes, profile: str) -> Conversation | None:
        conversation = super().begin(phase, profile)
        return None if conversation is None else one_by_one(conversation)


async def main(kind: str, folder: Path, path: str) -> None:
    """Serve until killed."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(256)
    loop = asyncio.get_running_loop()
    if kind == "floor":
        await (await loop.create_unix_server(AllowAll, sock=listener)).serve_forever()
    async with Gate.open(load_settings(folder / "gatepass.yaml")) as gate:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        server = kong_server(gate, KongDoor(Path(path)))
        if kind == "sequential":
            server.events_of = Sequential
        await server.serve(listener)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
