"""A response, question by question: what is asked, what is settled, and what goes back."""

import json
from collections.abc import Mapping, Sequence

import pytest

from gatepass.plugin.gateways.apisix import responses as module
from gatepass.plugin.gateways.apisix.messages import HttpRespCall
from gatepass.plugin.gateways.apisix.questions import AsItCame, Bill, ResponseBody, Variable
from gatepass.plugin.gateways.apisix.responses import MAX_READS, MAX_RESPONSE_BYTES, Responses
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.request import BodyState
from support.apisix.messages import Entry
from support.kong_events import Books
from support.llm_answers import EXPECTED, chat

METHOD, NAME, BODY = "request_method", "http_x_gatepass_request", "body"
JSON: Entry = (b"Content-Type", b"application/json")
ANSWER = json.dumps(chat()).encode()
SETTLED = Bill("r-1", EXPECTED)
RELEASED = Bill("r-1", None, cost_nothing=True)
ESTIMATED = Bill("r-1", None)


def length(count: int) -> Entry:
    return (b"Content-Length", b"%d" % count)


def like(*headers: Entry, body: bytes = ANSWER) -> list[Entry]:
    """Return the headers of a JSON answer with a length, and some more."""
    return [JSON, length(len(body)), *headers]


def play(  # noqa: PLR0913 - the parts of a response
    headers: Sequence[Entry],
    status: int = 200,
    *,
    body: object = ANSWER,
    method: bytes | None = b"POST",
    name: bytes | None = b"r-1",
    reads: bool = True,
    responses: Responses | None = None,
) -> tuple[AsItCame, list[str]]:
    """Play a response to its end; return how it ends and what was asked for."""
    conversation = (responses or Responses(Books({"r-1"}), reads=reads)).begin(
        HttpRespCall(0, status, list(headers), 1)
    )
    told: Mapping[str, object] = {METHOD: method, NAME: name, BODY: body}
    asked: list[str] = []
    value: object = None
    while True:
        try:
            step = conversation.send(value)
        except StopIteration as ended:
            ending: AsItCame = ended.value
            return ending, asked
        assert isinstance(step, Variable | ResponseBody)
        asked.append(step.name.decode() if isinstance(step, Variable) else BODY)
        value = told[asked[-1]]


# -- what is read ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [b"application/json", b"Application/JSON", b"application/json; charset=utf-8"],
)
@pytest.mark.parametrize("status", [200, 201, 302, 399])
def test_a_json_answer_of_a_known_call_is_settled_by_its_usage(kind: bytes, status: int) -> None:
    headers = [(b"content-type", kind), length(len(ANSWER)), (b"X-Up", b"1")]
    ending, asked = play(headers, status)
    assert asked == [METHOD, NAME, BODY]
    assert ending == AsItCame(status, [headers[0], headers[2]], None, SETTLED)


def test_the_length_that_is_told_bounds_what_is_kept() -> None:
    conversation = Responses(Books({"r-1"}), reads=True).begin(HttpRespCall(0, 200, like(), 1))
    conversation.send(None)
    conversation.send(b"POST")
    assert conversation.send(b"r-1") == ResponseBody(len(ANSWER))


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked")],
        [(b"Content-Type", b"text/event-stream"), length(100)],
        [(b"Content-Type", b"text/html"), length(100)],
        [(b"Content-Type", b"application/jsonl"), length(100)],
        [(b"Content-Type", b"text/plain, application/json"), length(100)],
        [(b"Content-Type", None), length(100)],
        [length(100)],
        [JSON],
        [JSON, (b"Transfer-Encoding", b"chunked")],
        like((b"Transfer-Encoding", b"chunked")),
        like((b"Content-Encoding", b"gzip")),
        like((b"content-encoding", b"identity")),
        like(length(100)),
        like(JSON),
        [JSON, length(0)],
        [JSON, length(MAX_RESPONSE_BYTES + 1)],
        [JSON, (b"Content-Length", b"-1")],
        [JSON, (b"Content-Length", b"+5")],
        [JSON, (b"Content-Length", b"1_0")],
        [JSON, (b"Content-Length", b"5, 5")],
        [JSON, (b"Content-Length", b"9" * 5000)],
        [JSON, (b"Content-Length", None)],
        [],
    ],
    ids=repr,
)
def test_what_streams_or_cannot_be_read_is_not_held_back(headers: list[Entry]) -> None:
    ending, asked = play(headers)
    assert asked == [METHOD, NAME]
    assert (ending.body, ending.bill) == (None, ESTIMATED)


@pytest.mark.parametrize("name", [None, b"", b"r-2", b"r-1, r-1", b"\xff\xfe", b"r-1" * 10_000])
@pytest.mark.parametrize("status", [200, 500])
def test_sec_59_a_call_that_the_books_do_not_know_is_not_read(
    name: bytes | None, status: int
) -> None:
    ending, asked = play(like(), status, name=name)
    assert asked == [METHOD, NAME]
    assert ending.bill is None


def test_where_the_settings_do_not_want_it_nothing_is_read() -> None:
    for status in (200, 500):
        ending, asked = play(like(), status, reads=False)
        assert asked == [METHOD]
        assert ending == AsItCame(status, [JSON])


# -- what is believed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"not json",
        ANSWER[:-1],
        ANSWER + b"}",
        ANSWER + ANSWER,
        b"\x1f\x8b" + ANSWER,
        b'data: {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}\n\n',
        b'{"usage": {"prompt_tokens": -1, "completion_tokens": 1}}',
        b'{"usage": {"prompt_tokens": 1e9999, "completion_tokens": 1}}',
        b'{"tools": [{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}]}',
        b'{"a": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"\xff" * 100,
        b"\0",
    ],
    ids=range(15),
)
def test_sec_59_what_is_no_whole_answer_with_a_usage_says_nothing(body: bytes) -> None:
    ending, asked = play(like(body=body), body=body)
    assert asked == [METHOD, NAME, BODY]
    assert ending == AsItCame(200, [JSON], None, ESTIMATED)


@pytest.mark.parametrize(
    "body", [None, b"", ANSWER[:-1], ANSWER + b" ", ANSWER * 2, BodyState.TOO_LARGE]
)
def test_sec_59_what_has_not_the_length_that_was_told_says_nothing(body: object) -> None:
    """APISIX says nothing at all where the upstream went away in the middle."""
    ending, _ = play(like(), body=body)
    assert ending == AsItCame(200, [JSON], None, ESTIMATED)


def test_a_long_answer_is_read_at_its_end() -> None:
    body = json.dumps(chat("x" * (MAX_RESPONSE_BYTES - 1000))).encode()
    assert len(body) <= MAX_RESPONSE_BYTES
    assert play(like(body=body), body=body)[0].bill == SETTLED
    body = json.dumps({"usage": {"input_tokens": 1, "output_tokens": 2}}, indent=2).encode()
    assert play(like(body=body), body=body)[0].bill == Bill("r-1", Usage(1, 2))


@pytest.mark.parametrize("pad", [10, 20_000])
def test_sec_59_whatever_stands_behind_the_usage_hides_nothing(pad: int) -> None:
    """In the Responses API that is the client's metadata."""
    cheap = {"prompt_tokens": 1, "completion_tokens": 1}
    for members in ({"usage": cheap, "pad": "x" * pad}, {"pad": "]}" * pad}):
        body = json.dumps({**chat(), "metadata": members}).encode()
        assert play(like(body=body), body=body)[0].bill == SETTLED
    parts = [{"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 30}}, {"x": pad}]
    body = json.dumps([*parts, {"usageMetadata": None, "y": "z" * pad}]).encode()
    assert play(like(body=body), body=body)[0].bill == SETTLED


def test_no_more_bodies_are_held_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    responses = Responses(Books({"r-1"}), reads=True)
    monkeypatch.setattr(module, "MAX_READS", 1)
    first = responses.begin(HttpRespCall(0, 200, like(), 1))
    for value in (None, b"POST", b"r-1"):
        first.send(value)
    ending, asked = play(like(), responses=responses)
    assert (asked, ending.bill) == ([METHOD, NAME], ESTIMATED)
    first.close()
    ending, asked = play(like(), responses=responses)
    assert (asked, ending.bill) == ([METHOD, NAME, BODY], SETTLED)
    assert MAX_READS * MAX_RESPONSE_BYTES <= 256 * 1024 * 1024


# -- calls that failed -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 599])
@pytest.mark.parametrize("headers", [like(), [(b"Content-Type", b"text/event-stream")], []])
def test_a_failed_call_is_released_unread(status: int, headers: list[Entry]) -> None:
    ending, asked = play(headers, status)
    assert asked == [METHOD, NAME]
    assert (ending.status, ending.bill) == (status, RELEASED)


@pytest.mark.parametrize("status", [499, 502, 504])
def test_sec_59_a_call_that_may_have_worked_costs_its_estimate(status: int) -> None:
    ending, asked = play(like(), status)
    assert asked == [METHOD, NAME]
    assert ending.bill == ESTIMATED


# -- what goes back ----------------------------------------------------------------------------


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_body_gets_one_byte_lest_the_upstream_be_called_twice(
    status: int, *, reads: bool
) -> None:
    ending, asked = play([(b"X-Up", b"1")], status, reads=reads)
    assert asked == []
    assert ending == AsItCame(status, [(b"X-Up", b"1")], b" ")


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("status", [200, 404])
def test_so_does_the_answer_to_head(status: int, *, reads: bool) -> None:
    ending, asked = play(like(), status, method=b"HEAD", reads=reads)
    assert asked == [METHOD]
    assert ending == AsItCame(status, [JSON], b" ")


@pytest.mark.parametrize("method", [b"GET", b"POST", b"head", b"", None])
def test_an_empty_body_is_nobody_elses(method: bytes | None) -> None:
    """Of a length that is told as 0 APISIX calls the upstream once, and the byte would be seen."""
    assert play([JSON, length(0)], method=method)[0].body is None


def test_what_belongs_to_one_connection_stays_there() -> None:
    kept: list[Entry] = [
        JSON,
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Encoding", b"br"),
        (b"X-Empty", b""),
        (b"X-Bytes", b"\xff\xfe"),
        (b"WWW-Authenticate", b"Bearer"),
        (b"Server", b"upstream/1"),
    ]
    hop_by_hop: list[Entry] = [
        (b"Connection", b"close, X-Hop"),
        (b"connection", None),
        (b"Keep-Alive", b"timeout=5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"TE", b"trailers"),
        (b"Trailer", b"X-Sum"),
        (b"Upgrade", b"h2c"),
        (b"Proxy-Connection", b"close"),
        (b"x-hop", b"1"),
        length(7),
    ]
    ending, _ = play([*hop_by_hop, *kept])
    assert ending.headers == kept


@pytest.mark.parametrize(
    ("bill", "what"),
    [(SETTLED, "settle"), (RELEASED, "release"), (ESTIMATED, "settle_estimate")],
)
async def test_a_bill_is_settled_in_the_books(bill: Bill, what: str) -> None:
    books = Books({"r-1"})
    await Responses(books, reads=True).settle(bill)
    assert books.done == [(what, "r-1", bill.usage)]
