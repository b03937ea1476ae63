"""Responses that the runner reads, from a played APISIX's ext-plugin-post-resp to the budgets."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.responses import MAX_RESPONSE_BYTES
from support.apisix.request import GATEPASS, ClientRequest, Route
from support.apisix.results import Exchange
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_service
from support.apisix_relay import relayed
from support.apisix_requests import check_decided, request
from support.books import counters
from support.gatepass_service import bearer
from support.kong.results import UpstreamReply
from support.kong_requests import HOST
from support.llm_answers import events
from support.servers import wait_until

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
COST = 100 * 2_500 + 20 * 10_000
"""In nano-dollars, at $2.50 and $10 a million."""

JSON = ("Content-Type", "application/json")
STREAM = ("Content-Type", "text/event-stream")
CHUNKED = ("Transfer-Encoding", "chunked")
READING = ApisixDoor(read_responses=True)
ROUTE = Route(post_resp=GATEPASS)
ANSWER = json.dumps({"choices": [{"text": "x" * 20_000}], "usage": USAGE}).encode()
LONG = json.dumps({"choices": [{"text": "x" * 10 * 1024 * 1024}], "usage": USAGE}).encode()
ASKED_ALWAYS, ASKED_FOR_NAME = ["request_method"], ["request_method", "http_x_gatepass_request"]
READ = [*ASKED_FOR_NAME, "RespBody"]
GUARD_FRAMES = 8
"""A token that is prepared, a call, two questions with their answers, and the end."""

FRAMES = 10
"""The same for a response, which has three questions."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ApisixService]:
    with running_apisix_service(tmp_path, READING) as running:
        yield running
        assert running.faults == 0


@pytest.fixture
def worker(service: ApisixService) -> Iterator[ApisixWorker]:
    with ApisixWorker(service.socket, ROUTE) as apisix:
        yield apisix


def reply(body: bytes = ANSWER, *headers: tuple[str, str], status: int = 200) -> UpstreamReply:
    """Return a JSON answer with its length; headers of the same name take the place of these."""
    given = {name.lower() for name, _ in headers}
    told = (JSON, ("Content-Length", str(len(body))))
    kept = [line for line in told if line[0].lower() not in given and CHUNKED not in headers]
    return UpstreamReply(status, (*kept, *headers, ("X-Up", "one"), ("X-Up", "two")), body)


def ask(worker: ApisixWorker, answer: UpstreamReply, sent: ClientRequest | None = None) -> Exchange:
    """Send a request that is allowed; the upstream is called once, and its answer goes on."""
    exchange = worker.handle(sent or request(max_tokens=500), lambda _request: answer)
    assert check_decided(exchange)
    assert exchange.errors == []
    response = exchange.response
    assert response.status == answer.status
    seen = b"" if sent and sent.method == "HEAD" else answer.body
    assert response.body == seen
    names = {name.lower() for name, _ in answer.headers}
    for name in names - {"connection", "content-length", "transfer-encoding"}:
        values = [value for key, value in answer.headers if key.lower() == name]
        assert response.values(name) == values, name
    return exchange


def asked(worker: ApisixWorker) -> list[str]:
    """Return what was asked about responses."""
    found, is_response = [], False
    for sender, said in decoded(worker):
        if sender == "apisix" and said.get("type") != "ExtraInfo":
            is_response = said.get("type") == "HTTPRespCall"
        elif sender == "runner" and is_response and "info_type" in said:
            found.append(str(said.get("name") or said["info_type"]))
    return found


def decoded(worker: ApisixWorker) -> Iterator[tuple[object, dict[str, object]]]:
    """Yield who said what."""
    for event in worker.events:
        if isinstance(said := event.get("decoded"), dict):
            yield event["from"], said


def check_bill(service: ApisixService, *, spent: int, reserved: bool = False) -> None:
    """Compare what stands in the books with what should."""
    books = counters(service.gate)

    def stands() -> bool:
        (counter,) = books.values()
        return counter.spent == spent and (counter.reserved > 0) == reserved

    wait_until(stands)


def check_estimated(service: ApisixService) -> int:
    """Wait until the call is charged, with much more than what it cost; return how much it is."""
    (counter,) = counters(service.gate).values()
    wait_until(lambda: counter.spent > 10 * COST and counter.reserved == 0)
    return counter.spent


# -- what is read ------------------------------------------------------------------------------


def test_a_json_answer_is_paid_by_its_usage(service: ApisixService, worker: ApisixWorker) -> None:
    ask(worker, reply())
    check_bill(service, spent=COST)
    assert asked(worker) == READ
    ask(worker, reply())
    check_bill(service, spent=2 * COST)


def test_a_call_that_a_budget_refuses_has_no_response_to_read(tmp_path: Path) -> None:
    """What was settled makes room again, and the estimate of what was not does not."""
    small = {"upsert": True, "defaults": {"budget": "$0.02 per day"}}
    with (
        running_apisix_service(tmp_path, READING, users=small) as service,
        ApisixWorker(service.socket, ROUTE) as worker,
    ):
        for count in range(1, 11):  # the estimate of one is a cent
            ask(worker, reply(), request(max_tokens=1000))
            check_bill(service, spent=count * COST)
        silent = reply(b"{}")
        ask(worker, silent, request(max_tokens=1000))
        exchange = worker.handle(request(max_tokens=1000), lambda _request: silent)
        assert exchange.answered.status == 429
        assert exchange.upstream_requests == []


@pytest.mark.parametrize(
    "answer",
    [
        reply(events({"usage": USAGE}, "[DONE]").encode(), STREAM, CHUNKED),
        reply(events({"usage": USAGE}, "[DONE]").encode(), STREAM),
        reply(ANSWER, JSON, CHUNKED),
        reply(ANSWER, ("Content-Encoding", "gzip")),
        reply(ANSWER, ("Content-Type", "text/plain")),
        reply(LONG),
        reply(b""),
    ],
    ids=["stream", "stream with a length", "chunked", "gzip", "text", "10 MB", "empty"],
)
def test_what_streams_or_is_too_long_is_not_held_back(
    service: ApisixService, worker: ApisixWorker, answer: UpstreamReply
) -> None:
    ask(worker, answer)
    assert asked(worker) == ASKED_FOR_NAME
    check_estimated(service)


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"{}"),
        reply(b"not json"),
        reply(ANSWER[:-1]),
        reply(b"[" * 100_000),
        reply(b"\xff\0" * 1000),
        reply(ANSWER, ("Content-Length", str(len(ANSWER) + 1))),
        reply(ANSWER, ("Content-Length", "1")),
        reply(LONG, ("Content-Length", str(MAX_RESPONSE_BYTES))),
        reply(LONG, ("Content-Length", "100")),
        reply(json.dumps({"tools": [{"usage": USAGE}], "model": "x"}).encode()),
        reply(json.dumps({"choices": [json.dumps({"usage": USAGE})]}).encode()),
    ],
    ids=[
        *("no usage", "no json", "cut off", "deep", "octets", "shorter than it says"),
        *("longer than it says", "10 MB", "10 MB of 100", "deeper", "in a text"),
    ],
)
def test_sec_59_a_hostile_body_goes_on_and_says_nothing(
    service: ApisixService, worker: ApisixWorker, answer: UpstreamReply
) -> None:
    ask(worker, answer)
    assert asked(worker) == READ
    estimate = check_estimated(service)
    ask(worker, reply())
    check_bill(service, spent=estimate + COST)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_failed_call_costs_nothing(
    service: ApisixService, worker: ApisixWorker, status: int
) -> None:
    ask(worker, reply(b'{"error": "busy"}', ("Retry-After", "3"), status=status))
    assert asked(worker) == ASKED_FOR_NAME
    check_bill(service, spent=0)


def test_sec_59_a_call_that_may_have_worked_costs_its_estimate(
    service: ApisixService, worker: ApisixWorker
) -> None:
    ask(worker, reply(b"{}", status=504))
    check_estimated(service)


def test_without_the_setting_nothing_is_read_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        running_apisix_service(tmp_path) as service,
        ApisixWorker(service.socket, ROUTE) as worker,
    ):
        ask(worker, reply())
        ask(worker, reply(b"{}", status=500))
        assert asked(worker) == ASKED_ALWAYS * 2
        check_bill(service, spent=0, reserved=True)
        assert service.faults == 0


# -- what the client gets ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 304])
def test_the_upstream_is_called_once_for_a_response_without_body(
    service: ApisixService, worker: ApisixWorker, status: int
) -> None:
    ask(worker, UpstreamReply(status, (("X-Up", "one"), ("ETag", '"1"'))))
    assert asked(worker) == []
    check_bill(service, spent=0, reserved=True)


@pytest.mark.parametrize("status", [200, 404])
def test_and_once_for_head(tmp_path: Path, status: int) -> None:
    open_to_all = {"default": {"permissions": {"internal_user": {"routes": ["*"]}}}}
    sent = ClientRequest("HEAD", "/v1/models", (HOST, ("Authorization", bearer())))
    with (
        running_apisix_service(tmp_path, READING, profiles=open_to_all) as service,
        ApisixWorker(service.socket, ROUTE) as worker,
    ):
        ask(worker, UpstreamReply(status, (JSON, ("Content-Length", "197"))), sent)
        assert asked(worker) == ASKED_ALWAYS
        assert service.faults == 0


def test_sec_44_the_upstream_behind_it_gets_what_the_decision_set(worker: ApisixWorker) -> None:
    """It is sent the copy of the headers, in which other runners leave the client's own."""
    forged = (("X-Gatepass-User", "root"), ("x_gatepass_request", "r-1"), ("X-GATEPASS-ROLE", "x"))
    asked_for = request()
    sent = replace(asked_for, headers=(*asked_for.headers, *forged))
    exchange = ask(worker, reply(), sent)
    (got,) = exchange.upstream_requests
    assert not {"root", "r-1", "x"} & {value for _, value in got.headers}
    assert len(got.values(REQUEST_ID.decode())) == 1


def test_0e_after_a_start_the_first_response_is_one_like_any_other(
    service: ApisixService, worker: ApisixWorker
) -> None:
    """Where another guard comes before, it is a response that has the id 0."""
    unguarded = Route("open", pre_req=None, post_resp=GATEPASS)
    exchange = worker.handle(request(), lambda _request: reply(), unguarded)
    (call, answer) = [said for _, said in decoded(worker) if said.get("type") == "HTTPRespCall"]
    assert call["id"] == answer["id"] == 0
    assert (exchange.response.status, exchange.response.body) == (200, ANSWER)
    assert counters(service.gate) == {}


# -- connections that are cut ------------------------------------------------------------------


@pytest.mark.parametrize("half", [False, True])
def test_a_connection_cut_anywhere_settles_once_or_not_at_all(
    service: ApisixService, *, half: bool
) -> None:
    """What APISIX makes of it is its own: a status of 503 above the body of the upstream."""
    books = counters(service.gate)
    with relayed(service.socket) as relay, ApisixWorker(relay.path, ROUTE) as worker:
        ask(worker, reply())
        assert relay.messages == GUARD_FRAMES + FRAMES
    check_bill(service, spent=COST)
    for cut_after in range(GUARD_FRAMES, GUARD_FRAMES + FRAMES):
        books.clear()
        with (
            relayed(service.socket, cut_after, half=half) as relay,
            ApisixWorker(relay.path, ROUTE) as worker,
        ):
            exchange = worker.handle(request(max_tokens=500), lambda _request: reply())
            assert (exchange.response.status, exchange.response.body) == (503, ANSWER)
            assert len(exchange.upstream_requests) == 1
            # of a response that was cut only the last frame can come after its settlement
            is_settled = cut_after == GUARD_FRAMES + FRAMES - 1
            check_bill(service, spent=COST * is_settled, reserved=not is_settled)
            ask(worker, reply())
            check_bill(service, spent=COST * (is_settled + 1), reserved=not is_settled)
