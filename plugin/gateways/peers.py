"""Who asks, and is it one of the configured proxies (SEC-37, SEC-62).

Rules: a Unix socket is trusted, because its file mode says who may open it; any other peer is
trusted if its address lies in a configured network; a peer without an address is not.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Scope

Network = IPv4Network | IPv6Network

_MAX_LEARNED_PEERS = 1024


class TrustedProxies:
    """The proxies whose word about the original request counts."""

    __slots__ = ("_known", "_networks")

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._known: dict[str, bool] = {}

    def include(self, scope: "Scope") -> bool:
        """Tell whether the connection of this request comes from a trusted proxy."""
        client = scope.get("client")
        if client is None:
            server = scope.get("server")
            return server is not None and server[1] is None  # how ASGI spells a Unix socket
        host: str = client[0]
        trusted = self._known.get(host)
        if trusted is None:
            trusted = self._is_inside(host)
            if len(self._known) < _MAX_LEARNED_PEERS:
                self._known[host] = trusted
        return trusted

    def _is_inside(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # a dual-stack listener spells IPv4 peers so
        return any(address in network for network in self._networks)
