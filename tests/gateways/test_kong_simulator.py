"""What the simulated Kong makes of a plugin server that fails, as the real one was seen to do."""

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from support.kong.errors import EndlessLoop
from support.kong.pairs import kong_with
from support.kong.request import ClientRequest, PluginEntity
from support.kong.results import Proxied
from support.kong.scripted import (
    INSTANCE,
    Peer,
    allow,
    events,
)
from support.kong.wire import frame
from support.kong.worker import KongWorker

GET = ClientRequest(target="/v1/models")
HASTY = partial(KongWorker, read_timeout=0.05)


def _calls(worker: KongWorker, command: str) -> int:
    return sum(command in str(event["decoded"]) for event in worker.events)


CUTS: Mapping[str, bytes] = {
    "at_once": b"",
    "in_a_length": b"\x05\0",
    "after_a_length": b"\x05\0\0\0",
    "in_a_frame": b"\x05\0\0\0kon",
    "after_a_method": frame(b"kong.request.get_path"),
    "after_the_end": frame(b""),
}


@pytest.mark.parametrize("sent", CUTS.values(), ids=CUTS.keys())
def test_a_server_that_always_closes_is_asked_for_ever(tmp_path: Path, sent: bytes) -> None:
    def close(peer: Peer, _phase: str) -> None:
        peer.send(sent)
        peer.close()

    with (
        kong_with(tmp_path, events(close), partial(KongWorker, most_attempts=5)) as worker,
        pytest.raises(EndlessLoop),
    ):
        worker.handle(GET)
    assert _calls(worker, "cmd_start_instance") == _calls(worker, "cmd_handle_event") == 5


def test_after_one_close_the_whole_event_is_repeated(tmp_path: Path) -> None:
    met: list[str] = []

    def close_once(peer: Peer, phase: str) -> None:
        met.append(phase)
        if phase == "access":
            peer.call_pdk("kong.service.request.set_header", {"k": "X-User", "v": "alice"})
            if len(met) == 1:
                peer.close()
                return
        peer.end()

    with kong_with(tmp_path, events(close_once)) as worker:
        exchange = worker.handle(GET)
    assert exchange.attempts == 2
    assert met == ["access", "access", "log"]
    assert exchange.proxied.values("x-user") == ["alice"]


def _reset(peer: Peer, _phase: str) -> None:
    peer.send_call("kong.request.get_path", {})
    peer.reset()


def _hang(peer: Peer, _phase: str) -> None:
    peer.receive()


def _wrong_sequence(peer: Peer, _phase: str) -> None:
    peer.sequence += 1
    peer.end()


def _unknown_method(peer: Peer, _phase: str) -> None:
    peer.send_call("kong.request.get_raw_path", {})
    peer.receive()


def _garbage(peer: Peer, _phase: str) -> None:
    peer.send(frame(b"kong.request.get_header") + frame(b"\x0a\xff"))
    peer.receive()


@pytest.mark.parametrize("failing", [_reset, _hang, _wrong_sequence, _unknown_method, _garbage])
def test_every_other_failure_is_500_and_not_repeated(
    tmp_path: Path, failing: Callable[[Peer, str], None]
) -> None:
    with kong_with(tmp_path, events(failing), HASTY) as worker:
        exchange = worker.handle(GET)
    assert (exchange.answered.status, exchange.answered.from_plugin) == (500, False)
    assert json.loads(exchange.answered.body)["message"] == "An unexpected error occurred"
    assert exchange.attempts == 1
    assert exchange.log_error is not None


def test_a_method_may_be_named_so_that_kong_repeats(tmp_path: Path) -> None:
    def ask(peer: Peer, _phase: str) -> None:
        peer.send(frame(b"no plugin instance") + frame(b""))
        peer.receive()

    with (
        kong_with(tmp_path, events(ask), partial(KongWorker, most_attempts=3)) as worker,
        pytest.raises(EndlessLoop),
    ):
        worker.handle(GET)


def test_no_server_is_500(tmp_path: Path) -> None:
    exchange = KongWorker(tmp_path / "socket").handle(GET)
    assert exchange.answered.status == 500
    assert exchange.access_error == "starting instance: no such file or directory"


def test_an_instance_refused_is_500_and_tried_again(tmp_path: Path) -> None:
    refusals = [True, True]

    def serve(peer: Peer) -> None:
        if refusals:
            peer.next_call()
            refusals.pop()
        else:
            events(allow)(peer)

    with kong_with(tmp_path, serve) as worker:
        assert worker.handle(GET).answered.status == 500
        assert isinstance(worker.handle(GET).result, Proxied)


def test_an_answer_without_instance_leaves_the_claim(tmp_path: Path) -> None:
    def serve(peer: Peer) -> None:
        peer.next_call()
        peer.send(peer.returned())
        peer.receive()

    with kong_with(tmp_path, serve, partial(KongWorker, claim_seconds=0.05)) as worker:
        first, second = worker.access(GET), worker.access(GET)
    assert (first.answered.status, second.answered.status) == (500, 500)
    assert second.access_error is not None
    assert "Could not claim" in second.access_error
    assert _calls(worker, "cmd_start_instance") == 1


def test_an_id_beyond_31_bits_is_cut(tmp_path: Path) -> None:
    def serve(peer: Peer) -> None:
        peer.next_call()
        peer.started(2**31 + 5)
        heard.append(peer.next_call()["cmd_handle_event"])

    heard: list[object] = []
    with (
        kong_with(tmp_path, serve, partial(KongWorker, most_attempts=1)) as worker,
        pytest.raises(EndlessLoop),
    ):
        worker.handle(GET)
    assert heard == [{"instance_id": 5 - 2**31, "event_name": "access"}]


def test_ten_first_requests_start_one_instance(tmp_path: Path) -> None:
    together = threading.Barrier(10)

    def meet(peer: Peer, phase: str) -> None:
        if phase == "access":
            together.wait(5)
        peer.end()

    with kong_with(tmp_path, events(meet)) as worker, ThreadPoolExecutor(10) as clients:
        results = list(clients.map(worker.handle, [GET] * 10))
    assert all(isinstance(each.result, Proxied) for each in results)
    assert _calls(worker, "cmd_start_instance") == 1


def test_a_new_configuration_starts_closes_and_goes_on(tmp_path: Path) -> None:
    with kong_with(tmp_path, events(allow)) as worker:
        worker.handle(GET)
        worker.events.clear()
        worker.post_config(PluginEntity(config={"profile": "other", "unset": None}))
        worker.access(GET)
        said = [event["decoded"] for event in worker.events if event["from"] == "kong"]
        worker.reload()
        worker.access(GET)
    start, close, handle = said
    assert isinstance(start, dict)
    config = json.loads(start["cmd_start_instance"]["config"])
    assert {name: config[name] for name in ("profile", "__seq__")} == {
        "profile": "other",
        "__seq__": 2,
    }
    assert "unset" not in config
    assert isinstance(close, dict)
    assert close["cmd_close_instance"] == {"instance_id": INSTANCE}
    assert isinstance(handle, dict)
    assert [call["sequence"] for call in (start, close, handle)] == [5, 6, 7]
    first_again = next(event for event in worker.events[4:] if "cmd_start_instance" in str(event))
    assert "'sequence': 2" in str(first_again)


def test_the_connection_put_back_last_is_used_first(tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def meet(peer: Peer, phase: str) -> None:
        if phase == "access" and not together.broken:
            together.wait(5)
        peer.end()

    with kong_with(tmp_path, events(meet)) as worker, ThreadPoolExecutor(2) as clients:
        list(clients.map(worker.handle, [GET] * 2))
        together.abort()
        last = worker.events[-1]["conn"]
        worker.events.clear()
        worker.handle(GET)
        worker.handle(GET)
        assert {event["conn"] for event in worker.events} == {last}
