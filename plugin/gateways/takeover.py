"""The socket for a gateway that starts the next server before it ends the last: two on one path.

Rules, in order:

1. A server listens at PATH.PID.next until it is ready, then moves its socket to PATH: whoever
   connects waits in a queue or is answered, and is never sent away.
2. What stands at PATH is replaced when it is a socket, live or left behind, and never otherwise.
3. A server that is told to end while another one listens beside PATH goes on until that one has
   taken PATH, or has not for a while. Without a successor it takes its own socket away at once.
4. What a killed server has left beside PATH counts for nothing and is removed by the next one.

Mode and owners are set before the first connection is possible. Accepting is left to the server.
"""

import os
import re
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.accounts import give_to
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.listener import BACKLOG, listens

SETTING = "doors.kong.socket"
HAND_OVER_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class SocketPlace:
    """A listening socket that is on its way to its path, at it, or replaced there."""

    def __init__(self, path: Path, waiting: Path, listener: socket.socket) -> None:
        self.path = path
        self.listener = listener
        self._waiting = waiting
        # nobody else gets this number while the socket is open, even when its file is gone
        self._identity = _identity(waiting)

    def claim(self) -> bool:
        """Move to the path; return whether a live server was there.

        Raises:
            ConfigurationError: something else than a socket is there, or moving is not allowed.

        """
        _check_replaceable(self.path)
        replaces = listens(self.path)
        try:
            self._waiting.rename(self.path)
        except OSError as error:
            raise _unusable(self.path, error) from error
        return replaces

    def is_ours(self) -> bool:
        """Answer whether whoever connects to the path gets here."""
        return _identity(self.path) == self._identity

    def successor_waits(self) -> bool:
        """Answer whether another server listens beside the path."""
        return any(listens(beside) for beside in _beside(self.path) if beside != self._waiting)

    def handing_over(self, let_go: Callable[[], None]) -> Iterator[float]:
        """Yield pauses, in seconds, until the server may stop; then nobody new gets here.

        `let_go` is called first if somebody waits for what only one process may hold.
        """
        if self.is_ours() and self.successor_waits():
            let_go()
            until = time.monotonic() + HAND_OVER_SECONDS
            while self.is_ours() and time.monotonic() < until:
                yield _LOOK_SECONDS
        self.withdraw()

    def withdraw(self) -> None:
        """Take the socket's file away, wherever it is, if it is still ours."""
        for path in (self.path, self._waiting):
            if _identity(path) == self._identity:
                with suppress(OSError):  # who comes next replaces it as well
                    path.unlink()


@contextmanager
def waiting_beside(door: KongDoor) -> Iterator[SocketPlace]:
    """Listen beside the door's path, as the last step before `claim`; the file goes with the end.

    Raises:
        ConfigurationError: the path, an account or the mode cannot be had.

    """
    _check_replaceable(door.socket)
    _clear_stale(door.socket)
    waiting = door.socket.with_name(f"{door.socket.name}.{os.getpid()}.next")
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(waiting))
        except OSError as error:
            raise _unusable(door.socket, error) from error
        place = SocketPlace(door.socket, waiting, listener)
        try:
            give_to(waiting, door)  # before listen(): until then every connect() is refused
            listener.listen(BACKLOG)
            yield place
        finally:
            place.withdraw()


def _check_replaceable(path: Path) -> None:
    with suppress(FileNotFoundError):
        try:
            mode = path.lstat().st_mode
        except PermissionError as error:
            raise _unusable(path, error) from error
        if not stat.S_ISSOCK(mode):
            raise ConfigurationError(
                [f"{SETTING}: {path} is there and is no socket; move it away or name another path"]
            )


def _beside(path: Path) -> list[Path]:
    """Return the sockets that wait, or waited, for this path."""
    name = re.compile(re.escape(path.name) + r"\.[0-9]+\.next")
    try:
        return [beside for beside in path.parent.iterdir() if name.fullmatch(beside.name)]
    except OSError:
        return []  # no folder, or none to look into: binding says so


def _clear_stale(path: Path) -> None:
    for beside in _beside(path):
        if not listens(beside) and not _is_alive(int(beside.name.split(".")[-2])):
            with suppress(OSError):
                beside.unlink()


def _is_alive(pid: int) -> bool:
    """Answer whether the process may still be on its way to listening."""
    if pid == os.getpid():
        return False  # a number that is used again, as in a container
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError([f"{SETTING}: {path}: {error.strerror or error}"])
