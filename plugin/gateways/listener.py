"""The socket that a service of HTTP listens on.

Rules: a Unix socket gets mode 0660 before anybody can connect to it, and takes the place of one
that nobody listens on any more, but never of a live one or of another file; an address that cannot
be had is an error of the settings.
"""

import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError

SOCKET_MODE = 0o660
BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a Unix socket's path, or a host and a port."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@contextmanager
def listening(address: Address, setting: str = "doors.http.listen") -> Iterator[socket.socket]:
    """Hold a listening socket; a Unix socket's file goes with it. `setting` named the address.

    Raises:
        ConfigurationError: the address cannot be had, because it is in use or not ours to take.

    """
    try:
        listener = _tcp_socket(address) if address.path is None else _unix_socket(address.path)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigurationError([f"{setting}: {address}: {why}"]) from error
    try:
        yield listener
    finally:
        listener.close()
        if address.path is not None:
            address.path.unlink(missing_ok=True)


def listens(path: Path) -> bool:
    """Answer whether somebody listens at a Unix socket; in doubt, as without permission, yes."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # noqa: FBT003 - the standard library's own shape
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
    return True


def _tcp_socket(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)


def _unix_socket(path: Path) -> socket.socket:
    _clear_stale_socket(path)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)  # before listen(): until then every connect() is refused
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _clear_stale_socket(path: Path) -> None:
    """Remove a socket file that nobody listens on any more; leave everything else alone."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode) and not listens(path):
            path.unlink()
