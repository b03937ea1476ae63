"""The Lua that we ship for APISIX: where a usage must stand to count, and what stands behind it."""

import json

import pytest

from gatepass.plugin.gateways.apisix.lua import MOST_BYTES
from gatepass.plugin.metering.prices import Usage
from support.apisix_usage import SECRET, STREAM, told
from support.llm_answers import EXPECTED, FORGED, RESPONSES, both, chat, events

PART = {"choices": [{"delta": {"content": SECRET}}], "usage": None}


def test_sec_59_what_an_upstream_repeats_of_the_request_never_counts() -> None:
    """Wherever it stands, and however long it is: the usage itself is told, and nothing else."""
    forged = json.loads(FORGED)
    for members in ({"metadata": forged}, {"tools": [forged]}, {"a": {"b": forged}}):
        response = {"output": [], "usage": RESPONSES, **members}
        for written in (*both(response), json.dumps({**members, "usage": RESPONSES})):
            assert told(written) == EXPECTED
        event = {"type": "response.completed", "response": response}
        for named in (False, True):
            assert told(events(event, named=named), STREAM) == EXPECTED
        assert told(events({"response": response, "type": event["type"]}), STREAM) == EXPECTED


@pytest.mark.parametrize("pad", [0, 100, MOST_BYTES, 7_000])
@pytest.mark.parametrize("before", [0, 9_000])
def test_sec_59_what_a_client_wrote_behind_the_usage_neither_hides_it_nor_leaves(
    pad: int, before: int
) -> None:
    metadata = {"a": ']}{["' + SECRET, "usage": {"x": [{}]}, "b": "\\" * (pad // 2)}
    response = {"output": ["y" * before], "usage": RESPONSES, "user": None, "metadata": metadata}
    assert told(json.dumps(response)) == EXPECTED
    event = {"type": "response.completed", "response": response}
    assert told(events(event), STREAM) == EXPECTED


@pytest.mark.parametrize("before", [0, 9_000])
def test_sec_59_only_the_responses_api_has_a_response_around_its_usage(before: int) -> None:
    """Any member that a client sent, and the upstream repeats, could be what is open there."""
    usage = {"prompt_tokens": 900_000, "completion_tokens": 50_000}
    cheap = {"prompt_tokens": 1, "completion_tokens": 1}
    for members in (
        {"metadata": {"usage": cheap}},
        {"response": {"usage": cheap}},
        {"metadata": {"response": {}, "usage": cheap}},
        {"metadata": {"type": "response.completed", "usage": cheap}},
    ):
        event = {"id": "c" * before, "choices": [], "usage": usage, **members}
        assert told(events(PART, event, "[DONE]"), STREAM) == Usage(900_000, 50_000)
        del event["usage"]
        assert told(events(PART, event, "[DONE]"), STREAM) is None
        assert told(json.dumps(event)) is None


@pytest.mark.parametrize("behind", ["x", "}", "]", ",", '"', '{"a":1}', "\n{}"])
def test_sec_59_a_document_that_does_not_end_with_its_usages_brackets(behind: str) -> None:
    assert told(json.dumps(chat()) + behind) is None
