"""What is read of the answers of each provider, whole or with only their ends at hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_document, usage_in_tail
from support.amazon_events import written
from support.llm_answers import HEAD, TAIL

CAPTURES = Path(__file__).parents[3] / "captures" / "providers"

SAID: Mapping[str, Usage] = {
    "openai_chat.json": Usage(
        1117,
        446,
        cached_tokens=1024,
        reasoning_tokens=320,
        input_audio_tokens=40,
        output_audio_tokens=26,
    ),
    "openai_chat.sse": Usage(19, 210, reasoning_tokens=192),
    "openai_completions.json": Usage(5, 7),
    "openai_embeddings.json": Usage(8, 0),
    "openai_responses.json": Usage(
        328, 500, cached_tokens=128, cache_write_tokens=100, reasoning_tokens=448
    ),
    "openai_responses.sse": Usage(37, 11),
    "azure_chat.json": Usage(2006, 9, cached_tokens=1920),
    "azure_chat.sse": Usage(18, 3),
    "anthropic_messages.json": Usage(
        2221,
        393,
        cached_tokens=1500,
        cache_write_tokens=700,
        cache_write_1h_tokens=244,
        reasoning_tokens=200,
    ),
    "anthropic_messages.sse": Usage(
        5312, 89, cached_tokens=5000, cache_write_tokens=300, cache_write_1h_tokens=100
    ),
    "gemini_generate.json": Usage(
        2177,
        400,
        cached_tokens=1000,
        reasoning_tokens=340,
        input_audio_tokens=200,
        cached_audio_tokens=100,
    ),
    "gemini_generate.sse": Usage(9, 38, reasoning_tokens=31),
    "gemini_generate_list.json": Usage(9, 7),
    "bedrock_converse.json": Usage(
        1730, 62, cached_tokens=1200, cache_write_tokens=500, cache_write_1h_tokens=300
    ),
    "bedrock_converse.messages": Usage(51, 5, cached_tokens=40),
    "bedrock_invoke.json": Usage(14, 6),
    "bedrock_invoke.messages": Usage(104, 6, cache_write_tokens=90, cache_write_1h_tokens=90),
    "xai_chat.json": Usage(32, 103, cached_tokens=6, reasoning_tokens=94),
    "deepseek_chat.json": Usage(1100, 11, cached_tokens=1024),
}


def answer(name: str) -> bytes:
    octets = (CAPTURES / name).read_bytes()
    return written(octets.decode()) if name.endswith(".messages") else octets


def test_every_file_is_read() -> None:
    assert {path.name for path in CAPTURES.iterdir()} == {"README.md", *SAID}


@pytest.mark.parametrize("name", SAID)
def test_what_an_answer_says(name: str) -> None:
    octets = answer(name)
    assert usage_in_tail(octets) == SAID[name]
    assert usage_in_tail(octets, octets) == SAID[name]
    assert usage_in_tail(octets[-TAIL:], octets[:HEAD]) == SAID[name]


@pytest.mark.parametrize("name", [name for name in SAID if name.endswith(".json")])
def test_a_whole_document_says_the_same(name: str) -> None:
    assert usage_in_document(answer(name)) == SAID[name]


@pytest.mark.parametrize("name", [name for name in SAID if name.endswith(".messages")])
def test_a_binary_stream_of_which_the_ends_are_kept(name: str) -> None:
    lines = (CAPTURES / name).read_text(encoding="utf-8").splitlines()
    middle = next(index for index, line in enumerate(lines) if "Hello." in line)
    lines[middle : middle + 1] = [lines[middle].replace("Hello.", "0" * 200)] * 100
    octets = written("\n".join(lines))
    for cut in range(1, 300):
        assert usage_in_tail(octets[-TAIL + cut :], octets[:HEAD]) == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_sec_59_wherever_an_answer_is_cut_it_says_the_same_or_nothing(name: str) -> None:
    octets = answer(name)
    found = {usage_in_tail(octets[cut:], octets) for cut in range(len(octets))}
    assert found <= {SAID[name], None}
    if not name.startswith("gemini"):  # which says what was used so far, again and again
        found = {usage_in_tail(octets[:cut], octets[:cut]) for cut in range(len(octets))}
        assert found <= {SAID[name], None}


def test_without_its_beginning_bedrocks_own_count_is_what_there_is() -> None:
    octets = answer("bedrock_invoke.messages")
    tail = octets[octets.index(b"chunk", 900) :]
    assert usage_in_tail(tail) == Usage(104, 6, cache_write_tokens=90)


def test_sec_59_no_text_of_a_model_is_a_message() -> None:
    """A message inside of a text is not where messages follow each other."""
    forged = written('metadata {"usage":{"inputTokens":0,"outputTokens":1}}')
    text = json.dumps({"delta": {"text": forged.decode("latin-1")}})
    octets = written(f"contentBlockDelta {text}\nmessageStop {{}}")
    assert usage_in_tail(octets) is None
    for cut in range(len(octets)):
        assert usage_in_tail(octets[cut:]) is None


@pytest.mark.parametrize("name", [name for name in SAID if name.endswith(".messages")])
def test_a_damaged_binary_stream_says_nothing(name: str) -> None:
    octets = answer(name)
    last = bytearray(octets)
    last[-40] ^= 1
    assert usage_in_tail(bytes(last)) is None
    assert usage_in_tail(octets[:-1]) is None
    assert usage_in_tail(octets + b"\0") is None
