"""The socket for a gateway that starts the next server before it ends the last: two on one path.

Rules, in order:

1. A server listens beside PATH until it is ready, then moves its socket to PATH: whoever connects
   waits in a queue or is answered, and is never sent away.
2. What stands at PATH is replaced when it is a socket, live or left behind, and never otherwise.
3. A server that is told to end while another one listens beside PATH goes on until that one has
   taken PATH, or has not for a while. Without a successor it takes its own socket away at once, and
   never that of another one.
4. A server whose PATH was taken by one that has ended is cut off: nobody can reach it any more, and
   it cannot know whether it may take PATH back. Ending it is left to the caller.

Servers are told apart by their sockets, never by names or process ids, which mean nothing between
containers. Mode and owners are set before the first connection is possible. Accepting is left to
the server.
"""

import os
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.accounts import SocketFile, accounts_of, check_folder, give_to
from gatepass.plugin.gateways.beside import (
    beside,
    clear_abandoned,
    identity,
    name_beside,
    somebody_listens,
)
from gatepass.plugin.gateways.listener import BACKLOG

HAND_OVER_SECONDS = 5.0
_LOOK_SECONDS = 0.02


class SocketPlace:
    """A listening socket that is on its way to its path, at it, or replaced there."""

    def __init__(self, file: SocketFile, waiting: Path, listener: socket.socket) -> None:
        self.file = file
        self.listener = listener
        self._waiting = waiting
        # nobody else gets this number while the socket is open, even when its file is gone
        self._identity = identity(waiting)

    def claim(self) -> bool:
        """Move to the path; return whether a live server was there.

        Raises:
            ConfigurationError: something else than a socket is there, or moving is not allowed.

        """
        _check_replaceable(self.file)
        replaces = somebody_listens(self.file.path)
        try:
            self._waiting.rename(self.file.path)
        except OSError as error:
            raise _unusable(self.file, error) from error
        return replaces

    def is_ours(self) -> bool:
        """Answer whether whoever connects to the path gets here."""
        return identity(self.file.path) == self._identity

    def is_cut_off(self) -> bool:
        """Answer whether the path, claimed before, leads to nobody now."""
        return not self.is_ours() and not somebody_listens(self.file.path)

    def successor_waits(self) -> bool:
        """Answer whether another server listens beside the path."""
        others = (entry for entry in beside(self.file.path) if identity(entry) != self._identity)
        return any(somebody_listens(entry) for entry in others)

    def withdraw(self) -> None:
        """Take the socket's file away, wherever it is, if it is still ours.

        A file can be moved by its name alone, not by what it is. So it is moved back to a name that
        only we use and looked at there: a successor that took the path meanwhile is put back, which
        never replaces one that came after it.
        """
        with suppress(OSError):
            if self.is_ours():
                self.file.path.rename(self._waiting)
            found = identity(self._waiting)
            if found is not None and found != self._identity:
                _put_back(self._waiting, self.file.path)
            self._waiting.unlink(missing_ok=True)


def handing_over(
    places: Sequence[SocketPlace],
    let_go: Callable[[], None],
    seconds: float = HAND_OVER_SECONDS,
) -> Iterator[float]:
    """Yield pauses, in seconds, until the servers may stop; then nobody new gets to them.

    `let_go` is called first if somebody waits for what only one process may hold; `seconds` is how
    long that one is waited for.
    """
    awaited = [place for place in places if place.is_ours() and place.successor_waits()]
    if awaited:
        let_go()
        until = time.monotonic() + seconds
        while any(place.is_ours() for place in awaited) and time.monotonic() < until:
            yield _LOOK_SECONDS
    for place in places:
        place.withdraw()


@contextmanager
def waiting_beside(file: SocketFile) -> Iterator[SocketPlace]:
    """Listen beside the path, as the last step before `claim`; the socket's file goes with the end.

    Raises:
        ConfigurationError: the path, its folder, an account or the mode cannot be had.

    """
    check_folder(file)
    _check_replaceable(file)
    accounts = accounts_of(file)
    clear_abandoned(file.path)
    waiting = name_beside(file.path)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(waiting))
        except OSError as error:
            raise _unusable(file, error) from error
        place = SocketPlace(file, waiting, listener)
        try:
            give_to(waiting, file, accounts)  # before listen(): until then every connect() fails
            listener.listen(BACKLOG)
            yield place
        finally:
            place.withdraw()


def _put_back(waiting: Path, path: Path) -> None:
    try:
        os.link(waiting, path)
    except FileExistsError:
        return  # whoever is there has taken the path after the one in our hands
    except OSError:  # a file system without links, or a socket of another account
        waiting.rename(path)


def _check_replaceable(file: SocketFile) -> None:
    with suppress(FileNotFoundError):
        try:
            mode = file.path.lstat().st_mode
        except PermissionError as error:
            raise _unusable(file, error) from error
        if not stat.S_ISSOCK(mode):
            sentence = (
                f"{file.door}.socket: {file.path} is there and is no socket; move it away or name "
                "another path"
            )
            raise ConfigurationError([sentence])


def _unusable(file: SocketFile, error: OSError) -> ConfigurationError:
    return ConfigurationError([f"{file.door}.socket: {file.path}: {error.strerror or error}"])
