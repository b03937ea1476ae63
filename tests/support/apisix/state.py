"""One request on its way through APISIX: what runners are told, and what they change."""

import uuid
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address

from support.apisix.errors import LuaError
from support.apisix.headers import HeaderCopy, HeaderLine, HeaderLines, escaped
from support.apisix.messages import METHODS, Entries, RequestCall, Rewrite
from support.apisix.query import Arguments, arguments, changed, escaped_path, query
from support.apisix.request import ApisixSettings, ClientRequest, Route
from support.kong.octets import text_octets
from support.kong.paths import nginx_uri, raw_query

IGNORED = frozenset(
    b"connection content-length transfer-encoding location server www-authenticate content-encoding"
    b" content-type content-location content-language".split()
)
"""Response headers that a Rewrite cannot set, and that post-resp does not keep by itself."""


@dataclass
class RequestState:
    """Everything about one request; the plugins of a route share it."""

    settings: ApisixSettings
    route: Route
    request: ClientRequest
    headers: HeaderLines = field(init=False)
    body: bytes = field(init=False)
    uri: bytes = field(init=False)
    """The path as nginx reads it, which decides on the route."""
    query: bytes = field(init=False)
    remote_addr: str = field(init=False)
    path: bytes | None = None
    """The path that something has put in the place of the one that was sent."""
    rebuilds_query: bool = False
    body_was_read: bool = False
    response_headers: HeaderLines = field(default_factory=HeaderLines)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        request = self.request
        lines = ((text_octets(name), text_octets(value)) for name, value in request.lines)
        self.headers = HeaderLines(lines)
        self.body = request.body
        self.uri = nginx_uri(request.origin_form)
        self.query = raw_query(request.origin_form.partition(b"#")[0])
        self.remote_addr = self._remote_addr()
        if self.settings.owns_forwarded:
            self.headers.set(b"x-forwarded-for", None)
            self.headers.set(b"x-forwarded-proto", b"http")
            self.headers.set(b"x-forwarded-host", self.host)
            self.headers.set(b"x-forwarded-port", b"%d" % self.settings.port)

    def _remote_addr(self) -> str:
        """The peer, or what a trusted one says in X-Real-IP."""
        sent = self.headers.values(b"x-real-ip")
        if self.request.peer in self.settings.trusts_real_ip and sent:
            try:
                return str(ip_address(sent[-1].decode()))
            except ValueError:
                pass
        return self.request.peer

    @property
    def host(self) -> bytes:
        return text_octets(self.request.host) or b"_"

    @cached_property
    def copy(self) -> HeaderCopy:
        """What is told of the headers, as they are when it is first wanted."""
        stale = self.settings.copies_are_stale
        return HeaderCopy(self.headers, self.settings.most_headers, is_stale=stale)

    @property
    def target(self) -> bytes:
        """The target that the upstream gets."""
        if self.path is None and not self.rebuilds_query:
            return self.request.origin_form
        path = escaped_path(self.uri if self.path is None else self.path)
        return path + (b"?" + self.query if self.query else b"")

    def call(self, number: int, token: int) -> RequestCall:
        """Return what a runner is told. Raises LuaError for a method outside the schema."""
        if self.request.method not in METHODS:
            raise LuaError("unsupported method")
        return RequestCall(
            number,
            ip_address(self.remote_addr).packed,
            METHODS.index(self.request.method),
            self.uri if self.path is None else self.path,
            _in_lua_order(arguments(self.query)),
            tuple(self.copy.lines()),
            token,
        )

    def read_body(self) -> bytes | None:
        """Return the body as a runner gets it, None where it is told that there is none."""
        hidden = self.settings.hides_http2_bodies and self.request.http_version > 1.1
        if hidden and not self.headers.values(b"content-length"):
            return None
        self.body_was_read = True
        return self.body or None

    def rewrite(self, rewrite: Rewrite) -> None:
        """Change the request as a runner says."""
        for name, value in rewrite.headers:
            self.copy.set(name, value)
            self.headers.set(name, value)
        if rewrite.path is not None:
            self.path = rewrite.path
        if rewrite.args:
            self.query = query(changed(arguments(self.query), rewrite.args))
            self.rebuilds_query = True
        if rewrite.body:
            self.body = rewrite.body
        self.response_headers = set_response_headers(rewrite.resp_headers, IGNORED)


def set_response_headers(entries: Entries, ignored: frozenset[bytes] = frozenset()) -> HeaderLines:
    """Return the lines that a runner sets: names in small letters, repeated ones stay."""
    lines: list[HeaderLine] = [
        (name.lower(), escaped(value))
        for name, value in entries
        if value is not None and name.lower() not in ignored
    ]
    return HeaderLines(lines)


def _in_lua_order(found: Arguments) -> Entries:
    """Return arguments in no order, but those of one name together."""
    names = sorted(found, key=zlib.crc32)
    return tuple((name, value) for name in names for value in found[name])
