"""What comes of a request: Kong's answer, or a request for the upstream."""

from collections.abc import Callable
from dataclasses import dataclass

from support.raw_http import RawRequest

Shared = dict[str, object]


@dataclass(frozen=True)
class Answered:
    """The client got an answer, and the upstream was not called."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    from_plugin: bool
    """True for what a plugin said to kong.response.exit, false for Kong's own 500 and 503."""

    def values(self, name: str) -> list[str]:
        """Return the values of a header; only the letter case of its name is free."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Proxied:
    """The upstream was called with this request."""

    request: RawRequest


@dataclass(frozen=True)
class UpstreamReply:
    """What an upstream answers."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Upstream = Callable[[RawRequest, Shared], UpstreamReply]
"""An upstream, and whatever Kong's bundled plugins note in kong.ctx.shared of its response."""


def answers_ok(_request: RawRequest, _shared: Shared) -> UpstreamReply:
    """Answer 200 to everything."""
    return UpstreamReply()
