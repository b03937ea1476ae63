"""What the simulated Kong does to a request and to an answer: paths, headers, HTTP."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from support.echo import EchoUpstream, echo_upstream
from support.kong.front import run_kong_front
from support.kong.path_table import PATH_TABLE, Row
from support.kong.paths import escaped, kong_path, nginx_uri, split_target
from support.kong.request import ClientRequest, KongSettings
from support.kong.scripted import Peer, Serve, events, scripted_server
from support.kong.worker import DEFAULT_SETTINGS, Exchange, KongWorker
from support.raw_http import ask, exchange

HOST = ("Host", "api.example.test")
SMUGGLED = (
    HOST,
    ("X-User-Id", "e1"),
    ("x-user-id", "e2"),
    ("X_User_Id", "e3"),
    ("x-USER_id", "e4"),
)
LEFT = [("X_User_Id", "e3"), ("x-USER_id", "e4")]
SET = "kong.service.request.set_headers"


def _calling(*calls: tuple[str, Mapping[str, object]]) -> Serve:
    """Serve a plugin that makes these calls in the access phase; an exit must be the last."""

    def access(peer: Peer, phase: str) -> None:
        for method, args in calls if phase == "access" else ():
            if method == "kong.response.exit":
                peer.send_call(method, args)
                peer.close()
                return
            peer.call_pdk(method, args)
        peer.end()

    return events(access)


def _handle(
    tmp_path: Path, request: ClientRequest, *calls: tuple[str, Mapping[str, object]]
) -> Exchange:
    with scripted_server(tmp_path / "socket", _calling(*calls)):
        return _worker_handles(tmp_path, request)


def _worker_handles(
    tmp_path: Path, request: ClientRequest, settings: KongSettings = DEFAULT_SETTINGS
) -> Exchange:
    with KongWorker(tmp_path / "socket", settings=settings) as worker:
        return worker.handle(request)


@pytest.mark.parametrize(
    ("method", "args", "expected"),
    [
        (SET, {"X-User-Id": "alice"}, [*LEFT, ("X-User-Id", "alice")]),
        (SET, {"X-User-Id": ["a", "b"]}, [*LEFT, ("X-User-Id", "a"), ("X-User-Id", "b")]),
        (SET, {"X-User-Id": []}, LEFT),
        (SET, {"X-User-Id": {"a": "b"}}, LEFT),
        (SET, {"X-User-Id": ""}, [*LEFT, ("X-User-Id", " ")]),
        (SET, {"X-User-Id": False}, [("X-User-Id", "e1"), ("x-user-id", "e2"), *LEFT]),
        (SET, {"X-User-Id": True}, [*LEFT, ("X-User-Id", "true")]),
        (SET, {"X-User-Id": 12.5}, [*LEFT, ("X-User-Id", "12.5")]),
        (SET, {"X-User-Id": 3}, [*LEFT, ("X-User-Id", "3")]),
        (SET, {"X-User-Id": 1e17}, [*LEFT, ("X-User-Id", "1e+17")]),
        (SET, {"X-User-Id": "a\r\nX: b\0"}, [*LEFT, ("X-User-Id", "a%0D%0AX: b%00")]),
        (SET, {"X-User-Id": "\u00e9"}, [*LEFT, ("X-User-Id", "\u00c3\u00a9")]),
        ("kong.service.request.clear_header", {"v": "x-USER-id"}, LEFT),
        (
            "kong.service.request.clear_header",
            {"v": "x_user_id"},
            [("X-User-Id", "e1"), ("x-user-id", "e2"), ("x-USER_id", "e4")],
        ),
        (
            "kong.service.request.add_header",
            {"k": "X-User-Id", "v": "alice"},
            [*LEFT, *(("X-User-Id", value) for value in ("e1", "e2", "alice"))],
        ),
    ],
)
def test_sec_44_what_the_upstream_receives(
    tmp_path: Path, method: str, args: Mapping[str, object], expected: list[tuple[str, str]]
) -> None:
    seen = _handle(tmp_path, ClientRequest(headers=SMUGGLED), (method, args)).proxied
    named = [line for line in seen.headers if line[0].lower().replace("_", "-") == "x-user-id"]
    assert named == expected


def test_one_header_is_read_as_if_dash_and_underscore_were_one(tmp_path: Path) -> None:
    heard: list[object] = []

    def access(peer: Peer, phase: str) -> None:
        if phase == "access":
            heard.append(peer.call_pdk("kong.request.get_header", {"v": "x-role"}))
            heard.append(peer.call_pdk("kong.request.get_header", {"v": "x-list"}))
        peer.end()

    headers = (HOST, ("X_Role", "evil"), *(("X-A", "a"),) * 100, ("X-List", "a, b"))
    with scripted_server(tmp_path / "socket", events(access)):
        _worker_handles(tmp_path, ClientRequest(headers=headers))
    assert heard == [{"v": "evil"}, {}]


def test_sec_45_kong_drops_what_connection_names_after_all_plugins(tmp_path: Path) -> None:
    request = ClientRequest(headers=(HOST, ("Connection", "close, X-User-Id")))
    seen = _handle(tmp_path, request, (SET, {"X-User-Id": "alice"})).proxied
    assert seen.values("x-user-id") == []
    seen = _handle(tmp_path, request, (SET, {"X-User-Id": "alice", "Connection": "close"})).proxied
    assert seen.values("x-user-id") == ["alice"]


def test_forwarded_addresses_count_from_trusted_peers_only(tmp_path: Path) -> None:
    sent = ClientRequest(headers=(HOST, ("X-Forwarded-For", "1.1.1.1, 2.2.2.2")))
    heard: list[object] = []

    def access(peer: Peer, phase: str) -> None:
        if phase == "access":
            heard.append(peer.call_pdk("kong.client.get_ip", {}))
            heard.append(peer.call_pdk("kong.client.get_forwarded_ip", {}))
        peer.end()

    with scripted_server(tmp_path / "socket", events(access)):
        for trusted in ((), ("127.0.0.1/32",)):
            _worker_handles(tmp_path, sent, KongSettings(trusted_ips=trusted))
    assert [value["v"] for value in heard if isinstance(value, dict)] == [
        *("127.0.0.1", "127.0.0.1"),
        *("127.0.0.1", "2.2.2.2"),
    ]


@pytest.mark.parametrize(
    ("said", "status", "headers", "body"),
    [
        ({"status": 401}, 401, {"Content-Length": ["0"], "Content-Type": []}, b""),
        (
            {"status": 403, "body": b"\xff\xfe", "headers": {"content-type": "text/plain"}},
            403,
            {"Content-Type": ["text/plain; charset=UTF-8"]},
            b"\xff\xfe",
        ),
        (
            {"status": 403, "headers": {"X-A": ["1", "2"], "X-T": True, "X-N": 30, "X-E": ""}},
            403,
            {"X-A": ["1", "2"], "X-T": ["true"], "X-N": ["30"], "X-E": [" "]},
            b"",
        ),
        ({"status": 403, "headers": {"X-A": "1\r\nX-B: 2"}}, 403, {"X-A": ["1%0D%0AX-B: 2"]}, b""),
        ({"status": 403, "headers": {"X-A": False}}, 403, {"X-A": []}, b""),
        (
            {"status": 403, "body": b"hello", "headers": {"Content-Length": "2"}},
            403,
            {"Content-Length": ["2"]},
            b"he",
        ),
        ({"status": 204, "body": b"hello"}, 204, {"Content-Length": ["5"]}, b""),
    ],
)
def test_what_the_client_gets_of_an_exit(
    tmp_path: Path,
    said: Mapping[str, object],
    status: int,
    headers: Mapping[str, list[str]],
    body: bytes,
) -> None:
    before = ("kong.response.set_header", {"k": "X-Before", "v": "1"})
    answered = _handle(tmp_path, ClientRequest(), before, ("kong.response.exit", said)).answered
    assert (answered.status, answered.body) == (status, body)
    assert {name: answered.values(name) for name in headers} == headers
    assert answered.values("x-before") == ["1"]


Front = tuple[int, EchoUpstream, list[str]]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Kong's port, the upstream, and the phases that the plugin was asked in."""
    path = tmp_path_factory.mktemp("kong") / "socket"
    asked: list[str] = []

    def note(peer: Peer, phase: str) -> None:
        asked.append(phase)
        peer.end()

    with (
        scripted_server(path, events(note)),
        echo_upstream() as upstream,
        run_kong_front(KongWorker(path), upstream.port) as port,
    ):
        yield port, upstream, asked


@pytest.mark.parametrize("row", PATH_TABLE, ids=lambda row: repr(row.target))
def test_every_row_of_the_path_table(front: Front, row: Row) -> None:
    _, upstream, asked = front
    upstream.received.clear()
    asked.clear()
    reply = ask(front[0], "GET", row.target)
    if row.path is None:
        assert (reply.status, asked, upstream.received) == (400, [], [])
        return
    (seen,) = upstream.received
    assert (reply.status, seen.target) == (200, row.upstream_target.decode("latin-1"))


@pytest.mark.parametrize(
    "row", [row for row in PATH_TABLE if row.path], ids=lambda row: repr(row.target)
)
def test_every_reading_of_a_path(row: Row) -> None:
    _, target = split_target(row.target)
    path = kong_path(target)
    assert (path, nginx_uri(target), escaped(path)) == (row.path, row.uri, row.upstream_uri)


BLANK = "GET / HTTP/1.1\r\nHost: h\r\n"
REFUSED = {
    "two_authorization": (400, BLANK + "Authorization: a\r\nauthorization: b\r\n\r\n"),
    "two_hosts": (400, BLANK + "Host: h\r\n\r\n"),
    "no_host": (400, "GET / HTTP/1.1\r\n\r\n"),
    "space_before_the_colon": (400, BLANK + "X-A : b\r\n\r\n"),
    "folded": (400, BLANK + "X-A: b\r\n c\r\n\r\n"),
    "smuggling": (400, BLANK + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "small_letters": (400, "get / HTTP/1.1\r\nHost: h\r\n\r\n"),
    "connect": (400, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n"),
    "trace": (405, "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n"),
    "crowd": (400, BLANK + "X: y\r\n" * 1000 + "\r\n"),
    "long_line": (400, BLANK + "X: " + "y" * 9000 + "\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "octets"), REFUSED.values(), ids=REFUSED.keys())
def test_what_nginx_refuses_reaches_no_plugin(front: Front, status: int, octets: str) -> None:
    port, upstream, asked = front
    upstream.received.clear()
    asked.clear()
    assert exchange(port, octets.encode()).status == status
    assert (asked, upstream.received) == ([], [])


def test_a_request_as_kong_sends_it_on(front: Front) -> None:
    port, upstream, asked = front
    upstream.received.clear()
    asked.clear()
    sent = (("X-Forwarded-For", "1.1.1.1"), ("X.Dotted", "gone"), ("X_Under", "stays"))
    reply = ask(port, "BREW", "/a//b?c", sent, b"body")
    (seen,) = upstream.received
    assert (seen.method, seen.target, seen.body) == ("BREW", "/a/b?c", b"body")
    expected = {
        "host": ["upstream.test"],
        "x-forwarded-for": ["1.1.1.1, 127.0.0.1"],
        "x-forwarded-host": ["gateway.example"],
        "x-forwarded-path": ["/a//b"],
        "x-real-ip": ["127.0.0.1"],
        "via": ["1.1 kong/3.9.3"],
        "x_under": ["stays"],
        "x.dotted": [],
        "content-length": ["4"],
    }
    assert {name: seen.values(name) for name in expected} == expected
    assert reply.values("via") == ["1.1 kong/3.9.3"]
    assert asked == ["access", "log"]


def test_a_chunked_body_is_sent_on_with_its_length(front: Front) -> None:
    port, upstream, _ = front
    upstream.received.clear()
    head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(port, head.encode() + b"3\r\nabc\r\n0\r\n\r\n").status == 200
    (seen,) = upstream.received
    assert (seen.body, seen.values("content-length")) == (b"abc", ["3"])
    assert seen.values("transfer-encoding") == []
