"""What comes of a request: APISIX's answer, or a request for the upstream."""

from collections.abc import Callable
from dataclasses import dataclass, field

from support.apisix.state import RequestState
from support.kong.results import UpstreamReply
from support.raw_http import RawRequest


@dataclass(frozen=True)
class Answered:
    """The client got this; with a status of 0 its connection was closed without an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    from_runner: bool
    """True for a Stop of the runner's, false for APISIX's own pages and the upstream's answers."""

    def values(self, name: str) -> list[str]:
        """Return the values of a header; only the letter case of its name is free."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True)
class Proxied:
    """The upstream was called with this request."""

    request: RawRequest
    is_decided: bool
    """False where a call to the runner ended without a Rewrite: nobody said that it may pass."""


class UpstreamDown(Exception):
    """The upstream refuses the connection."""


Upstream = Callable[[RawRequest], UpstreamReply]


def answers_ok(_request: RawRequest) -> UpstreamReply:
    """Answer 200 to everything."""
    return UpstreamReply(200, (("Content-Length", "0"),))


@dataclass
class Exchange:
    """One request and what came of it."""

    state: RequestState
    result: Answered | Proxied = field(init=False)
    response: Answered = field(init=False)
    """What the client got: the answer, or what became of the upstream's response."""
    errors: list[str] = field(default_factory=list)
    """What APISIX logs."""
    upstream_requests: list[RawRequest] = field(default_factory=list)

    @property
    def answered(self) -> Answered:
        assert isinstance(self.result, Answered), self.result
        return self.result

    @property
    def proxied(self) -> RawRequest:
        assert isinstance(self.result, Proxied), self.result
        return self.result.request
