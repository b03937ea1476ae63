"""One request on its way through Kong: what plugins read, what they change, what comes of it."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from support.kong.body import Body
from support.kong.errors import LuaError
from support.kong.headers import HeaderLines
from support.kong.octets import octets_text
from support.kong.paths import kong_path, raw_query
from support.kong.request import ClientRequest, KongSettings

HIGHEST_LIMIT = 1000


@dataclass(frozen=True)
class Exit:
    """What a plugin said to kong.response.exit; a body of None leaves the page to nginx."""

    status: int
    body: bytes | None
    headers: HeaderLines


@dataclass(frozen=True)
class Response:
    """What went back to the client, as the log phase sees it."""

    status: int
    headers: HeaderLines
    source: str


@dataclass
class RequestState:
    """Everything about one request; the phases share it."""

    settings: KongSettings
    request: ClientRequest
    headers: HeaderLines = field(init=False)
    body: Body = field(init=False)
    path: str | None = None
    method: str = field(init=False)
    query: str = field(init=False)
    shared: dict[str, object] = field(default_factory=dict)
    ctx: dict[str, object] = field(default_factory=dict)
    consumer: Mapping[str, object] | None = None
    credential: Mapping[str, object] | None = None
    response_headers: HeaderLines = field(default_factory=HeaderLines)
    exit: Exit | None = None
    response: Response | None = None
    log_values: dict[str, object] = field(default_factory=dict)
    log_lines: list[tuple[str, str]] = field(default_factory=list)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        request, settings = self.request, self.settings
        self.headers = HeaderLines(request.lines)
        self.body = Body(request.body, settings.client_body_buffer_size, settings.body_folder)
        self.method = request.method
        self.query = octets_text(raw_query(request.origin_form))

    @property
    def kong_path(self) -> str:
        return octets_text(kong_path(self.request.origin_form))

    @property
    def upstream_path(self) -> str:
        if self.path is not None:
            return self.path.replace(" ", "%20")
        return octets_text(self.settings.route.upstream_path(self.request))

    @property
    def forwarded_ip(self) -> str:
        """The peer, or from a trusted one the last address of X-Forwarded-For."""
        peer = self.request.peer
        if not self.settings.trusts(peer):
            return peer
        addresses = ",".join(self.headers.values("x-forwarded-for")).split(",")
        try:
            return str(ip_address(addresses[-1].strip()))
        except ValueError:
            return peer

    def forwarded(self, name: str) -> str | None:
        """Return an X-Forwarded header that a trusted peer sent."""
        if not self.settings.trusts(self.request.peer):
            return None
        return self.headers.first(f"x-forwarded-{name}")

    def answered(self) -> Response:
        """Return the response. Raises LuaError where there is none yet."""
        if self.response is None:
            raise LuaError("function cannot be called in access phase")
        return self.response


def limit(value: object) -> int:
    """Return how many lines were asked for. Raises LuaError beyond 1 to 1000."""
    if value is None:
        return 100
    if not isinstance(value, int | float) or not 1 <= value <= HIGHEST_LIMIT:
        raise LuaError("max must be between 1 and 1000")
    return int(value)
