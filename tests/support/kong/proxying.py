"""What goes upstream, and what comes back to the client: the part of Kong around the plugin."""

import json

from support.kong.headers import HeaderLines
from support.kong.octets import text_octets
from support.kong.request import VERSION
from support.kong.results import Answered, UpstreamReply
from support.kong.state import Exit, RequestState, Response
from support.raw_http import RawRequest

SERVICE_HOST = "upstream.test"
_HOP_BY_HOP = frozenset({"close", "keep-alive", "upgrade"})


def latin(text: str) -> str:
    """Return text as HTTP carries it: one character for each byte."""
    return text_octets(text).decode("latin-1")


def upstream_request(state: RequestState) -> RawRequest:
    """Return the request that Kong sends upstream.

    Headers that the client's Connection names are dropped here, after all plugins: also those that
    a plugin has set.
    """
    headers = state.headers.copy()
    upgrade = (headers.first("upgrade") or "").lower() == "websocket"
    _clear_hop_by_hop(headers)
    peer = state.request.peer
    before = headers.first("x-forwarded-for")
    told = {
        "Host": _upstream_host(state),
        "Connection": "keep-alive, Upgrade" if upgrade else "keep-alive",
        "Upgrade": "websocket" if upgrade else "",
        "X-Forwarded-For": f"{before}, {peer}" if before else peer,
        "X-Forwarded-Proto": state.forwarded("proto") or "http",
        "X-Forwarded-Host": state.forwarded("host") or state.request.host,
        "X-Forwarded-Port": state.forwarded("port") or str(state.settings.port),
        "X-Forwarded-Path": state.forwarded("path") or state.settings.forwarded_path(state.request),
        "X-Forwarded-Prefix": state.forwarded("prefix") or "",
        "X-Real-IP": state.forwarded_ip,
        "Via": f"{state.request.http_version} {VERSION}",
        "X-Kong-Request-Id": state.request_id,
    }
    for name, value in told.items():
        headers.clear(name)
        if value:
            headers.set(name, value)
    body = state.body.octets
    if state.request.is_chunked:
        headers.clear("transfer-encoding")
        headers.set("Content-Length", len(body))
    lines = tuple((latin(name), latin(value)) for name, value in headers)
    return RawRequest(state.method, latin(_upstream_target(state)), lines, body)


def _upstream_target(state: RequestState) -> str:
    has_query = state.query or b"?" in state.request.origin_form
    return state.upstream_path + (f"?{state.query}" if has_query else "")


def _upstream_host(state: RequestState) -> str:
    """The service's own host, unless a plugin set another."""
    sent = [value for name, value in state.request.lines if name.lower() == "host"]
    now = state.headers.values("host")
    return SERVICE_HOST if now in (sent, []) else now[0]


def _clear_hop_by_hop(headers: HeaderLines) -> None:
    named = headers.first_of_table("connection") or ""
    for name in (each.strip().lower() for each in named.split(",")):
        if name not in _HOP_BY_HOP:
            headers.clear(name)
    for name in ("te", "expect", "keep-alive", "proxy", "proxy-connection"):
        headers.clear(name)


def exit_answer(state: RequestState, said: Exit) -> Answered:
    """Return what the client gets when a plugin ended the request."""
    headers = state.response_headers.copy()
    for name in {name.lower() for name, _ in said.headers}:
        headers.set(name, list(said.headers.values(name)))
    body = said.body
    if body is None:
        body = b"<html><head><title>%d</title></head></html>\n" % said.status
        headers.set("Content-Type", "text/html; charset=UTF-8")
    if headers.values("content-type") == ["text/plain"]:
        headers.set("Content-Type", "text/plain; charset=UTF-8")
    if not headers.values("content-length"):
        headers.set("Content-Length", len(body))
    return _from_kong(state, said.status, headers, body, from_plugin=True)


def kong_answer(state: RequestState, status: int, message: str) -> Answered:
    """Return an answer of Kong's own."""
    body = json.dumps({"message": message, "request_id": state.request_id}).encode()
    headers = state.response_headers.copy()
    headers.set("Content-Type", "application/json; charset=utf-8")
    headers.set("Content-Length", len(body))
    return _from_kong(state, status, headers, body, from_plugin=False)


def _from_kong(
    state: RequestState, status: int, headers: HeaderLines, body: bytes, *, from_plugin: bool
) -> Answered:
    headers.set("Server", VERSION)
    headers.set("X-Kong-Response-Latency", "7")
    headers.set("X-Kong-Request-Id", state.request_id)
    source = "exit" if from_plugin else "error"
    state.response = Response(status, _with_connection(state, headers), source)
    (length,) = headers.values("content-length")
    sent = b"" if status == 204 or state.request.method == "HEAD" else body[: int(length)]
    lines = tuple((latin(name), latin(value)) for name, value in headers)
    return Answered(status, lines, sent, from_plugin)


def proxied_answer(state: RequestState, reply: UpstreamReply) -> Answered:
    """Return what the client gets of the upstream's reply."""
    headers = HeaderLines(reply.headers)
    for name in {name.lower() for name, _ in state.response_headers}:
        headers.set(name, list(state.response_headers.values(name)))
    headers.set("X-Kong-Upstream-Latency", "0")
    headers.set("X-Kong-Proxy-Latency", "7")
    headers.set("Via", f"1.1 {VERSION}")
    headers.set("X-Kong-Request-Id", state.request_id)
    state.response = Response(reply.status, _with_connection(state, headers), "service")
    lines = tuple((latin(name), latin(value)) for name, value in headers)
    return Answered(reply.status, lines, reply.body, from_plugin=False)


def _with_connection(state: RequestState, headers: HeaderLines) -> HeaderLines:
    asked = (state.headers.first("connection") or "").lower()
    seen = headers.copy()
    seen.set("Connection", "close" if "close" in asked else "keep-alive")
    return seen
