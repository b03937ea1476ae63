"""By which way keys come: all that decides whether the right server is spoken to (SEC-16, SEC-20).

Keys that came over a way which the settings no longer trust, by a CA since withdrawn or through
another proxy, must not serve on, neither in a new generation of settings nor from disk. So this way
is part of what tells one source of keys from another. It is told as a digest: the proxy's password
shows in nothing that is kept.
"""

from collections.abc import Collection
from hashlib import sha256
from pathlib import Path

from gatepass.jwks.networks import Network
from gatepass.jwks.proxy import Proxy


def route_digest(
    ca_file: Path | None,
    proxy: Proxy | None,
    networks: Collection[Network],
    *,
    allow_http_loopback: bool,
) -> str:
    """Return what tells this way from others; the CAs count by what the file holds now."""
    parts = (
        None if ca_file is None else (str(ca_file), _digest(ca_file)),
        None if proxy is None else (proxy.url, proxy.auth),
        sorted({str(network) for network in networks}),
        allow_http_loopback,
    )
    return sha256(repr(parts).encode()).hexdigest()


def _digest(ca_file: Path) -> str:
    try:
        # opening a pipe would wait for a writer
        return sha256(ca_file.read_bytes()).hexdigest() if ca_file.is_file() else ""
    except OSError:
        return ""  # nothing can be fetched by it either
