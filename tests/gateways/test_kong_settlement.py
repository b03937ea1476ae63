"""From the response to the bill: the usage snippet under LuaJIT, Kong's log phase, the budgets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin.gateways.kong.lua import usage_snippet
from support.books import counters
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong.proxying import kong_answer, proxied_answer
from support.kong.request import ClientRequest
from support.kong.results import Shared, UpstreamReply
from support.kong.worker import KongWorker, Protocol
from support.kong_door import KongService, running_kong_service
from support.lua import LuaRequest
from support.raw_http import RawRequest
from support.servers import wait_until

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
COST = 100 * 2_500 + 20 * 10_000
"""In nano-dollars, at $2.50 and $10 a million."""

JSON = ("Content-Type", "application/json")
STREAM = ("Content-Type", "text/event-stream; charset=utf-8")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KongService]:
    with running_kong_service(tmp_path, cost_header=b"x-cost") as running:
        yield running
        assert running.faults == 0


@pytest.fixture(params=["ProtoBuf:1", "MsgPack:1"])
def worker(service: KongService, request: pytest.FixtureRequest) -> Iterator[KongWorker]:
    protocol: Protocol = request.param
    with KongWorker(service.socket, protocol=protocol) as kong:
        yield kong


class Upstream:
    """Answers with chunks, past which Kong's body filter runs our snippet."""

    def __init__(
        self, *chunks: bytes, status: int = 200, headers: tuple[tuple[str, str], ...] = (JSON,)
    ) -> None:
        self._chunks = chunks
        self._status = status
        self._headers = headers

    def __call__(self, _request: RawRequest, shared: Shared) -> UpstreamReply:
        names = {name.replace("-", "_").lower(): value for name, value in self._headers}
        lua = LuaRequest(usage_snippet(), **names)
        lua.share("gatepass", f'"{shared["gatepass"]}"')
        for chunk in self._chunks:
            lua.feed(chunk)
        lua.finish(None)
        for name in ("gatepass_tail", "gatepass_head"):
            kept = lua.shared(name)
            if kept is not None:
                shared[name] = kept.decode("utf-8", "surrogateescape")
        return UpstreamReply(self._status, self._headers, b"".join(self._chunks))


def request() -> ClientRequest:
    body = chat(max_tokens=500)
    headers = (
        ("Host", "api.example.test"),
        ("Authorization", bearer()),
        ("Content-Length", str(len(body))),
    )
    return ClientRequest("POST", CHAT, headers, body)


def ask(worker: KongWorker, upstream: Upstream) -> None:
    assert worker.handle(request(), upstream).log_error is None


def check_bill(service: KongService, *, spent: int, reserved: bool = False) -> None:
    """Compare what stands in the books with what should."""
    books = counters(service.gate)

    def stands() -> bool:
        (counter,) = books.values()
        return counter.spent == spent and (counter.reserved > 0) == reserved

    wait_until(stands)


def check_estimated(service: KongService) -> int:
    """Wait until the call is charged, with much more than what it cost; return how much it is."""
    (counter,) = counters(service.gate).values()
    wait_until(lambda: counter.spent > 10 * COST and counter.reserved == 0)
    return counter.spent


def test_a_json_answer_is_paid_by_its_usage(service: KongService, worker: KongWorker) -> None:
    answer = json.dumps({"choices": [{"text": "x" * 20_000}], "usage": USAGE}).encode()
    ask(worker, Upstream(answer[:7000], answer[7000:]))
    check_bill(service, spent=COST)


def test_a_stream_is_paid_by_the_usage_at_its_end(service: KongService, worker: KongWorker) -> None:
    events = [
        *(f'data: {{"choices":[{{"delta":{{"content":"w{n}"}}}}]}}\n\n' for n in range(2000)),
        f'data: {{"choices":[],"usage":{json.dumps(USAGE)}}}\n\n',
        "data: [DONE]\n\n",
    ]
    ask(worker, Upstream(*(event.encode() for event in events), headers=(STREAM,)))
    check_bill(service, spent=COST)


def test_sec_59_what_a_long_stream_says_only_at_its_beginning_is_paid(
    service: KongService, worker: KongWorker
) -> None:
    """Anthropic counts the input in the first event, and the output in the last but one."""
    begun = {"input_tokens": 100, "output_tokens": 1}
    events: list[tuple[str, dict[str, Any]]] = [
        ("message_start", {"message": {"id": "m", "usage": begun}}),
        *[("content_block_delta", {"delta": {"text": f"w{n}"}}) for n in range(2000)],
        ("message_delta", {"delta": {}, "usage": {"output_tokens": 20}}),
        ("message_stop", {}),
    ]
    chunks = [
        f"event: {kind}\ndata: {json.dumps({'type': kind} | event)}\n\n" for kind, event in events
    ]
    ask(worker, Upstream(*(chunk.encode() for chunk in chunks), headers=(STREAM,)))
    check_bill(service, spent=COST)


def test_a_cost_that_the_upstream_names_counts_as_it_stands(
    service: KongService, worker: KongWorker
) -> None:
    ask(worker, Upstream(b"{}", headers=(JSON, ("X-Cost", "1.25e-3"))))
    check_bill(service, spent=1_250_000)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_failed_call_costs_nothing(service: KongService, worker: KongWorker, status: int) -> None:
    ask(worker, Upstream(b'{"error": "busy"}', status=status))
    check_bill(service, spent=0)


@pytest.mark.parametrize(
    "upstream",
    [
        Upstream(b"{}"),
        Upstream(b"not json"),
        Upstream(b"\x1f\x8b", headers=(JSON, ("Content-Encoding", "gzip"))),
        Upstream(b"audio", headers=(("Content-Type", "audio/mpeg"),)),
        Upstream(b"data: {", headers=(STREAM,), status=499),
        Upstream(headers=(JSON, ("X-Cost", "-1"))),
    ],
    ids=["no usage", "no json", "compressed", "audio", "cut off", "an impossible cost"],
)
def test_sec_59_where_nobody_says_what_it_cost_the_estimate_is_charged(
    service: KongService, worker: KongWorker, upstream: Upstream
) -> None:
    ask(worker, upstream)
    check_estimated(service)


def test_sec_59_a_usage_in_the_words_of_the_model_counts_for_nothing(
    service: KongService, worker: KongWorker
) -> None:
    said = json.dumps({"usage": {"prompt_tokens": 0, "completion_tokens": 0}})
    answer = json.dumps({"usage": USAGE, "choices": [{"message": {"content": said}}]}).encode()
    ask(worker, Upstream(answer))
    check_bill(service, spent=COST)


def test_kongs_ai_proxy_says_the_usage_in_the_log_entry(
    service: KongService, worker: KongWorker
) -> None:
    exchange = worker.access(request())
    exchange.state.log_values["ai"] = {"proxy": {"usage": USAGE}}
    exchange.response = proxied_answer(exchange.state, UpstreamReply())
    exchange.state.body.remove()
    worker.log(exchange)
    check_bill(service, spent=COST)


def test_a_call_that_another_plugin_denied_costs_nothing(
    service: KongService, worker: KongWorker
) -> None:
    exchange = worker.access(request())
    exchange.state.body.remove()
    exchange.response = kong_answer(exchange.state, 429, "API rate limit exceeded")
    worker.log(exchange)
    check_bill(service, spent=0)
