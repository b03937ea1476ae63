"""The Lua that we ship, run by LuaJIT: the guard lets nobody else pass, the tail costs little."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.decision import error_body
from gatepass.plugin.gateways.kong.lua import guard, usage_snippet
from gatepass.plugin.gateways.kong.marker import MARKER, RESPONSE_HEAD, RESPONSE_TAIL
from gatepass.plugin.gateways.lua import KEPT_HEAD_BYTES, TAIL_BYTES
from gatepass.plugin.metering.event_stream import CONTENT_TYPE
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_tail
from gatepass.plugin.reasons import Reason
from support.amazon_events import written
from support.llm_answers import CHAT, events
from support.lua import LuaRequest

OURS = '"v1:0123-request-id"'
HOSTILE = [
    "nil",
    "true",
    "false",
    '""',
    '"v1:"',
    '"v1"',
    '"v0:x"',
    '"V1:x"',
    '" v1:x"',
    '"xv1:x"',
    '"NULL_VALUE"',
    '"\\0v1:x"',
    "0",
    "1",
    "1/0",
    "{}",
    '{"v1:x"}',
    'setmetatable({}, {__tostring = function() return "v1:x" end})',
    'function() return "v1:x" end',
]
"""What may stand there without us: nothing, another plugin's value, a null of ours gone wrong."""


@pytest.mark.parametrize("marker", HOSTILE)
def test_sec_41_the_guard_answers_503_without_our_marker(marker: str) -> None:
    request = LuaRequest(guard())
    request.share(MARKER, marker)
    for _ in range(2):
        answer = request.run()
        assert answer is not None
        assert answer.status == 503
        assert answer.body == error_body(Reason.INTERNAL)
        assert json.loads(answer.body)["error"]["code"] == "internal_error"
        assert answer.headers == {b"Content-Type": b"application/json"}


@pytest.mark.parametrize("marker", [OURS, '"v1:x"', '"v1:" .. string.rep("x", 10000)'])
def test_the_guard_lets_pass_what_we_marked(marker: str) -> None:
    request = LuaRequest(guard())
    request.share(MARKER, marker)
    assert request.run() is None


def answering(content_type: str = "application/json", **headers: str) -> LuaRequest:
    request = LuaRequest(usage_snippet(), content_type=content_type, **headers)
    request.share(MARKER, OURS)
    return request


def kept(request: LuaRequest) -> tuple[bytes | None, bytes | None]:
    return request.shared(RESPONSE_HEAD), request.shared(RESPONSE_TAIL)


@given(st.lists(st.binary(max_size=3_000), max_size=30), st.binary(max_size=20_000))
def test_the_ends_are_kept_however_they_come(chunks: list[bytes], last: bytes) -> None:
    request = answering()
    for chunk in chunks:
        request.feed(chunk)
    request.finish(last)
    whole = b"".join(chunks) + last
    head, tail = kept(request)
    assert (head or b"", tail) == (whole[:KEPT_HEAD_BYTES], whole[-TAIL_BYTES:])


@pytest.mark.parametrize(
    ("chunk", "times"),
    [(b"x", 1_000_000), (b"y" * 100, 10_000), (b"z" * 20_000_000, 3), (b"w" * 8_191, 1_000)],
)
def test_memory_is_bounded_whatever_the_chunks(chunk: bytes, times: int) -> None:
    request = answering("text/event-stream; charset=utf-8")
    assert request.feed(chunk, times) <= KEPT_HEAD_BYTES + 3 * TAIL_BYTES + 64 * 40
    request.finish(b"the end")
    head, tail = kept(request)
    assert head == (chunk[:KEPT_HEAD_BYTES] * KEPT_HEAD_BYTES)[:KEPT_HEAD_BYTES]
    assert tail is not None
    assert len(tail) == TAIL_BYTES
    assert tail.endswith(chunk[-100:] + b"the end")


def test_sec_59_what_the_client_cut_off_says_nothing_of_the_cost() -> None:
    """A running count would be less than the upstream bills, which may even write on."""
    request = answering()
    request.feed(b"x" * 100, 1_000)
    assert request.shared(RESPONSE_TAIL) is None


def test_chunks_that_another_plugin_took_away_do_no_harm() -> None:
    request = answering()
    request.feed(None)
    request.feed(b"")
    request.feed(b"{}")
    request.finish(None)
    assert kept(request) == (b"{}", b"{}")


@pytest.mark.parametrize("marker", HOSTILE)
def test_nothing_is_kept_of_a_request_that_is_not_ours(marker: str) -> None:
    request = answering()
    request.share(MARKER, marker)
    assert request.feed(b"{}", 3) == 0
    request.share(MARKER, OURS)
    request.finish()
    assert kept(request) == (None, None)


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/png", "", "x-application/json", "multipart/mixed"]
)
def test_nothing_is_kept_of_other_content(content_type: str) -> None:
    request = answering(content_type)
    assert request.feed(b"x" * 10_000, 3) == 0
    request.finish()
    assert kept(request) == (None, None)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", ""])
def test_nothing_is_kept_of_what_is_encoded(encoding: str) -> None:
    request = answering(content_encoding=encoding)
    request.feed(b"\x1f\x8b", 3)
    request.finish()
    assert kept(request) == (None, None)


@pytest.mark.parametrize("content_type", ["Application/JSON", "TEXT/Event-Stream;charset=utf-8"])
def test_the_letter_case_of_a_content_type_is_no_matter(content_type: str) -> None:
    request = answering(content_type)
    request.finish(b"{}")
    assert kept(request) == (b"{}", b"{}")


def test_a_stream_gives_its_usage_to_the_log_phase() -> None:
    stream = events(*[{"choices": [{"delta": "x" * 50}], "usage": None}] * 500, {"usage": CHAT})
    request = answering("text/event-stream")
    for start in range(0, len(stream), 77):
        request.feed(stream[start : start + 77].encode())
    request.finish()
    head, tail = kept(request)
    assert usage_in_tail(tail or b"", head or b"") == Usage(12, 30)


def test_amazons_binary_stream_gives_its_usage_to_the_log_phase() -> None:
    text = "x" * 50
    delta = f'contentBlockDelta {{"delta":{{"text":"{text}"}}}}'
    last = 'metadata {"usage":{"inputTokens":12,"outputTokens":30}}'
    stream = written("\n".join([*[delta] * 300, last]))
    request = answering(CONTENT_TYPE)
    for start in range(0, len(stream), 77):
        request.feed(stream[start : start + 77])
    request.finish()
    head, tail = kept(request)
    assert usage_in_tail(tail or b"", head or b"") == Usage(12, 30)
