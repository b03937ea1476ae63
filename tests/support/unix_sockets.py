"""Unix sockets as files: connected to, left behind, listed."""

import socket
from pathlib import Path


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    try:
        client.connect(str(path))
    except OSError:
        client.close()
        raise
    return client


def leave(path: Path) -> Path:
    """Leave what a killed process leaves: a socket at which nobody listens."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    return path


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())
