"""What the simulated APISIX makes of a runner that fails, as the real one was seen to do."""

from functools import partial
from pathlib import Path

import pytest

from support.apisix.flat import Builder, Scalar
from support.apisix.messages import (
    ERROR,
    EXTRA,
    PREPARE,
    REQUEST,
    Failure,
    Message,
    Prepared,
    RequestAnswer,
    RequestBody,
    RequestCall,
    ResponseBody,
    Rewrite,
    encode,
    frame,
)
from support.apisix.pairs import apisix_with
from support.apisix.request import ClientRequest, Route
from support.apisix.results import Proxied
from support.apisix.scripted import OnCall, Peer, calls
from support.apisix.worker import ApisixWorker

GET = ClientRequest(target="/v1/models")
POST = ClientRequest("POST", "/v1/chat", (("Host", "h"), ("Content-Length", "2")), b"{}")
HASTY = partial(ApisixWorker, read_timeout=0.05)


def _sends(octets: bytes) -> OnCall:
    """Send this, and nothing after it."""

    def on_call(peer: Peer, _call: RequestCall) -> None:
        peer.send(octets)
        peer.receive()

    return on_call


def _says(kind: int, message: Message) -> OnCall:
    return _sends(frame(kind, encode(message)))


def _question(info_type: int) -> bytes:
    """A question about something that does not exist."""
    builder = Builder()
    return builder.finish(builder.table([Scalar(info_type, 1), None], (0, 1)))


def _half(peer: Peer, _call: RequestCall) -> None:
    peer.send(frame(REQUEST, encode(RequestAnswer(0, 2, Rewrite())))[:9])
    peer.close()


def _after_a_question(peer: Peer, _call: RequestCall) -> None:
    peer.var("request_uri")
    peer.close()


FAILURES: dict[str, OnCall] = {
    "bad_request": _says(ERROR, Failure(0)),
    "unavailable": _says(ERROR, Failure(1)),
    "unknown_code": _says(ERROR, Failure(7)),
    "token_not_found_for_ever": _says(ERROR, Failure(2)),
    "closes": lambda peer, _: peer.close(),
    "closes_in_a_frame": _half,
    "closes_after_a_question": _after_a_question,
    "hangs": _sends(b""),
    "hangs_in_a_frame": _sends(b"\2\0\0\x40"),
    "frame_of_prepare": _says(PREPARE, Prepared(5)),
    "frame_of_type_9": _sends(frame(9, b"")),
    "unknown_info": _sends(frame(EXTRA, _question(9))),
    "no_info": _sends(frame(EXTRA, _question(0))),
}
GARBAGE = {
    "empty": frame(REQUEST, b""),
    "ff": frame(REQUEST, b"\xff" * 16),
    "empty_error": frame(ERROR, b""),
    "error_ff": frame(ERROR, b"\xff" * 16),
    "stop_without_table": frame(REQUEST, encode(RequestAnswer(0, 1, None))),
}
NO_ACTION = {
    "none": frame(REQUEST, encode(RequestAnswer(0))),
    "type_9": frame(REQUEST, encode(RequestAnswer(0, 9))),
    "error_table": frame(REQUEST, encode(Failure(1))),
}


@pytest.mark.parametrize("on_call", FAILURES.values(), ids=FAILURES.keys())
def test_no_answer_is_503_or_passes_with_degradation(tmp_path: Path, on_call: OnCall) -> None:
    with apisix_with(tmp_path, calls(on_call), HASTY) as worker:
        refused = worker.handle(GET)
        assert (refused.answered.status, refused.answered.from_runner) == (503, False)
        assert len(refused.errors) == 1
        passed = worker.handle(GET, route=Route(allow_degradation=True))
    assert isinstance(passed.result, Proxied)
    assert not passed.result.is_decided
    assert passed.response.status == 200
    assert worker.events[-1]["decoded"] == {"event": "close"}


@pytest.mark.parametrize("octets", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("degrades", [False, True])
def test_garbage_is_500_also_with_degradation(
    tmp_path: Path, octets: bytes, *, degrades: bool
) -> None:
    new_worker = partial(ApisixWorker, allow_degradation=degrades)
    with apisix_with(tmp_path, calls(_sends(octets)), new_worker) as worker:
        assert worker.handle(GET).answered.status == 500
        assert worker.events[-1]["decoded"] == {"event": "close"}


@pytest.mark.parametrize("octets", NO_ACTION.values(), ids=NO_ACTION.keys())
def test_no_action_passes_unguarded(tmp_path: Path, octets: bytes) -> None:
    with apisix_with(tmp_path, calls(_sends(octets))) as worker:
        exchange = worker.handle(GET)
    assert isinstance(exchange.result, Proxied)
    assert not exchange.result.is_decided
    assert exchange.errors == []


def test_a_wrong_number_is_not_noticed(tmp_path: Path) -> None:
    headers = ((b"x-user-id", b"alice"),)
    wrong = _says(REQUEST, RequestAnswer(320, 2, Rewrite(headers=headers)))
    with apisix_with(tmp_path, calls(wrong)) as worker:
        exchange = worker.handle(GET)
    assert exchange.proxied.values("x-user-id") == ["alice"]
    assert isinstance(exchange.result, Proxied)
    assert exchange.result.is_decided


def test_no_runner_is_503_at_once(tmp_path: Path) -> None:
    worker = ApisixWorker(tmp_path / "socket")
    exchange = worker.handle(GET)
    assert exchange.answered.status == 503
    assert exchange.errors == ["pre-req: no such file or directory"]


def test_the_body_of_a_response_is_nothing_before_there_is_one(tmp_path: Path) -> None:
    heard: list[bytes | None] = []

    def on_call(peer: Peer, _call: RequestCall) -> None:
        heard.append(peer.ask(ResponseBody()))
        peer.rewrite()

    with apisix_with(tmp_path, calls(on_call)) as worker:
        assert isinstance(worker.handle(GET).result, Proxied)
    assert heard == [None]


def test_a_body_larger_than_a_frame_fails_and_passes_with_degradation(tmp_path: Path) -> None:
    def on_call(peer: Peer, _call: RequestCall) -> None:
        peer.ask(RequestBody())
        peer.rewrite()

    request = ClientRequest("POST", "/v1/chat", POST.headers, b"z" * (17 << 20))
    with apisix_with(tmp_path, calls(on_call)) as worker:
        assert worker.handle(request).answered.status == 503
        passed = worker.handle(request, route=Route(allow_degradation=True)).result
    assert isinstance(passed, Proxied)
    assert not passed.is_decided
