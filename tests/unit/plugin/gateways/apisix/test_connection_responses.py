"""Responses on one of APISIX's connections: each goes on as it came, whatever goes wrong."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.gateways.apisix.exchange import CALL_LIMIT
from gatepass.plugin.gateways.apisix.responses import MAX_RESPONSE_BYTES
from gatepass.plugin.metering.prices import Usage
from support.apisix.messages import (
    EXTRA,
    REQUEST,
    RESPONSE,
    Entry,
    Message,
    Question,
    ResponseAnswer,
    ResponseBody,
    ResponseCall,
    encode,
    frame,
)
from support.apisix_calls import (
    DOOR,
    TARGET,
    Line,
    asked_in,
    call,
    extra,
    new_calls,
    prepare,
    response_call,
    response_in,
    rewrite_in,
    said_in,
)
from support.kong_events import Books, settled
from support.llm_answers import EXPECTED, chat

READING = replace(DOOR, read_responses=True, max_body_bytes=100)
ANSWER = json.dumps(chat("x" * 2000)).encode()
JSON: Entry = (b"Content-Type", b"application/json")
HEADERS: Sequence[Entry] = (JSON, (b"Content-Length", b"%d" % len(ANSWER)), (b"X-Up", b"1"))
METHOD, NAME = b"request_method", b"http_x_gatepass_request"
PATH = b"real_request_uri"
AS_IT_CAME = ResponseAnswer(7, 200, (JSON, (b"X-Up", b"1")))
CALL = response_call(200, HEADERS, number=7)
STEPS = (CALL, extra(b"POST"), extra(b"r-1"), extra(ANSWER))


@pytest.fixture
def books() -> Books:
    return Books({"r-1"})


def line_of(books: Books) -> Line:
    return Line(new_calls(books=books, door=READING))


def asks_body(said: list[Message]) -> bool:
    (question,) = said
    return isinstance(question, Question) and isinstance(question.info, ResponseBody)


def still_serves(line: Line) -> bool:
    """Tell whether the next call is judged, and nothing of the last one is left."""
    assert line.connection._calls.deciding == 0
    assert line.connection._calls.responses._held == 0
    assert asked_in(line.say(call())) == PATH
    return bool(rewrite_in(line.say(extra(TARGET)))) and not line.wire.closed


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1])
async def test_0e_a_response_of_any_id(books: Books, number: int) -> None:
    line = line_of(books)
    assert asked_in(line.say(response_call(200, HEADERS, number=number))) == METHOD
    assert asked_in(line.say(extra(b"POST"))) == NAME
    assert asks_body(line.say(extra(b"r-1")))
    assert response_in(line.say(extra(ANSWER))) == replace(AS_IT_CAME, id=number)
    await settled()
    assert books.done == [("settle", "r-1", EXPECTED)]
    assert line.connection._calls.due == {}
    assert still_serves(line)


@pytest.mark.parametrize("token", [0, 1, 4711])
async def test_any_token_will_do(books: Books, token: int) -> None:
    """To prepare anew would flush the tokens of every route, and nothing here depends on them."""
    line = line_of(books)
    assert response_in(line.say(response_call(204, token=token))).status == 204


async def test_without_the_setting_only_the_method_is_asked_for(books: Books) -> None:
    line = Line(new_calls(books=books))
    assert asked_in(line.say(CALL)) == METHOD
    assert response_in(line.say(extra(b"POST"))) == AS_IT_CAME
    assert asked_in(line.say(CALL)) == METHOD
    assert response_in(line.say(extra(b"HEAD"))) == replace(AS_IT_CAME, body=b" ")
    assert books.done == []


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100, 2000])
async def test_however_the_stream_is_cut(books: Books, size: int) -> None:
    line = line_of(books)
    stream = b"".join((*STEPS, response_call(503, HEADERS), *STEPS[1:3], call()))
    for at in range(0, len(stream), size):
        line.connection.data_received(stream[at : at + size])
    await settled()
    assert [one.status for one in line.heard() if isinstance(one, ResponseAnswer)] == [200, 503]
    assert books.done == [("settle", "r-1", EXPECTED), ("release", "r-1", None)]


# -- what cannot be read -----------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"\x04", b"\xff" * 40])
async def test_a_response_that_cannot_be_read_goes_on(books: Books, payload: bytes) -> None:
    line = line_of(books)
    assert response_in(line.say(frame(RESPONSE, payload))) == ResponseAnswer()
    assert still_serves(line)


async def test_more_headers_than_can_be_are_kept_by_giving_none(books: Books) -> None:
    line = line_of(books)
    many = [(b"X-%d" % number, b"v") for number in range(1001)]
    said = response_in(line.say(response_call(200, many, number=9)))
    assert said == ResponseAnswer(9)
    assert still_serves(line)


@pytest.mark.parametrize(
    "answer",
    [
        frame(EXTRA, b""),
        frame(EXTRA, b"\xff" * 8),
        call(),
        prepare(),
        CALL,
        frame(0, b""),
        frame(9, b"x"),
    ],
)
@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_what_is_no_answer_lets_the_response_go_on(
    books: Books, answer: bytes, steps: int
) -> None:
    line = line_of(books)
    for step in STEPS[:steps]:
        line.say(step)
    assert response_in(line.say(answer)) == AS_IT_CAME
    await settled()
    assert books.done == []
    assert still_serves(line)


@pytest.mark.parametrize("size", [len(ANSWER) + 1, len(ANSWER) + 2000, 10 * 1024 * 1024])
async def test_sec_59_a_body_longer_than_it_said_is_dropped(books: Books, size: int) -> None:
    line = line_of(books)
    for step in STEPS[:3]:
        line.say(step)
    assert response_in(line.say(extra(ANSWER.ljust(size)))) == AS_IT_CAME
    await settled()
    assert books.done == [("settle_estimate", "r-1", None)]
    assert still_serves(line)


async def test_a_variable_that_is_too_large_lets_the_response_go_on(books: Books) -> None:
    line = line_of(books)
    line.say(CALL)
    assert response_in(line.say(bytes((EXTRA,)) + b"\xff\xff\xff")) == AS_IT_CAME


async def test_a_response_that_is_too_large_to_be_told_closes_the_connection(books: Books) -> None:
    line = line_of(books)
    assert line.say(bytes((RESPONSE,)) + (CALL_LIMIT + 1).to_bytes(3)) == []
    assert line.connection.deaf


# -- time and faults ---------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_apisix_that_does_not_answer_in_time_gets_its_response_back(
    books: Books, steps: int
) -> None:
    line = line_of(books)
    for step in STEPS[:steps]:
        line.say(step)
    line.connection.overdue()
    assert response_in(line.heard()) == AS_IT_CAME
    assert line.say(STEPS[steps]) == []  # the late answer is nobody's
    await settled()
    assert books.done == []
    assert still_serves(line)


async def test_the_body_has_the_time_of_a_body(books: Books) -> None:
    line = line_of(books)
    now = asyncio.get_running_loop().time()
    for step in STEPS[:3]:
        line.say(step)
    assert line.connection._calls.due[line.connection] >= now + DOOR.body_seconds
    assert line.connection.limit < len(ANSWER) + 2000 < MAX_RESPONSE_BYTES


class Broken(Books):
    """Fails to look up, or to settle."""

    def __init__(self, *, at_once: bool) -> None:
        super().__init__({"r-1"})
        self.at_once = at_once

    def may_be_settled(self, request_id: str) -> bool:
        if self.at_once:
            raise LookupError("canary")
        return super().may_be_settled(request_id)

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        raise LookupError("canary", request_id, usage)


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_exception_lets_the_response_go_on(
    caplog: pytest.LogCaptureFixture, *, at_once: bool
) -> None:
    line = line_of(Broken(at_once=at_once))
    for step in STEPS[: 2 if at_once else 3]:
        line.say(step)
    assert response_in(line.say(STEPS[2 if at_once else 3])) == AS_IT_CAME
    await settled()
    assert line.connection._calls._judge.faults == 1
    assert "canary" not in caplog.text
    assert still_serves(line)


async def test_a_store_that_hangs_holds_no_response_back() -> None:
    class Hanging(Books):
        async def settle(self, request_id: str, usage: Usage) -> Settlement:
            await asyncio.Event().wait()
            return await super().settle(request_id, usage)

    line = line_of(Hanging({"r-1"}))
    for step in STEPS[:3]:
        line.say(step)
    assert response_in(line.say(STEPS[3])) == AS_IT_CAME
    await settled()
    assert still_serves(line)
    for task in line.connection._calls._tasks:
        task.cancel()


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_connection_that_goes_leaves_nothing(books: Books, steps: int) -> None:
    line = line_of(books)
    for step in STEPS[:steps]:
        line.say(step)
    line.lose()
    calls = line.connection._calls
    assert (calls.deciding, calls.due, calls._connections) == (0, {}, set())
    assert calls.responses._held == 0
    assert books.done == []


async def test_a_runner_that_ends_answers_what_is_under_way(books: Books) -> None:
    line = line_of(books)
    line.say(CALL)
    line.connection._calls.stopping = True
    line.connection.close_if_idle()
    assert not line.wire.closed
    for step in STEPS[1:3]:
        line.say(step)
    line.connection.data_received(STEPS[3])
    written = bytes(line.wire.written)
    assert response_in(said_in(written[: 4 + int.from_bytes(written[1:4])])) == AS_IT_CAME
    await settled()
    assert line.wire.closed
    assert books.done == [("settle", "r-1", EXPECTED)]


async def test_a_request_behind_a_response_is_refused_as_a_request(books: Books) -> None:
    """A response that is over never stands in for what is said to a request."""
    line = line_of(books)
    for step in STEPS:
        line.say(step)
    line.heard()
    line.connection.data_received(frame(REQUEST, b"\xff" * 40))
    assert line.wire.taken()[0] == REQUEST
    assert response_in(line.say(frame(RESPONSE, encode(ResponseCall(3, 204))))).id == 3
