"""Kong's connections to the plugin server: a pool, and a transcript of what went over them."""

import itertools
import os
import select
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress

from support.kong.errors import CallFailed, LuaError

_CHUNK = 4096
"""What Kong reads at once."""


class Transcript:
    """Frames and connections in the order of their arrival, in the style of the recordings."""

    def __init__(self, *, keeps: bool) -> None:
        self.entries: list[dict[str, object]] = []
        self.keeps = keeps
        self._numbers = itertools.count(1)

    def next_number(self) -> int:
        return next(self._numbers)

    def note(self, connection: int, sender: str, decoded: Mapping[str, object]) -> None:
        """Note a frame, or the opening or closing of a connection."""
        if self.keeps:
            self.entries.append({"conn": connection, "from": sender, "decoded": dict(decoded)})


class Connection:
    """One connection, with the errors that Kong's cosockets give."""

    def __init__(self, path: str, read_timeout: float, transcript: Transcript) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(read_timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise CallFailed(os.strerror(error.errno or 0).lower()) from error
        self._received = b""
        self._transcript = transcript
        self.number = transcript.next_number()
        self._closed = False
        self.note("kong", {"event": "connect"})

    def note(self, sender: str, decoded: Mapping[str, object]) -> None:
        self._transcript.note(self.number, sender, decoded)

    @property
    def is_noted(self) -> bool:
        """Tell whether it is worth the trouble to decode what `note` is told."""
        return self._transcript.keeps

    def send(self, octets: bytes) -> None:
        """Send all of it. Raises LuaError: Kong asserts that sending works."""
        try:
            if octets:
                self._socket.sendall(octets)
        except OSError as error:
            raise LuaError(str(error)) from error

    def receive(self, count: int) -> bytes:
        """Return exactly so many bytes. Raises CallFailed."""
        while len(self._received) < count:
            self._received += self.receive_any()
        octets, self._received = self._received[:count], self._received[count:]
        return octets

    def receive_any(self) -> bytes:
        """Return what comes next. Raises CallFailed."""
        try:
            octets = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise CallFailed("timeout") from error
        except OSError as error:
            raise CallFailed(os.strerror(error.errno or 0).lower()) from error
        if not octets:
            self.note("plugin", {"event": "close"})
            raise CallFailed("closed")
        return octets

    @property
    def is_idle(self) -> bool:
        """Tell whether the connection may wait in the pool: nothing unread, and still open."""
        if self._closed or self._received:
            return False
        readable, _, _ = select.select([self._socket], [], [], 0)
        return not readable

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._socket.close()
            self.note("kong", {"event": "close"})


class Pool:
    """Idle connections; the last one put back is the first one used again."""

    def __init__(self, path: str, read_timeout: float, transcript: Transcript) -> None:
        self._path = path
        self._read_timeout = read_timeout
        self._transcript = transcript
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def take(self) -> Connection:
        """Return an idle connection, or a new one. Raises CallFailed."""
        with suppress(IndexError):
            while True:
                with self._lock:
                    connection = self._idle.pop()
                if connection.is_idle:
                    return connection
                connection.close()
        return Connection(self._path, self._read_timeout, self._transcript)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next call; one with unread data is closed."""
        if not connection.is_idle:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
