"""Ports that nobody listens on at this moment."""

import socket


def free_port() -> int:
    """Return a free port of the loopback address; it may be taken by the time it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
