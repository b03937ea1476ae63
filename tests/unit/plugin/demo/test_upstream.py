"""The demo's upstream: OpenAI's shape, and a memory that the tour can trust."""

import httpx

from gatepass.plugin.demo.upstream import SEEN_PATH


def test_a_chat_completion_has_usage_that_adds_up(upstream: httpx.Client) -> None:
    answer = upstream.post("/v1/chat/completions", json={"model": "gpt-4o-mini"}).json()
    assert (answer["object"], answer["model"]) == ("chat.completion", "gpt-4o-mini")
    assert answer["choices"][0]["message"]["role"] == "assistant"
    usage = answer["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"] > 0


def test_the_memory_keeps_repeated_headers_and_is_handed_out_once(upstream: httpx.Client) -> None:
    upstream.get("/v1/models?page=2", headers=[("X-Twice", "1"), ("x-twice", "2"), ("A_b", "3")])
    (seen,) = upstream.get(SEEN_PATH).json()["requests"]
    assert (seen["method"], seen["path"]) == ("GET", "/v1/models")
    assert [pair for pair in seen["headers"] if pair[0].lower() == "x-twice"] == [
        ["X-Twice", "1"],
        ["x-twice", "2"],
    ]
    assert ["A_b", "3"] in seen["headers"]
    assert upstream.get(SEEN_PATH).json()["requests"] == []
