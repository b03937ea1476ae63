"""APISIX's connections to the runner: a pool, and a transcript of what went over them."""

import os
import select
import socket
import threading
from contextlib import suppress

from support.apisix.errors import CallFailed
from support.apisix.messages import LARGEST_PAYLOAD, frame
from support.apisix.shown import decoded
from support.kong.connection import Transcript

_CONNECT_SECONDS = 1.0
_HEAD = 4
MOST_IDLE = 32
"""How many idle connections an nginx worker keeps."""


class Connection:
    """One connection; it carries one call at a time."""

    def __init__(self, path: str, read_timeout: float, transcript: Transcript) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_CONNECT_SECONDS)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise CallFailed(_reason(error)) from error
        self._socket.settimeout(read_timeout)
        self._transcript = transcript
        self._closed = False
        self.number = transcript.next_number()
        self._transcript.note(self.number, "apisix", {"event": "connect"})

    def send(self, kind: int, payload: bytes) -> None:
        """Send a frame. Raises CallFailed, also for what is too large for one."""
        if len(payload) > LARGEST_PAYLOAD:
            raise CallFailed("body too large")
        octets = frame(kind, payload)
        self._note("apisix", octets)
        try:
            self._socket.sendall(octets)
        except OSError as error:
            raise CallFailed(_reason(error)) from error

    def receive(self) -> tuple[int, bytes]:
        """Return type and payload of the next frame. Raises CallFailed."""
        head = self._receive(_HEAD)
        payload = self._receive(int.from_bytes(head[1:]))
        self._note("runner", head + payload)
        return head[0], payload

    def _receive(self, count: int) -> bytes:
        octets = bytearray()
        while len(octets) < count:
            try:
                more = self._socket.recv(count - len(octets))
            except OSError as error:
                raise CallFailed(_reason(error)) from error
            if not more:
                self._transcript.note(self.number, "runner", {"event": "close"})
                raise CallFailed("closed")
            octets += more
        return bytes(octets)

    def _note(self, sender: str, octets: bytes) -> None:
        if self._transcript.keeps:
            self._transcript.note(self.number, sender, decoded(sender, octets))

    @property
    def is_idle(self) -> bool:
        """Tell whether it may be used again: nothing unread, and the runner has not closed it."""
        if self._closed:
            return False
        readable, _, _ = select.select([self._socket], [], [], 0)
        return not readable

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._socket.close()
            self._transcript.note(self.number, "apisix", {"event": "close"})


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
        """Keep a connection for the next call; of too many the oldest is closed."""
        if not connection.is_idle:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)
            surplus = self._idle.pop(0) if len(self._idle) > MOST_IDLE else None
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _reason(error: OSError) -> str:
    return "timeout" if isinstance(error, TimeoutError) else os.strerror(error.errno or 0).lower()
