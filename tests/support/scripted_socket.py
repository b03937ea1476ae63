"""A Unix socket at which a few lines of a test stand for a server."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

Converse = Callable[[socket.socket], None]


@contextmanager
def scripted_socket(path: Path, converse: Converse) -> Iterator[None]:
    """Listen at a path; each connection has a thread, which closes it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(256)
        threading.Thread(target=_accept, args=(listener, converse), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
    path.unlink()


def _accept(listener: socket.socket, converse: Converse) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=(connection,), daemon=True).start()
