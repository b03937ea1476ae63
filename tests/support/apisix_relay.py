"""Stands between APISIX and the runner, and cuts a connection at a frame or in one."""

import socket
from contextlib import AbstractContextManager
from pathlib import Path

from support.relay import Relay, read_exactly, relayed_by


def relayed(
    runner: Path, cut_after: int | None = None, *, half: bool = False
) -> AbstractContextManager[Relay]:
    """Run a relay beside the runner's socket; its messages are frames."""
    return relayed_by(_read_frame, runner, cut_after, half=half)


def _read_frame(source: socket.socket) -> bytes:
    head = read_exactly(source, 4)
    return head + read_exactly(source, int.from_bytes(head[1:]))
