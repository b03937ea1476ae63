"""How the simulated APISIX comes to its tokens and uses its connections, and its later phases."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from support.apisix.connection import MOST_IDLE
from support.apisix.messages import (
    Failure,
    Prepare,
    Prepared,
    RequestAnswer,
    RequestCall,
    ResponseAnswer,
    ResponseBody,
    ResponseCall,
    Rewrite,
    Var,
)
from support.apisix.pairs import apisix_with
from support.apisix.request import GATEPASS, ApisixSettings, ClientRequest, Route
from support.apisix.results import Proxied
from support.apisix.scripted import TOKEN, OnCall, Peer, Serve, allow, calls
from support.apisix.worker import ApisixWorker
from support.kong.results import UpstreamReply
from support.raw_http import RawRequest

GET = ClientRequest(target="/v1/models")
POST = ClientRequest("POST", "/v1/chat", (("Host", "h"), ("Content-Length", "2")), b"{}")


def _count(worker: ApisixWorker, kind: str) -> int:
    decoded = [event["decoded"] for event in worker.events if event["from"] == "apisix"]
    return sum(isinstance(each, dict) and each.get("type") == kind for each in decoded)


def test_a_token_is_asked_for_on_a_second_connection_and_kept(tmp_path: Path) -> None:
    with apisix_with(tmp_path, calls(allow)) as worker:
        worker.handle(GET)
        shape = [(event["conn"], _what(event)) for event in worker.events]
        worker.handle(GET)
        numbers = [_field(event, "id") for event in worker.events if _what(event) == "HTTPReqCall"]
        assert worker.tokens == {"route#v1#ext-plugin-pre-req#1795408721": TOKEN}
    assert shape[:3] == [(1, "connect"), (2, "connect"), (2, "PrepareConf")]
    assert shape[3:] == [(2, "PrepareConf"), (1, "HTTPReqCall"), (1, "HTTPReqCall")]
    assert numbers == [0, 0, 1, 0], "the scripted runner always answers 0"
    assert _count(worker, "PrepareConf") == 1


def _what(event: dict[str, object]) -> object:
    return _field(event, "type") or _field(event, "event")


def _field(event: dict[str, object], name: str) -> object:
    decoded = event["decoded"]
    assert isinstance(decoded, dict)
    return decoded.get(name)


def _forgetting(times: int) -> Serve:
    """Serve a runner that does not know the token of its first calls."""
    left = itertools.repeat(None, times)

    def on_call(peer: Peer, _call: RequestCall) -> None:
        if next(left, peer) is None:
            peer.say(Failure(2))
            peer.receive()
        peer.rewrite()

    return calls(on_call)


@pytest.mark.parametrize(("times", "status"), [(1, 200), (2, 200), (3, 503)])
def test_an_unknown_token_is_prepared_anew_for_three_tries(
    tmp_path: Path, times: int, status: int
) -> None:
    with apisix_with(tmp_path, _forgetting(times)) as worker:
        worker.tokens["another"] = 1
        assert worker.handle(GET).response.status == status
        assert "another" not in worker.tokens
    assert _count(worker, "HTTPReqCall") == _count(worker, "PrepareConf") == min(times + 1, 3)


def test_a_configuration_refused_is_503_and_asked_for_again(tmp_path: Path) -> None:
    refusals = [Failure(0), Failure(1)]

    def serve(peer: Peer) -> None:
        while True:
            if isinstance(peer.next_call(), Prepare):
                peer.say(refusals.pop() if refusals else Prepared(TOKEN))
            else:
                peer.rewrite()

    with apisix_with(tmp_path, serve) as worker:
        statuses = [worker.handle(GET).response.status for _ in range(3)]
    assert statuses == [503, 503, 200]
    assert _count(worker, "HTTPReqCall") == 1


def test_a_change_prepares_anew_and_a_restart_begins_at_0(tmp_path: Path) -> None:
    with apisix_with(tmp_path, calls(allow)) as worker:
        worker.handle(GET)
        worker.post_config(Route(pre_req=(("gatepass", '{"profile":"other"}'), ("b", "\u00fc"))))
        worker.handle(GET)
        prepared = [event for event in worker.events if _field(event, "conf")]
        assert _field(prepared[-1], "key") == "route#v1#ext-plugin-pre-req#1795408722"
        assert _field(prepared[-1], "conf") == [
            ["gatepass", '{"profile":"other"}'],
            ["b", "\u00fc"],
        ]
        worker.events.clear()
        worker.restart()
        worker.handle(GET)
    assert _count(worker, "PrepareConf") == 1
    (number,) = [_field(each, "id") for each in worker.events if _field(each, "src_ip")]
    assert number == 0


def test_numbers_tell_the_nginx_worker(tmp_path: Path) -> None:
    settings = ApisixSettings(worker_number=3)
    with apisix_with(tmp_path, calls(allow), partial(ApisixWorker, settings=settings)) as worker:
        worker.handle(GET)
        (number,) = [_field(each, "id") for each in worker.events if _field(each, "src_ip")]
    assert number == 3 << 22


def test_sixty_first_requests_hold_two_connections_each_and_prepare_once(tmp_path: Path) -> None:
    together = threading.Barrier(60)
    connected = threading.Semaphore(0)

    def serve(peer: Peer) -> None:
        connected.release()
        while True:
            if isinstance(peer.next_call(), Prepare):
                assert all(connected.acquire(timeout=5) for _ in range(120))
                peer.say(Prepared(TOKEN))
            else:
                together.wait(5)
                peer.rewrite()

    with apisix_with(tmp_path, serve) as worker, ThreadPoolExecutor(60) as clients:
        results = list(clients.map(worker.handle, [GET] * 60))
    assert {each.response.status for each in results} == {200}
    assert _count(worker, "PrepareConf") == 1
    events = [_field(event, "event") for event in worker.events[:-MOST_IDLE]]
    assert (events.count("connect"), events.count("close")) == (120, 120 - MOST_IDLE)


def test_the_connection_put_back_last_is_used_first_and_a_closed_one_never(tmp_path: Path) -> None:
    closes = [False, True]
    finished = threading.Semaphore(0)

    def on_call(peer: Peer, _call: RequestCall) -> None:
        peer.rewrite()
        if closes and closes.pop():
            peer.close()
        finished.release()

    with apisix_with(tmp_path, calls(on_call)) as worker:
        for _ in range(4):
            assert worker.handle(GET).response.status == 200
            assert finished.acquire(timeout=5), "the next call sees whether this one has closed"
        used = [each["conn"] for each in worker.events if _field(each, "src_ip")]
    assert used == [1, 2, 2, 2]


BOTH = Route("both", GATEPASS, post_req=(("second", "{}"),))


def _each(*answers: OnCall) -> Serve:
    """Serve each call in its own way."""
    left = iter(answers)

    def on_call(peer: Peer, call: RequestCall) -> None:
        next(left)(peer, call)

    return calls(on_call)


def test_post_req_is_told_what_pre_req_has_made(tmp_path: Path) -> None:
    told: list[RequestCall] = []
    rewrite = Rewrite(b"/v2/a b", ((b"x-user-id", b"alice"),), ((b"n", b"1"),))

    def second(peer: Peer, call: RequestCall) -> None:
        told.append(call)
        peer.rewrite()

    def first(peer: Peer, _call: RequestCall) -> None:
        peer.rewrite(rewrite)

    with apisix_with(tmp_path, _each(first, second)) as worker:
        exchange = worker.handle(GET, route=BOTH)
    assert exchange.proxied.target == "/v2/a%20b?n=1"
    assert (told[0].path, told[0].args) == (b"/v2/a b", ((b"n", b"1"),))
    assert dict(told[0].headers)[b"x-user-id"] == b"alice"
    assert _count(worker, "PrepareConf") == 2


def test_a_decision_of_one_plugin_does_not_make_up_for_the_other(tmp_path: Path) -> None:
    def nothing(peer: Peer, _call: RequestCall) -> None:
        peer.say(RequestAnswer())

    with apisix_with(tmp_path, _each(nothing, allow)) as worker:
        result = worker.handle(GET, route=BOTH).result
    assert isinstance(result, Proxied)
    assert not result.is_decided


RESP = Route("resp", GATEPASS, post_resp=(("respcheck", "{}"),))
REPLY = UpstreamReply(200, (("Content-Type", "application/json"), ("X-Up", "one")), b"secret")
Judge = Callable[[Peer, ResponseCall], None]


def _judged(
    tmp_path: Path, judge: Judge, reply: UpstreamReply = REPLY, route: Route = RESP
) -> tuple[int, bytes, int]:
    """Return status and body of the client's answer, and how often the upstream was called."""
    seen: list[RawRequest] = []

    def upstream(request: RawRequest) -> UpstreamReply:
        seen.append(request)
        return reply

    with apisix_with(tmp_path, calls(allow, judge)) as worker:
        response = worker.handle(POST, upstream, route).response
    return response.status, response.body, len(seen)


def _close(peer: Peer, _call: ResponseCall) -> None:
    peer.close()


def _keep(peer: Peer, call: ResponseCall) -> None:
    assert peer.ask(ResponseBody()) == (b"" if call.status == 204 else b"secret")
    assert peer.ask(Var(b"request_method")) == b"POST"
    peer.say(ResponseAnswer(call.id, 0, call.headers))


def _replace(peer: Peer, call: ResponseCall) -> None:
    peer.say(ResponseAnswer(call.id, 451, (), b"blocked"))


def test_a_response_is_kept_or_replaced(tmp_path: Path) -> None:
    assert _judged(tmp_path, _keep) == (200, b"secret", 1)
    assert _judged(tmp_path, _replace) == (451, b"blocked", 1)


def test_a_failing_guard_of_responses_leaks_the_body(tmp_path: Path) -> None:
    assert _judged(tmp_path, _close) == (503, b"secret", 1)
    degrading = Route("resp", GATEPASS, post_resp=RESP.post_resp, allow_degradation=True)
    assert _judged(tmp_path, _close, route=degrading) == (200, b"secret", 1)


def test_a_response_without_body_calls_the_upstream_twice(tmp_path: Path) -> None:
    empty = UpstreamReply(204, (("X-Up", "one"),), b"")
    assert _judged(tmp_path, _keep, empty) == (204, b"", 2)
    assert _judged(tmp_path, _replace, empty) == (451, b"blocked", 1)
