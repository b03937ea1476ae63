"""Usage in streams of events, of which only the ends are kept."""

from collections.abc import Mapping
from typing import Any

import pytest

from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_tail
from support.llm_answers import CHAT, EXPECTED, RESPONSES, TAIL, events, read


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n"])
def test_what_a_stream_says(end: str) -> None:
    chunks = [{"choices": [{"delta": {"content": "ab" * 40}}], "usage": None}] * 200
    final = {"choices": [], "usage": CHAT}
    assert read(events(*chunks, final, "[DONE]", end=end)) == EXPECTED
    assert read(events(final, "[DONE]", end=end)) == EXPECTED
    assert read(events(*chunks, "[DONE]", end=end)) is None


def test_the_last_report_of_a_stream_counts() -> None:
    """Gemini and some others report what has been used so far, again and again."""
    early = {"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 1}}
    late = {"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 30}}
    assert read(events(early, late)) == EXPECTED


@pytest.mark.parametrize("size", [10, 20_000])
def test_the_last_event_of_the_responses_api_holds_the_whole_answer(size: int) -> None:
    delta = {"type": "response.output_text.delta", "delta": "usage"}
    response = {"status": "completed", "output": "z" * size, "tools": [], "usage": RESPONSES}
    done = {"type": "response.completed", "response": {**response, "user": None, "metadata": {}}}
    assert read(events(delta, done, named=True)) == EXPECTED


@pytest.mark.parametrize("size", [10, 20_000])
def test_sec_59_what_a_client_sent_never_counts_as_a_response(size: int) -> None:
    """Of an event that is cut nobody sees what stands around its usage."""
    usage = {"prompt_tokens": 900_000, "completion_tokens": 50_000}
    cheap = {"prompt_tokens": 1, "completion_tokens": 1}
    chunk: dict[str, Any] = {"choices": [], "usage": None}
    deeper: list[dict[str, Any]] = [
        {"metadata": {"usage": cheap}},
        {"a": {"response": {}, "usage": cheap}},
    ]
    for members in deeper:
        event = {"choices": [], "usage": usage, "pad": "z" * size, **members}
        expected = Usage(900_000, 50_000) if size == 10 else None
        assert read(events(chunk, event, "[DONE]")) == expected
        assert read(events(event, "[DONE]")) == expected


START: Mapping[str, Any] = {
    "type": "message_start",
    "message": {
        "content": [],
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 3,
            "cache_read_input_tokens": 4,
            "output_tokens": 1,
        },
    },
}
DELTAS = [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": "cd" * 30}}]
STOP = {"type": "message_stop"}


def stopped(**usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}


@pytest.mark.parametrize("deltas", [1, 300])
@pytest.mark.parametrize(
    "usage",
    [
        {"output_tokens": 30},
        {"output_tokens": 30, "input_tokens": None},
        {"output_tokens": 30, "input_tokens": 5},
        {"output_tokens": 30, "input_tokens": 9, "cache_creation_input_tokens": 2},
    ],
)
def test_anthropics_input_stands_in_the_first_event(deltas: int, usage: dict[str, object]) -> None:
    stream = events(START, *DELTAS * deltas, stopped(**usage), STOP, named=True)
    written = 2 if "cache_creation_input_tokens" in usage else 3
    asked = 15 if "cache_creation_input_tokens" in usage else 12
    expected = Usage(asked, 30, cached_tokens=4, cache_write_tokens=written)
    assert read(stream) == expected


def test_without_the_first_event_the_last_one_must_say_all() -> None:
    deltas = DELTAS * 300
    for usage, expected in (
        ({"output_tokens": 30}, None),
        ({"output_tokens": 30, "input_tokens": 12}, EXPECTED),
    ):
        stream = events(START, *deltas, stopped(**usage), STOP, named=True).encode()
        assert usage_in_tail(stream[-TAIL:]) == expected
        assert usage_in_tail(stream[-TAIL:], stream[:60]) == expected


@pytest.mark.parametrize("deltas", [0, 1, 300])
def test_a_stream_that_was_cut_off_says_nothing(deltas: int) -> None:
    """Its first event counts one token of output: whoever hangs up would pay for one."""
    assert read(events(START, *DELTAS * deltas, named=True)) is None
