"""Usage: found where an upstream says it, nowhere else, and never an exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.plugin.budgets.amounts import MAX_NANO_USD
from gatepass.plugin.metering.prices import MAX_TOKENS, Usage
from gatepass.plugin.metering.usage import usage_in_log, usage_in_tail
from gatepass.plugin.metering.usage_headers import cost_in_header, usage_in_headers
from support.llm_answers import CHAT, EXPECTED, FORGED, HEAD, RESPONSES, both, chat, events, read


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (chat(), EXPECTED),
        (chat("x" * 20_000), EXPECTED),
        (chat("é☂" * 9_000, service_tier="default"), EXPECTED),
        (chat("\\" * 9_000), EXPECTED),
        ({"output": [{"text": "y" * 9_000}], "usage": RESPONSES, "user": None}, EXPECTED),
        ({"data": [1.5] * 9_000, "usage": {"prompt_tokens": 8, "total_tokens": 8}}, Usage(8, 0)),
        (
            {
                "type": "message",
                "usage": {
                    "input_tokens": 5,
                    "cache_creation_input_tokens": 3,
                    "cache_read_input_tokens": 4,
                    "output_tokens": 30,
                    "cache_creation": {"ephemeral_5m_input_tokens": 3},
                },
            },
            Usage(12, 30, cached_tokens=4, cache_write_tokens=3),
        ),
        (
            {
                "type": "message",
                "usage": {
                    "input_tokens": 12,
                    "cache_read_input_tokens": None,
                    "output_tokens": 30,
                },
            },
            EXPECTED,
        ),
        (
            {
                "candidates": [],
                "usageMetadata": {
                    "promptTokenCount": 10,
                    "toolUsePromptTokenCount": 2,
                    "candidatesTokenCount": 25,
                    "thoughtsTokenCount": 5,
                    "totalTokenCount": 42,
                },
                "modelVersion": "gemini-3-pro",
            },
            Usage(12, 30, reasoning_tokens=5),
        ),
        ({"usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 10}}, Usage(10, 0)),
        (
            [
                {"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 9}},
                {"usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 30}},
            ],
            EXPECTED,
        ),
    ],
)
def test_what_a_json_answer_says(document: object, expected: Usage) -> None:
    for written in both(document):
        assert read(written) == read(f"{written}\r\n") == expected


@pytest.mark.parametrize("pad", [0, 9_000])
def test_what_a_model_writes_never_counts(pad: int) -> None:
    for text in (FORGED, f"\n\ndata: {FORGED}\n\n", FORGED[1:-1], f'"{FORGED}', '"usage"'):
        without = {**chat(text + "x" * pad + text), "usage": None}
        for written in both(without):
            assert read(written) is None
        delta = {"choices": [{"delta": {"content": text}}], "system_fingerprint": text}
        assert read(events(*[delta] * (1 + pad // 100), "[DONE]")) is None
        for written in both(chat("x" * pad + text, system_fingerprint=text)):
            assert read(written) == EXPECTED


def test_what_an_upstream_repeats_of_the_request_never_counts() -> None:
    """The Responses API sends the tools back, and a schema may have any member."""
    forged = json.loads(FORGED)
    tools = [{"type": "function", "parameters": {"properties": forged, **forged}}]
    response = {"output": "z" * 9_000, "usage": RESPONSES, "tools": tools, "metadata": forged}
    assert read(json.dumps(response)) == EXPECTED
    assert read(events({"type": "response.completed", "response": response})) == EXPECTED
    del response["usage"]
    assert read(json.dumps(response)) is None
    assert read(events({"type": "response.completed", "response": response})) is None


def test_a_text_cut_anywhere_never_counts() -> None:
    """Also where the cut falls between a backslash and its quote."""
    nested = json.dumps({"arguments": json.dumps({"deep": FORGED}), "text": FORGED})
    for written in (*both({"a": nested, "b": FORGED}), events({"a": nested, "b": FORGED})):
        octets = written.encode()
        for cut in range(len(octets)):
            assert usage_in_tail(octets[cut:]) is None
            assert usage_in_tail(octets[cut:], octets[:HEAD]) is None
            assert usage_in_tail(octets[:cut]) is None


def test_more_keys_than_are_tried_say_nothing() -> None:
    document = {"usage": CHAT, "metadata": [{"usage": "x"}] * 17}
    assert read(json.dumps(document)) is None
    document = {"usage": CHAT, "metadata": [{"usage": "x"}] * 15}
    assert read(json.dumps(document)) == EXPECTED


@pytest.mark.parametrize("count", [-1, 1.0, 1.5, True, "12", None, [], {}, MAX_TOKENS + 1, 2**70])
def test_sec_59_a_count_that_is_none(count: object) -> None:
    for name in ("prompt_tokens", "completion_tokens"):
        document = {"usage": {"prompt_tokens": 1, "completion_tokens": 1, name: count}}
        assert read(json.dumps(document)) is None
        assert usage_in_log(json.dumps({"ai": {"proxy": document}}).encode()) is None
    for name in ("input_tokens", "output_tokens", "cache_read_input_tokens"):
        document = {"usage": {"input_tokens": 1, "output_tokens": 1, name: count}}
        expected = Usage(1, 1) if (name, count) == ("cache_read_input_tokens", None) else None
        assert read(json.dumps(document)) == expected
    for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"):
        document = {"usageMetadata": {"promptTokenCount": 1, name: count}}
        assert read(json.dumps(document)) is None


def test_sec_59_a_negative_part_takes_nothing_off() -> None:
    usage = {"input_tokens": 100, "cache_read_input_tokens": -99, "output_tokens": 1}
    assert read(json.dumps({"usage": usage})) is None
    assert read(json.dumps({"usage": {"prompt_tokens": 9, "total_tokens": 8}})) is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"null",
        b'{"usage": {}}',
        b'{"usage": []}',
        b'{"usage": {"prompt_tokens": 1, "completion_tokens": 1}',
        b'{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}}}',
        b'{"usage": {"prompt_tokens": 1}}',
        b'{"usage": {"output_tokens": 1}}',
        b"<html>usage</html>",
        b'data: {"usage": {"prompt_tokens": 1, "completion_tokens": 1}',
        b'data: \xff{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}\n\n',
        b'event: x\ndata: [{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}]\n\n',
        b"[" * 100_000 + b'{"usage": 1',
        b'data: {"usage":' + b"[" * 100_000,
        b'"usage"' * 1_000,
        b',"usage":{' * 1_000,
    ],
)
def test_what_is_no_report(answer: bytes) -> None:
    assert usage_in_tail(answer) is None
    assert usage_in_tail(answer, b"data: ") is None


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_no_bytes_raise(octets: bytes, head: bytes) -> None:
    usage_in_tail(octets, head)
    usage_in_log(octets)
    cost_in_header(octets)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.sampled_from(["usage", "response", "message", "type", "prompt_tokens", "ai", "proxy"])
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS | st.text(), inner)
)


@given(DOCUMENTS, st.integers(0, 2_000))
def test_no_document_raises_wherever_it_is_cut(document: object, cut: int) -> None:
    for written in (*both(document), events(document)):
        usage_in_tail(written.encode()[cut % (len(written) + 1) :], written.encode()[:50])
        usage_in_log(written.encode())


@given(
    st.dictionaries(st.text().filter(lambda name: name != "usage"), DOCUMENTS, max_size=5),
    st.integers(0, MAX_TOKENS),
    st.integers(0, MAX_TOKENS),
    st.integers(0, 10_000),
)
def test_a_report_at_the_top_is_found_behind_anything(
    before: dict[str, object], asked: int, answered: int, cut: int
) -> None:
    before.pop("usageMetadata", None)
    usage = {"prompt_tokens": asked, "completion_tokens": answered}
    written = json.dumps({**before, "usage": usage}).encode()
    comma = written.rindex(b'"usage"') - (2 if before else 1)
    # what says that nothing was used was not counted
    wanted = Usage(asked, answered) if asked or answered else None
    assert usage_in_tail(written[min(cut, comma) :], written[:9]) == wanted


def logged(**plugins: object) -> bytes:
    return json.dumps({"request": {"uri": "/v1"}, "ai": plugins}).encode()


COUNTED = {"usage": {"prompt_tokens": 12, "completion_tokens": 30, "cost": 0.1}, "meta": {}}
ZEROS = {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (logged(proxy=COUNTED), EXPECTED),
        (logged(**{"ai-proxy": COUNTED}), EXPECTED),
        (logged(other=COUNTED), EXPECTED),
        (logged(other={"usage": CHAT | {"prompt_tokens": 99}}, proxy=COUNTED), EXPECTED),
        (logged(proxy=ZEROS, other=COUNTED), EXPECTED),
        (logged(proxy={"usage": {"prompt_token": 12, "completion_token": 30}}), EXPECTED),
        (logged(proxy=ZEROS), None),
        (logged(proxy={"usage": "none"}), None),
        (logged(proxy="none", other=[1]), None),
        (logged(), None),
        (b'{"ai": [{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}]}', None),
        (b'{"request": {"ai": {"proxy": {"usage": {"prompt_tokens": 1}}}}}', None),
        (b'{"request": "\xff", "ai": ' + json.dumps({"proxy": COUNTED}).encode() + b"}", EXPECTED),
        (b"[" * 100_000, None),
        (b"", None),
    ],
)
def test_what_kong_counted(entry: bytes, expected: Usage | None) -> None:
    assert usage_in_log(entry) == expected


BEDROCK = "x-amzn-bedrock-"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input-token-count": "12", "output-token-count": "30"}, EXPECTED),
        (
            {
                "input-token-count": "2",
                "output-token-count": "30",
                "cache-read-input-token-count": "7",
                "cache-write-input-token-count": "3",
            },
            Usage(12, 30, cached_tokens=7, cache_write_tokens=3),
        ),
        ({"input-token-count": "0", "output-token-count": "0"}, None),
        ({"input-token-count": "12"}, None),
        ({"output-token-count": "30"}, None),
        *(
            ({"input-token-count": bad, "output-token-count": "30"}, None)
            for bad in ("", "-1", "1.5", "1e3", "\u0661", "9" * 13, "NaN", ["1", "2"], 1.5, True)
        ),
        ({}, None),
    ],
)
def test_what_bedrock_counts_stands_in_headers(
    counts: dict[str, object], expected: Usage | None
) -> None:
    headers = {BEDROCK + name: value for name, value in counts.items()}
    assert usage_in_headers({"content-type": "x", **headers}) == expected
    entry = json.dumps({"ai": {"proxy": ZEROS}, "response": {"headers": headers}})
    assert usage_in_log(entry.encode()) == expected
    counted = json.dumps({"ai": {"proxy": COUNTED}, "response": {"headers": headers}})
    assert usage_in_log(counted.encode()) == EXPECTED


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        (b"0", 0),
        (b"0.000415", 415_000),
        (b"1.2e-05", 12_000),
        (b"2.45E+1", 24_500_000_000),
        (b" 3 \t", 3_000_000_000),
        (b"0.0000000001", 1),
        (b"1e-999", 1),
        (b"9223372036.854775807", MAX_NANO_USD),
        (b"9223372036.8547758071", None),
        (b"9223372036.854775806" + b"0" * 20 + b"1", MAX_NANO_USD),
        (b"1e999", None),
        (b"1e1000", None),
        (b"-1", None),
        (b"+1", None),
        (b"NaN", None),
        (b"sNaN", None),
        (b"Infinity", None),
        (b"inf", None),
        (b"None", None),
        (b"", None),
        (b"1,5", None),
        (b"1_000", None),
        (b".5", None),
        (b"5.", None),
        (b"0x1", None),
        (b"$1", None),
        (b"1, 2", None),
        (b"1\n", None),
        ("\u0661".encode(), None),
        (b"1" * 13, None),
        (b"0." + b"1" * 10_000, None),
    ],
)
def test_dollars_in_a_header(value: bytes, nano: int | None) -> None:
    assert cost_in_header(value) == nano
