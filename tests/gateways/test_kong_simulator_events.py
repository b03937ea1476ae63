"""What goes on in an event of the simulated Kong: bodies, pipelines, errors, and all of MsgPack."""

import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from support.kong.pairs import kong_with
from support.kong.request import ClientRequest
from support.kong.results import Proxied, UpstreamReply
from support.kong.scripted import (
    Peer,
    Serve,
    events,
    receive_rpc,
    send_rpc,
)
from support.kong.worker import KongWorker
from support.raw_http import RawRequest
from support.servers import wait_until

GET = ClientRequest(target="/v1/models")
MSGPACK = partial(KongWorker, protocol="MsgPack:1")


def _asking(method: str, args: Mapping[str, object]) -> Serve:
    """Serve a plugin that calls one method in the access phase."""

    def access(peer: Peer, phase: str) -> None:
        if phase == "access":
            peer.call_pdk(method, args)
        peer.end()

    return events(access)


@pytest.mark.parametrize("size", [0, 8192, 10_239, 10_240, 2_000_000])
def test_a_large_body_is_a_file_until_the_response_ends(tmp_path: Path, size: int) -> None:
    told: list[object] = []

    def ask(peer: Peer, phase: str) -> None:
        if phase == "access":
            told.append(peer.call_pdk("kong.request.get_raw_body", {}))
            told.append(peer.call_pdk("kong.request.get_raw_body", {}))
        peer.end()

    def upstream(request: RawRequest, _shared: dict[str, object]) -> UpstreamReply:
        assert request.body == body
        if size >= 10_240:
            assert file.read_bytes() == body
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        return UpstreamReply()

    body = b"x" * size
    with kong_with(tmp_path, events(ask)) as worker:
        exchange = worker.access(ClientRequest("POST", "/", body=body))
        first, second = told
        assert first == second
        assert isinstance(first, dict)
        file = Path(str(first.get("body_filepath", "")))
        upstream(exchange.proxied, {})
        exchange.state.body.remove()
    assert not file.is_file()
    assert first.get("content", body) == body


def test_a_pipeline_is_answered_in_order_up_to_the_exit(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def access(peer: Peer, phase: str) -> None:
        if phase == "log":
            peer.end()
            return
        peer.send_call("kong.request.get_path", {})
        peer.send_call("kong.request.get_method", {})
        peer.send_call("kong.response.exit", {"status": 403, "body": b"no"})
        peer.send_call("kong.ctx.shared.set", {"k": "after", "v": True})
        while True:
            heard.append(peer.receive())

    with kong_with(tmp_path, events(access)) as worker:
        exchange = worker.handle(GET)
        wait_until(lambda: len(heard) == 2)
    assert heard == [b"\n\n/v1/models", b"\n\x03GET"]
    assert (exchange.answered.status, exchange.answered.body) == (403, b"no")
    assert exchange.answered.from_plugin
    assert exchange.state.shared == {}


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("kong.request.get_headers", {}),
        ("kong.request.get_headers", {"v": 1001}),
        ("kong.client.authenticate", {}),
        ("kong.response.get_status", {}),
        ("kong.log.serialize", {}),
        ("kong.response.exit", {"status": 99}),
        ("kong.service.request.set_header", {"k": "X-A", "v": False}),
        ("kong.service.request.set_headers", {"X-A": ["a", 1.0]}),
    ],
)
def test_a_lua_error_is_500_without_a_reply(
    tmp_path: Path, method: str, args: Mapping[str, object]
) -> None:
    with kong_with(tmp_path, _asking(method, args)) as worker:
        exchange = worker.handle(GET)
    assert exchange.answered.status == 500
    assert exchange.log_error is None


def test_the_log_phase_raises_for_what_is_gone(tmp_path: Path) -> None:
    def log(peer: Peer, phase: str) -> None:
        if phase == "log":
            peer.call_pdk("kong.nginx.get_var", {"v": "uri"})
        peer.end()

    with kong_with(tmp_path, events(log)) as worker:
        exchange = worker.handle(GET)
    assert exchange.log_error == "kong.nginx.get_var cannot be called in log phase"
    assert isinstance(exchange.result, Proxied)


def _rpc(answer: Callable[[Peer, int], None]) -> Serve:
    def serve(peer: Peer) -> None:
        for number, method, _ in receive_rpc(peer):
            if method == "plugin.StartInstance":
                send_rpc(peer, number, {"Id": 1})
            else:
                answer(peer, number)

    return serve


FAILURES: Mapping[str, Callable[[Peer, int], None]] = {
    "closes": lambda peer, _: peer.close(),
    "hangs": lambda _peer, _number: None,
    "errs": lambda peer, number: send_rpc(peer, number, None, "no"),
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES.keys())
def test_msgpack_fails_open_and_the_guard_closes_it(
    tmp_path: Path, answer: Callable[[Peer, int], None]
) -> None:
    hasty = partial(MSGPACK, read_timeout=0.05)
    with kong_with(tmp_path, _rpc(answer), hasty) as worker:
        assert isinstance(worker.handle(GET).result, Proxied)
    guarded = partial(hasty, guard=lambda shared: "decided" in shared)
    with kong_with(tmp_path, _rpc(answer), guarded) as worker:
        assert worker.handle(GET).answered.status == 503


def test_msgpack_cold_or_misnumbered_is_500(tmp_path: Path) -> None:
    assert MSGPACK(tmp_path / "socket").handle(GET).answered.status == 500
    misnumbered = _rpc(lambda peer, number: send_rpc(peer, number + 1, {"Data": "ret"}))
    with kong_with(tmp_path, misnumbered, MSGPACK) as worker:
        assert worker.handle(GET).answered.status == 500


def test_msgpack_starts_a_stale_instance_anew(tmp_path: Path) -> None:
    stale = [True]

    def answer(peer: Peer, number: int) -> None:
        if stale:
            stale.pop()
            send_rpc(peer, number, None, "No plugin instance 1")
        else:
            send_rpc(peer, number, {"Data": "ret", "EventId": 1})

    with kong_with(tmp_path, _rpc(answer), MSGPACK) as worker:
        exchange = worker.handle(GET)
    assert exchange.attempts == 2
    assert isinstance(exchange.result, Proxied)
