"""One socket to Redis or Valkey on which all commands of a turn of the event loop go out together.

Answers come in the order of the commands. Nobody waits longer than told: a server that has not
answered in time has lost its connection, and everybody who waits on it gets ConnectionLost; so does
whoever waits when the socket ends. Whether such a command was done is unknown. What is in flight is
bounded. An answer that is an error is handed over as one, not raised.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

import hiredis

from gatepass.jwks.errors import GatepassError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_IN_FLIGHT = 20_000
_TICKS = 4

Word = bytes | str | int
Reply = bytes | int | list["Reply"] | None | hiredis.ReplyError

_pack = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # typed for one word


class ConnectionLost(GatepassError):
    """The server did not answer, or answered what is no answer."""

    def __init__(self) -> None:
        super().__init__("store_error", "the store is not available")


class Connection(asyncio.Protocol):
    """One connection; `timeout_seconds` is how long a command may take at most.

    A server is found out between three quarters of that and the whole.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_seconds: float) -> None:
        self._loop = loop
        self._tick_seconds = timeout_seconds / _TICKS
        self._reader = hiredis.Reader(notEnoughData=Ellipsis)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._sent = self._answered = 0
        self._sent_at_ticks: deque[int] = deque(maxlen=_TICKS - 1)
        self._watch: asyncio.TimerHandle | None = None
        self.lost = loop.create_future()
        """Done when the connection is no more."""

    def send(self, words: tuple[Word, ...]) -> "asyncio.Future[Reply]":
        """Send a command with the others of this turn; the future gets its answer.

        Raises:
            ConnectionLost: at once, or in the future.

        """
        if self._transport is None or len(self._waiting) >= MAX_IN_FLIGHT:
            raise ConnectionLost
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._waiting.append(answer)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(_pack(words))
        return answer

    def abort(self) -> None:
        """End the connection now; whoever waits gets ConnectionLost."""
        if self._transport is not None:
            self._transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._watch = self._loop.call_later(self._tick_seconds, self._tick)

    def data_received(self, data: bytes) -> None:
        """Hand the answers to those who wait for them."""
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        try:
            reply = reader.gets()
            while reply is not Ellipsis:
                self._answered += 1
                answer = waiting.popleft()
                if not answer.done():
                    answer.set_result(reply)
                reply = reader.gets()
        except (hiredis.ProtocolError, IndexError):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody."""
        del exc
        self._end()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        self._sent += len(unsent)
        if self._transport is not None:
            self._transport.write(b"".join(unsent))

    def _tick(self) -> None:
        """Give up on a server that owes an answer since as many ticks as there are."""
        ticks = self._sent_at_ticks
        if len(ticks) == _TICKS - 1 and self._answered < ticks[0]:
            self.abort()
            return
        ticks.append(self._sent)
        self._watch = self._loop.call_later(self._tick_seconds, self._tick)

    def _end(self) -> None:
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(ConnectionLost())
        if not self.lost.done():
            self.lost.set_result(None)
