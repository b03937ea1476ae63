"""What the simulated APISIX does to a request and to an answer: paths, headers, HTTP."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from support.apisix.messages import (
    Entries,
    RequestBody,
    RequestCall,
    Rewrite,
    Stop,
)
from support.apisix.pairs import apisix_with
from support.apisix.path_table import PATH_TABLE, Row
from support.apisix.request import GATEPASS, ApisixSettings, ClientRequest, Route
from support.apisix.results import Exchange
from support.apisix.scripted import OnCall, Peer, calls
from support.apisix.worker import DEFAULT_ROUTE, DEFAULT_SETTINGS, ApisixWorker
from support.kong.results import UpstreamReply

HOST = ("Host", "api.example.test")
TOLD_OLD = ApisixSettings(version=(3, 9))
NEWEST = ApisixSettings(version=(3, 18))


def _handle(
    tmp_path: Path,
    request: ClientRequest,
    on_call: OnCall,
    *,
    route: Route = DEFAULT_ROUTE,
    settings: ApisixSettings = DEFAULT_SETTINGS,
) -> Exchange:
    def new_worker(path: Path) -> ApisixWorker:
        return ApisixWorker(path, route, settings=settings)

    with apisix_with(tmp_path, calls(on_call), new_worker) as worker:
        return worker.handle(request)


def _rewrites(rewrite: Rewrite) -> OnCall:
    def on_call(peer: Peer, _call: RequestCall) -> None:
        peer.rewrite(rewrite)

    return on_call


def _asks(heard: list[object], *names: str) -> OnCall:
    """Note the call and what is heard of some variables, and the body for an empty name."""

    def on_call(peer: Peer, call: RequestCall) -> None:
        heard.append(call)
        heard.extend(peer.var(name) if name else peer.ask(RequestBody()) for name in names)
        peer.rewrite()

    return on_call


@pytest.mark.parametrize("row", [row for row in PATH_TABLE if row.path], ids=str)
def test_sec_33_the_runner_is_told_another_path_than_the_upstream_gets(
    tmp_path: Path, row: Row
) -> None:
    heard: list[object] = []
    request = ClientRequest(target=row.target)
    sent = _handle(tmp_path, request, _asks(heard, "real_request_uri", "uri")).proxied.target
    call, raw, uri = heard
    assert isinstance(call, RequestCall)
    assert call.path == uri == row.path
    assert raw == sent.encode("latin-1") == request.origin_form


@pytest.mark.parametrize("row", [row for row in PATH_TABLE if row.path], ids=str)
def test_sec_33_a_path_sent_back_is_what_the_upstream_gets(tmp_path: Path, row: Row) -> None:
    def on_call(peer: Peer, call: RequestCall) -> None:
        peer.rewrite(Rewrite(call.path))

    sent = _handle(tmp_path, ClientRequest(target=row.target), on_call).proxied.target
    assert sent.encode() == row.rewritten


SMUGGLED = (
    HOST,
    ("X-User-Id", "f1"),
    ("x-user-id", "f2"),
    ("X_User_Id", "f3"),
    ("x-user_id", "f4"),
)
LEFT = [("X_User_Id", "f3"), ("x-user_id", "f4")]
FIRST = ("X-User-Id", "alice")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (((b"x-user-id", b"alice"),), [FIRST, *LEFT]),
        (((b"x-user-id", b"a"), (b"x-user-id", b"alice")), [FIRST, *LEFT]),
        (((b"x-user-id", None),), LEFT),
        (((b"x-user-id", b""),), LEFT),
        (((b"x-user-id", None), (b"x-user-id", b"alice")), [*LEFT, ("x-user-id", "alice")]),
        (((b"x_user_id", None), (b"x-user_id", None), (b"x-user-id", b"alice")), [FIRST]),
        (((b"x-user-id", b"a\r\nX: 1"),), [("X-User-Id", "a%0D%0AX: 1"), *LEFT]),
        (((b"x-user-id", b"J\xfcrgen"),), [("X-User-Id", "J\u00fcrgen"), *LEFT]),
    ],
)
def test_sec_44_what_the_upstream_receives(
    tmp_path: Path, entries: Entries, expected: list[tuple[str, str]]
) -> None:
    on_call = _rewrites(Rewrite(headers=entries))
    seen = _handle(tmp_path, ClientRequest(headers=SMUGGLED), on_call).proxied
    folded = [line for line in seen.headers if line[0].lower().replace("_", "-") == "x-user-id"]
    assert folded == expected


@pytest.mark.parametrize(
    ("settings", "capitals", "told", "upstream"),
    [
        (DEFAULT_SETTINGS, False, ["alice"], ["alice"]),
        (DEFAULT_SETTINGS, True, ["alice", "forged"], ["forged"]),
        (NEWEST, True, ["alice"], ["alice"]),
    ],
)
def test_sec_44_capitals_bring_the_forged_header_to_the_upstream_of_post_resp(
    tmp_path: Path,
    settings: ApisixSettings,
    told: Sequence[str],
    upstream: Sequence[str],
    *,
    capitals: bool,
) -> None:
    names = (b"X-User-Id", b"Authorization") if capitals else (b"x-user-id", b"authorization")
    rewrite = Rewrite(headers=((names[0], b"alice"), (names[1], None)))
    sent = (HOST, ("X-User-Id", "forged"), ("Authorization", "Bearer x"))
    route = Route("r", GATEPASS, post_req=GATEPASS, post_resp=GATEPASS)
    heard: list[RequestCall] = []

    def on_call(peer: Peer, call: RequestCall) -> None:
        heard.append(call)
        peer.rewrite(rewrite if len(heard) == 1 else None)

    exchange = _handle(
        tmp_path, ClientRequest(headers=sent), on_call, route=route, settings=settings
    )
    values = [value for name, value in heard[1].headers if name.lower() == b"x-user-id"]
    assert sorted(value.decode() for value in values if value is not None) == told
    (seen,) = exchange.upstream_requests
    assert [value for name, value in seen.headers if name.lower() == "x-user-id"] == upstream
    has_token = any(name.lower() == "authorization" for name, _ in seen.headers)
    assert has_token == (upstream == ["forged"])


@pytest.mark.parametrize(
    ("settings", "lines", "is_told"),
    [(DEFAULT_SETTINGS, 98, True), (DEFAULT_SETTINGS, 99, False), (TOLD_OLD, 99, True)],
)
def test_the_101st_header_is_not_told_but_sent_and_can_be_deleted(
    tmp_path: Path, settings: ApisixSettings, lines: int, *, is_told: bool
) -> None:
    junk = tuple((f"X-J{number}", "v") for number in range(lines))
    sent = (HOST, *junk, ("X-User-Id", "forged"), ("X_User_Id", "forged"))
    heard: list[object] = []

    def on_call(peer: Peer, call: RequestCall) -> None:
        heard.extend([call, peer.var("http_x_user_id")])
        peer.rewrite(Rewrite(headers=((b"x-user-id", None),)))

    exchange = _handle(tmp_path, ClientRequest(headers=sent), on_call, settings=settings)
    call, var = heard
    assert isinstance(call, RequestCall)
    assert (b"x-user-id" in dict(call.headers)) == is_told
    assert var == b"forged, forged"
    assert exchange.proxied.values("x-user-id") == []
    assert exchange.proxied.values("x_user_id") == ["forged"]


CHUNKED = (HOST, ("Transfer-Encoding", "chunked"))
SIZED = (HOST, ("Content-Length", "2"))


@pytest.mark.parametrize(
    ("request_", "settings", "told"),
    [
        (ClientRequest("POST", "/", SIZED, b"{}"), DEFAULT_SETTINGS, b"{}"),
        (ClientRequest("GET", "/", SIZED, b"{}"), DEFAULT_SETTINGS, b"{}"),
        (ClientRequest("POST", "/", CHUNKED, b"{}"), DEFAULT_SETTINGS, b"{}"),
        (ClientRequest("POST", "/", CHUNKED, b""), DEFAULT_SETTINGS, None),
        (ClientRequest("POST", "/", SIZED, b"{}", http_version=2.0), DEFAULT_SETTINGS, b"{}"),
        (ClientRequest("POST", "/", (HOST,), b"{}", http_version=2.0), DEFAULT_SETTINGS, None),
        (ClientRequest("POST", "/", (HOST,), b"{}", http_version=2.0), NEWEST, b"{}"),
    ],
)
def test_what_a_runner_is_told_of_a_body_and_what_the_upstream_gets(
    tmp_path: Path, request_: ClientRequest, settings: ApisixSettings, told: bytes | None
) -> None:
    heard: list[object] = []
    exchange = _handle(tmp_path, request_, _asks(heard, "", "request_body"), settings=settings)
    assert heard[1:] == [told, told]
    assert exchange.proxied.body == request_.body
    assert exchange.proxied.values("content-length") == [str(len(request_.body))]
    assert exchange.proxied.values("transfer-encoding") == []


def test_the_address_is_believed_from_trusted_peers_only(tmp_path: Path) -> None:
    sent = (HOST, ("X-Real-IP", "2001:db8::17"), ("X-Forwarded-For", "198.51.100.7"))
    for peer, packed in (("127.0.0.1", 16), ("192.0.2.1", 4)):
        heard: list[object] = []
        request = ClientRequest(headers=sent, peer=peer)
        _handle(tmp_path, request, _asks(heard, "remote_addr", "realip_remote_addr"))
        call, address, real = heard
        assert isinstance(call, RequestCall)
        assert len(call.src_ip or b"") == packed
        assert address == (b"2001:db8::17" if packed == 16 else b"192.0.2.1")
        assert real == peer.encode()


@pytest.mark.parametrize(
    ("stop", "status", "headers", "body"),
    [
        (Stop(0, (), b"zero"), 200, {"Content-Type": ["text/plain; charset=utf-8"]}, b"zero"),
        (Stop(204), 204, {"Content-Type": []}, b""),
        (Stop(302, ((b"Location", b"/l"),), b"go"), 302, {"Content-Type": ["text/plain"]}, b"go"),
        (Stop(429, ((b"X-A", b"1"), (b"X-A", b"2")), b"x"), 429, {"x-a": ["1", "2"]}, b"x"),
        (
            Stop(401, ((b"WWW-Authenticate", b"Bearer"), (b"WWW-Authenticate", b"Basic")), b"x"),
            401,
            {"www-authenticate": ["Basic"]},
            b"x",
        ),
        (Stop(401, ((b"X-None", None),), b"x"), 401, {"x-none": []}, b"x"),
        (Stop(999, (), b"x"), 999, {}, b"x"),
        (Stop(99, (), b"x"), 0, {}, b""),
    ],
)
def test_what_the_client_gets_of_a_stop(
    tmp_path: Path, stop: Stop, status: int, headers: Mapping[str, list[str]], body: bytes
) -> None:
    def on_call(peer: Peer, _call: RequestCall) -> None:
        peer.stop(stop.status, stop.body, stop.headers)

    answered = _handle(tmp_path, ClientRequest(), on_call).answered
    assert (answered.status, answered.body, answered.from_runner) == (status, body, True)
    assert {name: answered.values(name) for name in headers} == headers


def test_a_stop_without_body_gets_the_page_of_nginx(tmp_path: Path) -> None:
    answered = _handle(tmp_path, ClientRequest(), lambda peer, _: peer.stop(403)).answered
    assert answered.body.startswith(b"<html>")
    assert answered.values("content-type") == ["text/html; charset=utf-8"]


def test_response_headers_come_beside_those_of_the_upstream(tmp_path: Path) -> None:
    entries = ((b"X-Up", b"ours"), (b"Server", b"ours"), (b"Content-Type", b"ours"))
    reply = UpstreamReply(200, (("X-Up", "theirs"), ("Content-Type", "theirs")), b"")
    on_call = calls(_rewrites(Rewrite(resp_headers=entries)))
    with apisix_with(tmp_path, on_call) as worker:
        response = worker.handle(ClientRequest(), lambda _: reply).response
    assert response.values("x-up") == ["ours", "theirs"]
    assert response.values("content-type") == ["theirs"]
    assert response.values("server") == ["APISIX/3.16.0"]
