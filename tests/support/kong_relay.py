"""Stands between Kong and the plugin server, and cuts a connection after so many messages."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self


class Relay:
    """Passes messages on; one connection ends after `cut_after` of them, the others do not.

    A message is a frame, or, where nothing is framed, what one read brings.
    """

    def __init__(
        self, path: Path, server: Path, cut_after: int | None, *, framed: bool = True
    ) -> None:
        self.path = path
        self.messages = 0
        """How many were passed on, in both directions and over all connections."""
        self._read_message = _read_frame if framed else _read_any
        self._server = server
        self._cut_after = cut_after
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
                kong = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            self._connections += [kong, server]
            for source, sink in ((kong, server), (server, kong)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError, EOFError):
            while True:
                message = self._read_message(source)
                with self._lock:
                    if self._cut_after == self.messages:
                        self._cut_after = None
                        break
                    self.messages += 1
                    sink.sendall(message)
        _close(source)
        _close(sink)


def _read_frame(source: socket.socket) -> bytes:
    prefix = _read(source, 4)
    return prefix + _read(source, int.from_bytes(prefix, "little"))


def _read_any(source: socket.socket) -> bytes:
    octets = source.recv(1 << 20)
    if not octets:
        raise EOFError
    return octets


def _read(source: socket.socket, count: int) -> bytes:
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
def relayed(server: Path, cut_after: int | None = None, *, framed: bool = True) -> Iterator[Relay]:
    """Run a relay beside the server's socket."""
    path = server.with_name("relay.sock")
    path.unlink(missing_ok=True)
    with Relay(path, server, cut_after, framed=framed) as relay:
        yield relay
