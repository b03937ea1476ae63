"""The port of the simulated APISIX: what it refuses by itself, and what goes through."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apisix.front import run_apisix_front
from support.apisix.messages import RequestBody, RequestCall
from support.apisix.path_table import PATH_TABLE
from support.apisix.scripted import Peer, calls, scripted_runner
from support.apisix.worker import ApisixWorker
from support.echo import EchoUpstream, echo_upstream
from support.ports import free_port
from support.raw_http import NoReply, ask, exchange

Front = tuple[int, EchoUpstream, list[RequestCall]]


def _on_call(heard: list[RequestCall], peer: Peer, call: RequestCall) -> None:
    heard.append(call)
    status = dict(call.headers).get(b"x-stop")
    if dict(call.headers).get(b"x-ask"):
        peer.ask(RequestBody())
    if status is None:
        peer.rewrite()
    else:
        peer.stop(int(status), b"no", ((b"content-type", b"application/json"),))


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """APISIX's port, the upstream, and the calls that the runner got."""
    path = tmp_path_factory.mktemp("apisix") / "socket"
    heard: list[RequestCall] = []

    def on_call(peer: Peer, call: RequestCall) -> None:
        _on_call(heard, peer, call)

    with (
        echo_upstream() as upstream,
        scripted_runner(path, calls(on_call)),
        run_apisix_front(ApisixWorker(path), upstream.port) as port,
    ):
        yield port, upstream, heard


HOST = b"Host: h\r\n"
REFUSED = {
    "two_authorization": (
        b"GET / HTTP/1.1\r\n",
        HOST + b"Authorization: a\r\nauthorization: b\r\n",
        400,
    ),
    "two_hosts": (b"GET / HTTP/1.1\r\n", HOST + HOST, 400),
    "no_host": (b"GET / HTTP/1.1\r\n", b"", 400),
    "two_lengths": (
        b"POST / HTTP/1.1\r\n",
        HOST + b"Content-Length: 2\r\nContent-Length: 3\r\n",
        400,
    ),
    "space_in_a_name": (b"GET / HTTP/1.1\r\n", HOST + b"Bad Name: x\r\n", 400),
    "space_before_a_colon": (b"GET / HTTP/1.1\r\n", HOST + b"X-Name : x\r\n", 400),
    "small_letters": (b"get / HTTP/1.1\r\n", HOST, 400),
    "trace": (b"TRACE / HTTP/1.1\r\n", HOST, 405),
    "unknown_method": (b"QUERY / HTTP/1.1\r\n", HOST, 500),
}


@pytest.mark.parametrize(("line", "headers", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_without_asking_the_runner(
    front: Front, line: bytes, headers: bytes, status: int
) -> None:
    port, upstream, heard = front
    upstream.received.clear()
    heard.clear()
    reply = exchange(port, line + headers + b"\r\n")
    assert reply.status == status
    assert reply.values("server") == ["APISIX/3.16.0" if status == 500 else "openresty"]
    assert (upstream.received, heard) == ([], [])


@pytest.mark.parametrize("target", [row.target for row in PATH_TABLE if row.path is None])
def test_sec_33_a_target_that_nginx_cannot_read(front: Front, target: bytes) -> None:
    port, upstream, heard = front
    upstream.received.clear()
    heard.clear()
    assert ask(port, "GET", target).status == 400
    assert (upstream.received, heard) == ([], [])


def test_repeated_and_odd_headers_pass(front: Front) -> None:
    port, upstream, heard = front
    upstream.received.clear()
    heard.clear()
    sent = (
        *(("X-Api-Key", "k1"), ("x-api-key", "k2"), ("Cookie", "a=1"), ("Cookie", "b=2")),
        *(("X.User.Id", "dropped"), ("X_User_Id", "kept"), ("X-Latin", b"J\xfc\xff")),
        ("Connection", "close, X-Api-Key"),
    )
    assert ask(port, "GET", "/v1/x", sent).status == 200
    told = list(heard[0].headers)
    assert [value for name, value in told if name == b"x-api-key"] == [b"k1", b"k2"]
    assert (b"x-latin", b"J\xfc\xff") in told
    (seen,) = upstream.received
    assert seen.values("x-api-key") == ["k1", "k2"]
    assert seen.values("cookie") == ["a=1", "b=2"]
    assert seen.values("x.user.id") == []
    assert seen.values("x_user_id") == ["kept"]


@pytest.mark.parametrize("asks", [(), (("X-Ask", "1"),)])
def test_a_body_in_chunks_arrives_whole(front: Front, asks: tuple[tuple[str, str], ...]) -> None:
    port, upstream, _ = front
    upstream.received.clear()
    lines = "".join(f"{name}: {value}\r\n" for name, value in asks).encode()
    head = b"POST /v1/x HTTP/1.1\r\n" + HOST + lines + b"Transfer-Encoding: chunked\r\n\r\n"
    reply = exchange(port, head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")
    assert reply.status == 200
    (seen,) = upstream.received
    assert (seen.body, seen.values("content-length")) == (b"abcde", ["5"])


def test_a_stop_arrives_as_it_was_said(front: Front) -> None:
    port, upstream, _ = front
    upstream.received.clear()
    reply = ask(port, "POST", "/v1/x", (("X-Stop", "403"),), b"{}")
    assert (reply.status, reply.body) == (403, b"no")
    assert reply.values("content-type") == ["application/json"]
    with pytest.raises(NoReply):
        ask(port, "GET", "/v1/x", (("X-Stop", "99"),))
    assert upstream.received == []


def test_an_upstream_that_is_down_is_502(tmp_path: Path) -> None:
    heard: list[RequestCall] = []

    def on_call(peer: Peer, call: RequestCall) -> None:
        _on_call(heard, peer, call)

    path = tmp_path / "socket"
    with (
        scripted_runner(path, calls(on_call)),
        run_apisix_front(ApisixWorker(path), free_port()) as port,
    ):
        assert ask(port, "GET", "/v1/x").status == 502
    assert len(heard) == 1
