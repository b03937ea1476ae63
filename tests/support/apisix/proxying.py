"""What goes upstream, and what comes back to the client: the part of APISIX around the plugins."""

from support.apisix.headers import HeaderLine, HeaderLines
from support.apisix.messages import Stop
from support.apisix.pages import APISIX, page
from support.apisix.results import Answered
from support.apisix.state import RequestState, set_response_headers
from support.kong.results import UpstreamReply
from support.raw_http import RawRequest

_REDIRECTS = frozenset({301, 302})
_BODILESS = frozenset({204, 304})
_OWN = frozenset(
    b"host x-real-ip x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port"
    b" content-length connection transfer-encoding te keep-alive expect upgrade".split()
)
"""Request headers that APISIX writes or drops by itself."""
PLAIN = ("Content-Type", "text/plain; charset=utf-8")


def upstream_request(state: RequestState) -> RawRequest:
    """Return the request that APISIX proxies; what the client's Connection names stays."""
    headers = state.headers
    address = state.remote_addr.encode()
    lines = [
        *((b"Host", value) for value in headers.values(b"host")),
        (b"X-Real-IP", address),
        (b"X-Forwarded-For", b", ".join([*headers.values(b"x-forwarded-for"), address])),
        *((b"X-Forwarded-Proto", value) for value in headers.values(b"x-forwarded-proto")),
        *((b"X-Forwarded-Host", value) for value in headers.values(b"x-forwarded-host")),
        *((b"X-Forwarded-Port", value) for value in headers.values(b"x-forwarded-port")),
    ]
    if state.body or state.request.is_chunked or headers.values(b"content-length"):
        lines.append((b"Content-Length", b"%d" % len(state.body)))
    lines += [(name, value) for name, value in headers if name.lower() not in _OWN]
    return _request(state, lines)


def fetching_request(state: RequestState) -> RawRequest:
    """Return the request that post-resp makes: the copy of the headers, and no address."""
    lines = [line for line in state.copy.as_sent() if line[0].lower() != b"transfer-encoding"]
    if state.request.is_chunked:
        lines.append((b"content-length", b"%d" % len(state.body)))
    if not any(name.lower() == b"user-agent" for name, _ in lines):
        lines.append((b"User-Agent", b"lua-resty-http/0.16.1 (Lua) ngx_lua/10028"))
    return _request(state, lines)


def _request(state: RequestState, lines: list[HeaderLine]) -> RawRequest:
    target = state.target.decode("latin-1")
    return RawRequest(state.request.method, target, _text(lines), state.body)


def stop_answer(state: RequestState, stop: Stop) -> Answered:
    """Return what the client gets when a runner ended the request."""
    status = stop.status or 200
    if status < 100:
        return Answered(0, (), b"", from_runner=True)
    lines = set_response_headers(stop.headers)
    for name in (b"www-authenticate", b"content-type", b"location"):
        lines = _only_last(lines, name)
    if not stop.body and status not in _BODILESS:
        own = page(status, from_runner=True)
        added = tuple(line for line in _text(lines) if line[0] != "content-type")
        return Answered(status, own.headers + added, _seen(state, own.body), from_runner=True)
    return answer(state, status, lines, stop.body or b"", from_runner=True)


def answer(
    state: RequestState, status: int, lines: HeaderLines, body: bytes, *, from_runner: bool
) -> Answered:
    """Return an answer that Lua makes: in chunks, as plain text unless it says what it is."""
    headers = [line for line in _text(lines) if line[0] != "server"]
    names = {name.lower() for name, _ in headers}
    if status == 204:
        headers, body = [line for line in headers if line[0] != "content-type"], b""
    elif "content-type" not in names:
        headers.append(("Content-Type", "text/plain") if status in _REDIRECTS else PLAIN)
    if status not in _BODILESS and "content-length" not in names and state.request.method != "HEAD":
        headers.append(("Transfer-Encoding", "chunked"))
    headers.append(("Server", APISIX))
    sent = b"" if status in _BODILESS else _seen(state, body)
    return Answered(status, tuple(headers), sent, from_runner)


def proxied_answer(state: RequestState, reply: UpstreamReply) -> Answered:
    """Return what the client gets of the upstream's reply: what runners set comes beside it."""
    replaced = {"server", "connection"}
    own = _text(state.response_headers)
    if state.response_headers.values(b"content-type"):
        replaced.add("content-type")
    kept = [line for line in reply.headers if line[0].lower() not in replaced]
    lines = (*own, *kept, ("Server", APISIX))
    return Answered(reply.status, lines, _seen(state, reply.body), from_runner=False)


def bad_gateway(state: RequestState) -> Answered:
    """Return what the client gets when the upstream is down: with the runner's headers."""
    own = page(502)
    added = (*_text(state.response_headers), ("X-APISIX-Upstream-Status", "502"))
    return Answered(502, own.headers + added, own.body, from_runner=False)


def _only_last(lines: HeaderLines, name: bytes) -> HeaderLines:
    last = lines.values(name)[-1:]
    return HeaderLines(
        [line for line in lines if line[0] != name] + [(name, each) for each in last]
    )


def _seen(state: RequestState, body: bytes) -> bytes:
    return b"" if state.request.method == "HEAD" else body


def _text(lines: HeaderLines | list[HeaderLine]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines)
