"""Stands between a gateway and our server, and cuts a connection after so many messages."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

ReadMessage = Callable[[socket.socket], bytes]
"""Reads one message; an EOFError or an OSError is the end of the connection."""


class Relay:
    """Passes messages on; one connection ends after `cut_after` of them, the others do not.

    With `half` it ends in the middle of the next one. `messages` is how many were passed on, in
    both directions and over all connections.
    """

    def __init__(
        self,
        path: Path,
        server: Path,
        read_message: ReadMessage,
        cut_after: int | None,
        *,
        half: bool,
    ) -> None:
        self.path = path
        self.messages = 0
        self._read_message = read_message
        self._server = server
        self._cut_after = cut_after
        self._half = half
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            _close(connection)
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                gateway = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            self._connections += [gateway, server]
            for source, sink in ((gateway, server), (server, gateway)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError, EOFError):
            while True:
                message = self._read_message(source)
                with self._lock:
                    if self._cut_after == self.messages:
                        self._cut_after = None
                        if self._half:
                            sink.sendall(message[: len(message) // 2])
                        break
                    self.messages += 1
                    sink.sendall(message)
        _close(source)
        _close(sink)


def read_exactly(source: socket.socket, count: int) -> bytes:
    """Return so many bytes. Raises EOFError."""
    octets = b""
    while len(octets) < count:
        more = source.recv(count - len(octets))
        if not more:
            raise EOFError
        octets += more
    return octets


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@contextmanager
def relayed_by(
    read_message: ReadMessage, server: Path, cut_after: int | None, *, half: bool = False
) -> Iterator[Relay]:
    """Run a relay beside the server's socket."""
    path = server.with_name("relay.sock")
    path.unlink(missing_ok=True)
    with Relay(path, server, read_message, cut_after, half=half) as relay:
        yield relay
