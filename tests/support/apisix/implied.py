"""What a recording says of the world around it: routes, requests, the upstream's answers."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from support.apisix.front import read_request
from support.apisix.messages import METHODS, RequestCall, ResponseCall
from support.apisix.query import Arguments, escaped_path, query
from support.apisix.recordings import Line, recorded_octets, restored
from support.apisix.request import ClientRequest, Conf, Route
from support.kong.paths import nginx_uri
from support.kong.results import UpstreamReply

_CONF: Conf = (("jwtfirst", "{}"),)
_ROUTES: Mapping[str, Route] = {
    "degr": Route("degr", _CONF, allow_degradation=True),
    "both": Route("both", _CONF, post_req=_CONF),
    "resp": Route("resp", _CONF, post_resp=_CONF),
    "responly": Route("responly", None, post_resp=_CONF),
    "respsse": Route("respsse", None, post_resp=_CONF),
    "rwpre": Route("rwpre", _CONF, proxy_rewrite="/rewritten/a/b"),
    "rw": Route("rw", None, post_req=_CONF, proxy_rewrite="/rewritten//rw/a/b"),
    "plain": Route("plain", None),
}
_HEADERS = (
    ("Content-Type", "application/json"),
    *(("X-Up", "one"), ("X-Up", "two"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")),
    ("Server", "upstream/1"),
)
_STREAM = (
    *(("Transfer-Encoding", "chunked"), ("Content-Type", "text/event-stream")),
    ("Cache-Control", "no-cache"),
)
_OWN = (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port")


@dataclass(frozen=True)
class Recorded:
    """One request with all that was seen of it; it may begin in the middle."""

    lines: Sequence[Line]

    def of(self, sender: str, kind: str | None = None) -> list[Line]:
        """Return the lines of a sender, if need be only the frames of a type."""
        return [
            line
            for line in self.lines
            if line.sender == sender and (kind is None or line.decoded.get("type") == kind)
        ]

    @property
    def response(self) -> Line | None:
        """What the client got; an interim answer is none."""
        answers = [line for line in self.of("gateway") if line.event != "interim answer"]
        return answers[0] if answers else None

    @property
    def runner_is_down(self) -> bool:
        return bool(self.of("proxy"))


def sent_request(recorded: Recorded) -> ClientRequest:
    """Return what the client sent, as nginx reads it. Raises Refused."""
    client = recorded.lines[0]
    octets = client.octets_of("head")
    missing = int(str(client.entry.get("total_len", 0))) - len(octets)
    head, _, body = octets.partition(b"\r\n\r\n")
    if missing > 0 and b"chunked" in head:
        told = recorded.of("upstream")[0].entry
        start = body.partition(b"\r\n")[2]
        body = restored(start, int(str(told["body_len"])), told["body_sha256"])
        octets = head + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    elif missing > 0:
        digests = [line.entry["body_sha256"] for line in recorded.of("upstream")] or [None]
        octets = head + b"\r\n\r\n" + restored(body, len(body) + missing, digests[0])
    elif b"100-continue" in head:
        octets += recorded_octets(recorded.of("apisix", "ExtraInfo")[-1].decoded["result"])
    request = read_request(io.BytesIO(octets), "127.0.0.1", lambda: None)
    assert request is not None
    return request


def implied_request(recorded: Recorded, http_version: float) -> ClientRequest:
    """Return a request of which the runner would be told the same."""
    call = recorded.lines[0].message
    if isinstance(call, ResponseCall):
        return ClientRequest("POST", "/respsse/x")
    assert isinstance(call, RequestCall)
    args: Arguments = {}
    for name, value in call.args:
        args.setdefault(name, []).append(value)
    headers = tuple((name, value or b"") for name, value in call.headers if name not in _OWN)
    length = int(dict(headers).get(b"content-length", b"98"))
    results = [
        recorded_octets(line.decoded["result"]) for line in recorded.of("apisix", "ExtraInfo")
    ]
    target = escaped_path(call.path or b"") + (b"?" + query(args) if args else b"")
    body = results[-1] if results and results[-1] else b"x" * length
    has_body = METHODS[call.method] == "POST"
    return ClientRequest(
        METHODS[call.method], target, headers, body if has_body else b"", http_version=http_version
    )


def route_of(request: ClientRequest) -> Route | None:
    """Return the route that takes a request, None for the one that none takes."""
    name = nginx_uri(request.origin_form).split(b"/")[1].decode()
    return None if name == "V1" else _ROUTES.get(name, Route(name, _CONF))


def upstream_reply(recorded: Recorded) -> UpstreamReply:
    """Return what the upstream must have answered."""
    calls = recorded.of("apisix", "HTTPRespCall")
    body = _body(recorded)
    if calls:
        call = calls[0].message
        assert isinstance(call, ResponseCall)
        headers = [(name.decode(), (value or b"").decode()) for name, value in call.headers]
        return UpstreamReply(call.status, tuple(headers), body)
    if recorded.response is None:
        return UpstreamReply()
    if b"event-stream" in recorded.response.octets_of("head"):
        return UpstreamReply(200, _STREAM, body)
    return UpstreamReply(200, (*_HEADERS, ("Content-Length", str(len(body)))), body)


def _body(recorded: Recorded) -> bytes:
    asked = [line.decoded.get("info_type") for line in recorded.of("runner", "ExtraInfo")]
    if recorded.of("apisix", "HTTPRespCall") and "RespBody" in asked:
        told = recorded.of("apisix", "ExtraInfo")[asked.index("RespBody")]
        return recorded_octets(told.decoded["result"])
    if recorded.response is None:
        return b""
    if "body" in recorded.response.entry:
        return recorded.response.octets_of("body")
    return recorded.response.octets_of("head").partition(b"\r\n\r\n")[2]
