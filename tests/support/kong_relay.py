"""Stands between Kong and the plugin server, and cuts a connection after so many messages."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path

from support.relay import Relay, read_exactly, relayed_by


def relayed(
    server: Path, cut_after: int | None = None, *, framed: bool = True
) -> AbstractContextManager[Relay]:
    """Run a relay beside the server's socket.

    A message is a frame, or, where nothing is framed, what one read brings.
    """
    return relayed_by(_read_frame if framed else _read_any, server, cut_after)


def _read_frame(source: socket.socket) -> bytes:
    prefix = read_exactly(source, 4)
    return prefix + read_exactly(source, int.from_bytes(prefix, "little"))


def _read_any(source: socket.socket) -> bytes:
    octets = source.recv(1 << 20)
    if not octets:
        raise EOFError
    return octets
