"""A server for HTTP/1.1 that holds no more than it must.

uvicorn on uvloop and httptools, without all that a decision service must not do: no believing of
X-Forwarded-For (it would replace the peer's address), no access log (paths and queries stay out of
logs), no server or date header, no WebSockets, no lifespan. What uvicorn leaves open is bounded
here: the size of a request's head, and the time that it may take to arrive.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatepass.plugin.gateways.listener import BACKLOG

if TYPE_CHECKING:
    from starlette.types import ASGIApp

MAX_HEAD_BYTES = 256 * 1024
"""Request line and headers; one read of the socket may exceed it before it is noticed."""

HEAD_SECONDS = 30.0
"""From the connection, or from the first bytes of a later request, to the end of its headers."""

KEEP_ALIVE_SECONDS = 3700
"""Longer than any of the proxies keeps an idle connection (Envoy: an hour), so that it is never we
who close one on which a question is just being sent."""

MAX_CONNECTIONS = 4096


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds on the head of a request, and with the target as it came."""

    _in_head = False
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        super().connection_lost(exc)
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        """Parse, then judge what is left of an unfinished head."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")
            elif self._head_timer is None:
                self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        """Note that a head begins; no proxy sends one before it has read the last answer."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; one behind the body belongs to nothing that is judged."""
        if self._in_head:
            super().on_header(name, value)
        else:
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Note that the head is complete, and undo uvicorn's cut at a `#`."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()
        if b"#" in self.url:  # whoever routes on these bytes does not cut them there
            self.scope["raw_path"] = self.url
            self.scope["query_string"] = b""

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(app: "ASGIApp") -> uvicorn.Server:
    """Return a server for `await server.serve([listener])`; `should_exit = True` ends it."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        log_level=logging.ERROR,  # below that, strangers can fill the log
        server_header=False,
        date_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        backlog=BACKLOG,
    )
    return _Server(config)
