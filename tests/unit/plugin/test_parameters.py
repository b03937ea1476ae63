"""What an upstream would obey over our verdict, wherever in a request it stands."""

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.parameters import (
    MAX_LISTED_MODELS,
    MODEL_PARAMETERS,
    batched,
    listed_models,
    nested_models,
)
from gatepass.plugin.query import names_denied

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("members", "models"),
    [
        ({}, set()),
        ({"messages": [{"model": "o1"}], "metadata": {"model": "o1"}}, set()),
        ({"tools": [{"type": "image_generation", "model": "gpt-image-1"}]}, {"gpt-image-1"}),
        ({"tools": [{"function": {"parameters": {"properties": {"model": {}}}}}]}, set()),
        ({"tools": [{"input_schema": {"properties": {"api_base": {}}}}]}, set()),
        ({"session": {"tools": [{"parameters": {"model": "x"}}], "model": "m"}}, {"m"}),
        ({"rerank": {"model": "a"}, "completion": {"model": "b"}}, {"a", "b"}),
        ({"ingest_options": {"embedding": {"MODEL": "a"}}}, {"a"}),
        ({"request_body": {"model": None}}, set()),
        ({"input_audio_transcription": {"model": "o1"}}, {"o1"}),
        ({"audio": {"input": {"transcription": {"model": "o1"}}}}, {"o1"}),
        ({"session": {"audio": {"input": {"transcription": {"model": "o1"}}}}}, {"o1"}),
        ({"audio": {"voice": "alloy", "format": "mp3"}}, set()),
        ({"plugins": [{"id": "fusion", "model": "o1"}, {"id": "web", "max_results": 1}]}, {"o1"}),
        ({"method": {"reinforcement": {"grader": {"type": "multi", "model": "o1"}}}}, {"o1"}),
        ({"method": "message/send"}, set()),
        ({"grader": {"graders": {"first": {"model": "o1"}}}}, {"o1"}),
        ({"testing_criteria": [{"type": "label_model", "model": "o1"}]}, {"o1"}),
        ({"session": "o1"}, set()),
    ],
)
def test_sec_58_models_are_found_where_an_upstream_reads_them(
    members: dict[str, object], models: set[str]
) -> None:
    assert set(nested_models(members, NONE)) == models


@pytest.mark.parametrize(
    "inside", [{"api_base": "x"}, [{"Fallbacks": []}], {"x": {"vertex_credentials": {}}}]
)
def test_sec_58_denied_members_are_found_inside_too(inside: object) -> None:
    with pytest.raises(RequestRefused, match="parameter"):
        list(nested_models({"request_body": inside}, NONE))


@pytest.mark.parametrize(
    "members",
    [
        {"completion": {"headers": {"x": "y"}}},
        {"completion": {"Headers": {}, "tools": []}},
        {"plugins": [{"analysis_models": ["o1"]}]},
        {"request_body": {"dataSources": []}},
        {"request_body": {"data_sources": [{"parameters": {"endpoint": "https://evil.example"}}]}},
        {"tools": [{"type": "mcp", "api_base": "http://evil.example"}]},
    ],
)
def test_sec_58_what_is_denied_at_the_top_is_denied_inside(members: dict[str, object]) -> None:
    with pytest.raises(RequestRefused, match="parameter"):
        list(nested_models(members, NONE))


@pytest.mark.parametrize("nesting", ["tools", "session"])
def test_a_tool_may_have_headers_for_its_own_server(nesting: str) -> None:
    tool = {"type": "mcp", "server_url": "https://mcp.example", "headers": {"Authorization": "x"}}
    members: dict[str, object] = {"tools": [tool]}
    assert not list(nested_models(members if nesting == "tools" else {nesting: members}, NONE))


def test_sec_58_what_is_allowed_at_the_top_is_allowed_inside() -> None:
    inside = {"request_body": {"fallbacks": ["a"], "model": "m"}}
    assert list(nested_models(inside, frozenset({"fallbacks"}))) == ["m"]


@pytest.mark.parametrize("parameter", sorted(MODEL_PARAMETERS))
@pytest.mark.parametrize(
    ("value", "models"),
    [
        ("o1", {"o1"}),
        ([], set()),
        (["o1", "o3"], {"o1", "o3"}),
        ({"gpt-4o": ["o1"]}, {"gpt-4o", "o1"}),
        ([{"gpt-4o": ["o1", "o3"]}, {"gpt-5": []}, "o4"], {"gpt-4o", "o1", "o3", "gpt-5", "o4"}),
    ],
)
def test_sec_58_models_that_stand_by_are_read_where_they_plainly_are_names(
    parameter: str, value: object, models: set[str]
) -> None:
    assert set(listed_models({"model": "m", parameter: value}, NONE)) == models
    assert not listed_models({parameter: value}, frozenset({parameter}))
    both = {"fallbacks": ["a"], "models": ["b"], parameter: value}
    assert set(listed_models(both, NONE)) > models - {"a", "b"}


@pytest.mark.parametrize("parameter", sorted(MODEL_PARAMETERS))
@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, True, [None], [1], [["o1"]], {"gpt-4o": "o1"}, {"gpt-4o": [["o1"]]}),
        *({"model": "o1"}, [{"model": "o1", "api_base": "http://evil.example"}]),
        *({"gpt-4o": None}, {"gpt-4o": [{"model": "o1"}]}, ["o1"] * (MAX_LISTED_MODELS + 1)),
    ],
)
def test_sec_58_what_is_not_plainly_a_list_of_names_is_refused(
    parameter: str, value: object
) -> None:
    with pytest.raises(RequestRefused) as refused:
        listed_models({parameter: value}, NONE)
    assert refused.value.code == "parameter_denied"
    assert not listed_models({parameter: value}, frozenset({parameter}))


@pytest.mark.parametrize("value", ["", ["o1,o3"], [" o1"], {"a b": []}, {"a": ["x" * 257]}])
def test_sec_58_a_name_in_a_list_is_a_plain_name_too(value: object) -> None:
    with pytest.raises(RequestRefused) as refused:
        listed_models({"fallbacks": value}, NONE)
    assert refused.value.code == "model_denied"


def test_the_longest_list_passes() -> None:
    assert len(listed_models({"models": ["m"] * MAX_LISTED_MODELS}, NONE)) == MAX_LISTED_MODELS


@pytest.mark.parametrize(
    ("requests", "bodies"),
    [
        (None, []),
        ("x", []),
        ({"requests": []}, []),
        ([], []),
        (["x", 1, None], []),
        ([{"custom_id": "1", "params": {"model": "a"}}], [{"model": "a"}]),
        (
            [{"model": "a"}, {"params": "x", "model": "b"}],
            [{"model": "a"}, {"params": "x", "model": "b"}],
        ),
    ],
)
def test_the_bodies_of_a_batch(requests: object, bodies: list[object]) -> None:
    assert list(batched(requests)) == bodies


@pytest.mark.parametrize(
    ("query", "denied"),
    [
        (b"", False),
        (b"?", False),
        (b"?a=model", False),
        (b"?models=x", True),
        (b"?a=1&MODEL=x", True),
        (b"?%6dodel", True),
        (b"?mod%C4%B1el=x", False),
        (b"?m%6fdel%5B%5D=x", True),
        (b"?a?model=x", False),
        (b"?=model", False),
        (b"?fallbacks=o1", True),
        (b"?guardrails[]=x", True),
        (b"?metadata=x", True),
        (b"?user=x", False),
        (b"?service_tier=priority", True),
        (b"?Input_File_Id=f", True),
        (b"?performanceconfig[latency]=optimized", True),
    ],
)
def test_sec_34_58_a_query_may_not_name_what_decides(query: bytes, *, denied: bool) -> None:
    assert names_denied(b"/v1/chat/completions" + query, NONE) == denied


def test_sec_58_an_allowed_parameter_may_stand_in_the_query() -> None:
    assert not names_denied(b"/x?fallbacks=a", frozenset({"fallbacks"}))
    assert names_denied(b"/x?fallbacks=a&model=b", frozenset({"fallbacks"}))
