"""Stands between APISIX and the runner, and cuts a connection at a frame or in one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self


class Relay:
    """Passes frames on; one connection ends after `cut_after` of them, the others do not.

    With `half` it ends in the middle of the next one. `frames` is how many were passed on, in both
    directions and over all connections.
    """

    def __init__(self, path: Path, runner: Path, cut_after: int | None, *, half: bool) -> None:
        self.path = path
        self.frames = 0
        self._runner = runner
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
                apisix = self._listener.accept()[0]
            except OSError:
                return
            runner = socket.socket(socket.AF_UNIX)
            runner.connect(str(self._runner))
            self._connections += [apisix, runner]
            for source, sink in ((apisix, runner), (runner, apisix)):
                threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError, EOFError):
            while True:
                frame = _read_frame(source)
                with self._lock:
                    if self._cut_after == self.frames:
                        self._cut_after = None
                        if self._half:
                            sink.sendall(frame[: len(frame) // 2])
                        break
                    self.frames += 1
                    sink.sendall(frame)
        _close(source)
        _close(sink)


def _read_frame(source: socket.socket) -> bytes:
    head = _read(source, 4)
    return head + _read(source, int.from_bytes(head[1:]))


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
def relayed(runner: Path, cut_after: int | None = None, *, half: bool = False) -> Iterator[Relay]:
    """Run a relay beside the runner's socket."""
    path = runner.with_name("relay.sock")
    path.unlink(missing_ok=True)
    with Relay(path, runner, cut_after, half=half) as relay:
        yield relay
