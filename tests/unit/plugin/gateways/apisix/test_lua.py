"""The Lua that we ship for APISIX, run by LuaJIT: what it leaves for the log, and what it costs."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.gateways.apisix.lua import MOST_BYTES, mark_snippet, usage_snippet
from gatepass.plugin.gateways.apisix.names import REQUEST_VARIABLE
from gatepass.plugin.gateways.lua import KEPT_HEAD_BYTES, TAIL_BYTES
from gatepass.plugin.metering.usage import usage_in_tail
from support.apisix_lua import ApisixRequest
from support.apisix_usage import JSON, SECRET, STREAM, answering, left, told
from support.llm_answers import CHAT, EXPECTED, FORGED, RESPONSES, both, chat, events

HEADER_VARIABLE = "http_x_gatepass_request"


def test_a_request_that_was_let_through_is_marked_with_its_id() -> None:
    request = ApisixRequest(mark_snippet())
    request.set(HEADER_VARIABLE, b"r-1")
    request.run()
    assert request.get(REQUEST_VARIABLE) == b"r-1"


def test_without_our_header_there_is_no_mark() -> None:
    request = ApisixRequest(mark_snippet())
    request.run()
    assert request.get(REQUEST_VARIABLE) is None


def test_sec_59_of_a_refused_request_nothing_is_told() -> None:
    """Our answer ends the rewrite phase: the mark never runs, whatever the client's header says."""
    request = ApisixRequest(usage_snippet(), content_type=JSON)
    request.set(HEADER_VARIABLE, b"r-1")
    assert request.feed(b'{"usage":', 3) == 0
    request.finish(json.dumps(chat()).encode())
    assert left(request) == (None, None)


@pytest.mark.parametrize("size", [1, 7, 100, 8192, 1_000_000])
@pytest.mark.parametrize(
    "document",
    [
        chat(SECRET),
        chat(SECRET * 2_000),
        chat("\u00e9\u2602" * 2_000, service_tier="default", user="\u00e9"),
        {"output": [{"text": SECRET}], "usage": RESPONSES, "user": None, "metadata": {}},
        {"type": "message", "content": SECRET, "usage": {"input_tokens": 12, "output_tokens": 30}},
        {"usage": CHAT},
        [
            {"candidates": [SECRET], "usageMetadata": {"promptTokenCount": 1}},
            {
                "candidates": [SECRET],
                "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 30},
                "modelVersion": "gemini-3-pro",
            },
        ],
    ],
    ids=["chat", "long", "not-ascii", "responses", "anthropic", "short", "gemini"],
)
def test_a_json_answer_tells_its_usage(document: object, size: int) -> None:
    for written in both(document):
        assert told(written, size=size) == told(f"{written}\r\n", size=size) == EXPECTED


PART = {"choices": [{"delta": {"content": SECRET}}], "usage": None}
DONE = {"choices": [], "usage": CHAT}
BEGUN = {"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 12}}}
WROTE = {"type": "content_block_delta", "delta": {"text": SECRET}}
ENDED = {"type": "message_delta", "delta": {"stop_reason": "x"}, "usage": {"output_tokens": 30}}
RESPONSE = {"type": "response.completed", "response": {"output": [SECRET], "usage": RESPONSES}}


@pytest.mark.parametrize("size", [1, 77, 1_000_000])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\r\r"])
@pytest.mark.parametrize("count", [1, 300])
def test_a_stream_tells_its_usage(size: int, end: str, count: int) -> None:
    for stream in (
        events(*[PART] * count, DONE, "[DONE]", end=end),
        events(*[PART] * count, DONE, end=end),
        events(*[PART] * count, {**DONE, "x_groq": "\u00e9"}, "[DONE]", end=end),
        events(BEGUN, *[WROTE] * count, ENDED, {"type": "message_stop"}, named=True, end=end),
        events(*[WROTE] * count, RESPONSE, named=True, end=end),
        events(
            {"type": "x", "output": SECRET}, {**RESPONSE, "sequence_number": 5}, named=True, end=end
        ),
    ):
        assert told(stream, STREAM, size) == EXPECTED


def test_an_event_longer_than_what_is_kept_tells_its_usage() -> None:
    long = {"output": [SECRET * 1_000], "usage": RESPONSES, "user": None}
    stream = events({"type": "response.completed", "response": long}, named=True)
    assert told(stream, STREAM) == EXPECTED


@pytest.mark.parametrize(
    "stream",
    [
        events(*[PART] * 9),
        events(*[PART] * 9, "[DONE]"),
        events(BEGUN),
        events(BEGUN, WROTE, named=True),
        events(DONE)[:-30],
        "data: [DONE]\n\n",
        "\n\n",
        "",
    ],
)
def test_a_stream_without_an_end_or_a_usage_says_nothing(stream: str) -> None:
    assert told(stream, STREAM) is None


def test_a_stream_that_the_client_cuts_off_says_nothing() -> None:
    """APISIX never gives the filter its last piece then."""
    request = answering(STREAM)
    request.feed(events(DONE).encode(), 3)
    assert left(request) == (None, None)


@pytest.mark.parametrize("pad", [0, 9_000])
def test_sec_59_what_a_model_writes_never_counts(pad: int) -> None:
    for text in (FORGED, f"\n\ndata: {FORGED}\n\n", FORGED[1:-1], '"usage"', '","usage":{}'):
        for written in both({**chat(text + "x" * pad + text), "usage": None}):
            assert told(written) is None
        for written in both(chat("x" * pad + text)):
            assert told(written) == EXPECTED
        delta = {"choices": [{"delta": {"content": text}}]}
        assert told(events(*[delta] * (1 + pad // 100), "[DONE]"), STREAM) is None
        assert told(events(delta, DONE, delta), STREAM) == EXPECTED


def test_sec_59_an_event_that_pretends_to_begin_a_message() -> None:
    assert told(events({**BEGUN, "usage": {"output_tokens": 0}}), STREAM) is None
    begun = {"type": "message_start", "message": {"usage": {"input_tokens": 12}}}
    text = json.dumps({"text": json.dumps(begun)})
    assert told(events(text, {**ENDED, "type": "message_delta"}), STREAM) is None


@pytest.mark.parametrize(
    "written",
    [
        json.dumps({"usage": {**CHAT, "padding": "x" * MOST_BYTES}}),
        json.dumps({"usage": CHAT, "padding": "x" * TAIL_BYTES}),
        json.dumps({"text": "x" * 20_000}),
        json.dumps({"usage": CHAT})[:-1],
        "{",
        "",
        '"usage"',
    ],
)
def test_what_says_nothing_that_can_be_read(written: str) -> None:
    assert told(written) is None


@given(st.lists(st.binary(max_size=3_000), max_size=12), st.sampled_from([JSON, STREAM]))
def test_whatever_comes_nothing_but_ascii_is_left(chunks: list[bytes], kind: str) -> None:
    told(b"".join(chunks), kind, 1_000)
    told(b"".join(chunks) + b',"usage":' + b"".join(chunks), kind, 1_000)


@pytest.mark.parametrize(
    "octets",
    [
        b"{" * 100_000,
        b"," * 100_000,
        b", " * 50_000,
        b"," + b" " * 100_000,
        b'{"usage' * 20_000,
        b'{"usage\n' * 20_000,
        b'data:"type"' * 10_000,
        b'data: "type"      :' * 10_000,
        b"\xff" * 100_000,
        b'{"usage":{"' + b"\\" * 100_000,
        b'{"usage":{"":' * 10_000,
        b'{"usage":{},"usage":"' * 5_000,
    ],
)
def test_no_text_takes_long(octets: bytes) -> None:
    begun = time.process_time()
    for kind in (JSON, STREAM):
        told(octets, kind, 8_192)
        told(octets + b'{"usage', kind, 8_192)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("chunk", "times"),
    [(b"x", 1_000_000), (b"y" * 100, 10_000), (b"z" * 20_000_000, 3), (b"w" * 8_191, 1_000)],
)
def test_memory_is_bounded_whatever_the_chunks(chunk: bytes, times: int) -> None:
    request = answering(STREAM)
    assert request.feed(chunk, times) <= KEPT_HEAD_BYTES + 3 * TAIL_BYTES + 64 * 40
    request.finish(b"\n" + events(DONE).encode())
    tail, head = left(request)
    assert usage_in_tail(tail or b"", head or b"") == EXPECTED


def test_chunks_that_another_plugin_took_away_do_no_harm() -> None:
    request = answering()
    request.feed(None)
    request.feed(b"")
    request.feed(json.dumps(chat()).encode())
    request.finish(None)
    tail, _ = left(request)
    assert usage_in_tail(tail or b"") == EXPECTED


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/png", "", "x-application/json", "multipart/mixed"]
)
def test_nothing_is_kept_of_other_content(content_type: str) -> None:
    request = answering(content_type)
    assert request.feed(b"x" * 10_000, 3) == 0
    request.finish(json.dumps(chat()).encode())
    assert left(request) == (None, None)


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity", ""])
def test_nothing_is_kept_of_what_is_encoded(encoding: str) -> None:
    request = answering(content_encoding=encoding)
    assert request.feed(b"\x1f\x8b", 3) == 0
    request.finish()
    assert left(request) == (None, None)


@pytest.mark.parametrize("content_type", ["Application/JSON", "TEXT/Event-Stream;charset=utf-8"])
def test_the_letter_case_of_a_content_type_is_no_matter(content_type: str) -> None:
    assert told(events(DONE) if "Event" in content_type else json.dumps(chat()), content_type)


def test_both_pieces_are_plain_text() -> None:
    for piece in (mark_snippet(), usage_snippet()):
        assert "@" not in piece
        assert piece.isascii()
        assert piece.endswith("end\n")
        assert max(map(len, piece.splitlines())) < 100
