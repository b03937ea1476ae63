"""How APISIX is set up: its version and its routes. What a client sends is that of Kong."""

from dataclasses import dataclass, replace
from typing import Literal

from support.kong.request import ClientRequest

__all__ = ["ApisixSettings", "ClientRequest", "Conf", "Phase", "Route"]

Phase = Literal["pre-req", "post-req", "post-resp"]
Conf = tuple[tuple[str, str], ...]
GATEPASS: Conf = (("gatepass", '{"profile":"default"}'),)


@dataclass(frozen=True)
class Route:
    """A route, and which of the three plugins it has; `conf` is name and text of each entry."""

    id: str = "v1"
    pre_req: Conf | None = GATEPASS
    post_req: Conf | None = None
    post_resp: Conf | None = None
    allow_degradation: bool = False
    proxy_rewrite: str | None = None
    """The path that the plugin proxy-rewrite gives, between pre-req and post-req."""

    def conf(self, phase: Phase) -> Conf | None:
        """Return the configuration of a plugin, None where the route has it not."""
        match phase:
            case "pre-req":
                return self.pre_req
            case "post-req":
                return self.post_req
            case "post-resp":
                return self.post_resp

    def configured(self, phase: Phase, conf: Conf) -> "Route":
        """Return the route with another configuration of a plugin."""
        match phase:
            case "pre-req":
                return replace(self, pre_req=conf)
            case "post-req":
                return replace(self, post_req=conf)
            case "post-resp":
                return replace(self, post_resp=conf)


@dataclass(frozen=True)
class ApisixSettings:
    """What differs between one APISIX and another."""

    version: tuple[int, int] = (3, 16)
    port: int = 9080
    worker_number: int = 0
    trusts_real_ip: tuple[str, ...] = ("127.0.0.1", "unix:")
    """Whose X-Real-IP is believed."""

    @property
    def most_headers(self) -> int | None:
        """How many header lines a runner is told; None for all."""
        return None if (2, 13) <= self.version <= (3, 9) else 100

    @property
    def copies_are_stale(self) -> bool:
        """Whether a name with capitals leaves the old value in the copy of the headers."""
        return self.version <= (3, 17)

    @property
    def hides_http2_bodies(self) -> bool:
        """Whether a body of HTTP/2 without Content-Length is told to be none."""
        return (3, 9) <= self.version <= (3, 16)

    @property
    def owns_forwarded(self) -> bool:
        """Whether X-Forwarded headers of clients are replaced before a runner is asked."""
        return self.version >= (3, 14)
