"""The real server, spoken to byte by byte."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin.gateways import server as module
from gatepass.plugin.gateways.listener import Address
from support.doors import Bounds, Door, LoopThread, ScriptedDecider, running_door, serving
from support.raw_http import NoReply, ask, exchange, read_reply


@pytest.fixture(scope="module")
def decider() -> ScriptedDecider:
    return ScriptedDecider()


@pytest.fixture(scope="module")
def door(decider: ScriptedDecider) -> Iterator[Door]:
    with running_door(decider) as running:
        yield running


@pytest.fixture(autouse=True)
def _forget(decider: ScriptedDecider) -> None:
    decider.requests.clear()


@pytest.mark.parametrize(
    ("target", "judged"),
    [
        ("/envoy/d/a", b"/a"),
        ("/envoy/d//a//b", b"//a//b"),
        ("/envoy/d/../a", b"/../a"),
        ("/envoy/d/a%2fb%00?x=%2e", b"/a%2fb%00?x=%2e"),
        ("/envoy/d/a;b\\c|d", b"/a;b\\c|d"),
        ("/envoy/d/a??b", b"/a??b"),
        ("/envoy/d/a#f", b"/a#f"),
        ("/envoy/d/a#f?b#c", b"/a#f?b#c"),
        ("/envoy/d/a?b#c", b"/a?b#c"),
    ],
)
def test_sec_32_the_target_arrives_byte_by_byte(
    door: Door, decider: ScriptedDecider, target: str, judged: bytes
) -> None:
    assert ask(door.port, "GET", target).status == 200
    assert decider.requests[0].target == judged


@pytest.mark.parametrize(
    "target", [b"/envoy/d/\xc3\xa9", b"/envoy/d/a b", b"/envoy/d/\x01", b"envoy/d/a", b"?x"]
)
def test_a_target_that_is_none_is_400(door: Door, decider: ScriptedDecider, target: bytes) -> None:
    assert ask(door.port, "GET", target).status == 400
    assert decider.requests == []


def test_sec_37_the_peer_is_not_taken_from_a_header(decider: ScriptedDecider) -> None:
    with running_door(decider, Bounds(trusted_proxies=())) as door:
        forged = [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")]
        assert ask(door.port, "GET", "/envoy/d/a", forged).status == 503
    assert decider.requests == []


def test_there_is_no_server_and_no_date_header(door: Door) -> None:
    reply = ask(door.port, "GET", "/envoy/d/a")
    names = {name.lower() for name, _ in reply.headers}
    assert names == {
        "content-length",
        "cache-control",
        "x-envoy-auth-headers-to-remove",
        "connection",
        "x-gatepass-request",
    }


def test_an_upgrade_is_judged_like_any_request_and_spoils_no_connection(
    door: Door, decider: ScriptedDecider
) -> None:
    upgrade = b"Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    with socket.create_connection(("127.0.0.1", door.port), 5.0) as connection:
        for target in (b"/envoy/d/a", b"/envoy/d/b"):
            connection.sendall(b"GET " + target + b" HTTP/1.1\r\n" + upgrade)
            assert read_reply(connection).status == 200
    assert [request.target for request in decider.requests] == [b"/a", b"/b"]


def test_a_body_above_the_limit_does_not_spoil_the_connection(
    door: Door, decider: ScriptedDecider
) -> None:
    head = b"POST /envoy/d/a HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", door.port), 5.0) as connection:
        for _ in range(2):
            connection.sendall(head + b"x" * 2_000_000)
            assert read_reply(connection).status == 200
    assert len(decider.requests) == 2


def test_a_head_without_end_is_cut_off(door: Door, decider: ScriptedDecider) -> None:
    line = b"x-filler: " + b"v" * 1000 + b"\r\n"
    endless = b"GET /envoy/d/a HTTP/1.1\r\nHost: h\r\n" + line * 2000
    reply = exchange(door.port, endless)
    assert reply.status == 400
    assert decider.requests == []


def test_a_large_head_within_the_bound_passes(door: Door) -> None:
    headers = [(f"x-{number}", "v" * 1000) for number in range(200)]
    assert ask(door.port, "GET", "/envoy/d/a", headers).status == 200


@pytest.mark.parametrize(
    "sent", [b"", b"GET /envoy/d/a HT", b"GET /envoy/d/a HTTP/1.1\r\nHost: h\r\n"]
)
def test_a_head_that_does_not_come_is_not_waited_for(
    decider: ScriptedDecider, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.02)
    with running_door(decider) as door, pytest.raises(NoReply):
        exchange(door.port, sent, timeout=5.0)


def test_a_later_head_has_its_time_too(
    decider: ScriptedDecider, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = b"GET /envoy/d/a HTTP/1.1\r\nHost: h\r\n\r\n"
    with (
        running_door(decider) as door,
        socket.create_connection(("127.0.0.1", door.port), 5.0) as connection,
    ):
        connection.sendall(request)
        assert read_reply(connection).status == 200
        monkeypatch.setattr(module, "HEAD_SECONDS", 0.02)
        connection.sendall(request[:20])
        assert connection.recv(1) == b""


def test_a_slow_second_half_within_the_time_is_served(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port), 5.0) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"GET /envoy/d/a HTTP/1.1\r\n")
        connection.sendall(b"Host: h\r\n")
        connection.sendall(b"\r\n")
        assert read_reply(connection).status == 200


def test_sec_62_a_unix_socket_serves(tmp_path: Path, door: Door) -> None:
    address = Address(path=tmp_path / "gate.sock")
    loop = LoopThread()
    try:
        with serving(door.app, address, loop), socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(address.path))
            connection.sendall(b"GET /envoy/d/a HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_reply(connection).status == 200
    finally:
        loop.close()


def test_sec_60_nothing_of_a_request_is_logged(
    door: Door, decider: ScriptedDecider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(0):
        ask(door.port, "GET", "/envoy/d/canary", [("Authorization", "Bearer canary")])
        ask(door.port, "GET", "/canary")
        ask(door.port, "GET", b"/\xffcanary")
    assert "canary" not in caplog.text
    assert len(decider.requests) == 1


def test_a_request_behind_an_unanswered_one_ends_the_connection(
    door: Door, decider: ScriptedDecider
) -> None:
    one = b"GET /envoy/d/a HTTP/1.1\r\nhost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as connection:
        connection.sendall(one * 1000)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.count(b"HTTP/1.1") <= 2
    assert len(decider.requests) <= 2
    assert ask(door.port, "GET", "/envoy/d/a").status == 200


def test_a_header_behind_the_body_ends_the_connection(door: Door) -> None:
    head = b"POST /envoy/d/a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    trailer = b"1\r\nx\r\n0\r\nx-gatepass-user: admin\r\ny"
    with socket.create_connection(("127.0.0.1", door.port), timeout=5) as connection:
        connection.sendall(head + trailer)
        assert connection.recv(65536) == b""
