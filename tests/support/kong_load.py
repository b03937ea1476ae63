"""A bounded load of events on one plugin server, as a busy Kong makes it, and what it cost there.

Each connection plays one event after the other: the call, the answers to whatever is asked, the
replies to whatever is told. Every length goes out apart from its content, as Kong sends them.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from support.load import CONNECTIONS, cpu_seconds

_SEQUENCE = b"\x08"
_EXIT = b"kong.response.exit"


@dataclass(frozen=True)
class KongTarget:
    """A plugin server's process and socket, and what Kong answers to each question of an event.

    `call` is the event's message without its sequence number; `answers` are messages by the name of
    the function. A function that is not in there is a command, whose answer is empty; what
    `fresh_answer` gives answers the one in `fresh`, another each time.
    """

    pid: int
    socket: Path
    call: bytes
    answers: Mapping[bytes, bytes]
    fresh: bytes = b""
    fresh_answer: Callable[[], bytes] = bytes


async def cpu_microseconds_per_event(target: KongTarget, events: int) -> float:
    """Return the server's CPU time per event, over `events` of them on a few connections."""
    before = cpu_seconds(target.pid)
    share = events // CONNECTIONS
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(CONNECTIONS)]
    for future in ended:
        await loop.create_unix_connection(
            lambda future=future: _Events(target, share, future),  # type: ignore[misc]
            str(target.socket),
        )
    await asyncio.gather(*ended)
    return (cpu_seconds(target.pid) - before) / (share * CONNECTIONS) * 1e6


class _Events(asyncio.Protocol):
    def __init__(self, target: KongTarget, times: int, ended: "asyncio.Future[None]") -> None:
        self._target = target
        self._times = times
        self._ended = ended
        self._number = 1
        self._kept = b""
        self._function: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._call()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(AssertionError("the server closed a connection"))

    def _call(self) -> None:
        self._number = self._number % 100 + 1  # one byte as a varint
        self._send(_SEQUENCE + bytes((self._number,)) + self._target.call)

    def data_received(self, data: bytes) -> None:
        data = self._kept + data
        at = 0
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4], "little")
            if end > len(data):
                break
            self._take(data[at + 4 : end])
            at = end
        self._kept = data[at:]

    def _take(self, message: bytes) -> None:
        if self._function is None:  # a function's name, or the end
            assert message != _EXIT, "the server refused"
            self._function = message
        elif self._function:  # the function's arguments
            if self._function == self._target.fresh:
                self._send(self._target.fresh_answer())
            else:
                self._send(self._target.answers.get(self._function, b""))
            self._function = None
        else:  # what the call returns
            assert message == _SEQUENCE + bytes((self._number,))
            self._function = None
            self._times -= 1
            if self._times:
                self._call()
            else:
                self._ended.set_result(None)
                self._transport.close()

    def _send(self, message: bytes) -> None:
        self._transport.write(len(message).to_bytes(4, "little"))
        if message:
            self._transport.write(message)
