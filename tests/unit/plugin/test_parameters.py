"""What an upstream would obey over our verdict, wherever in a request it stands."""

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.parameters import nested_models
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


def test_sec_58_what_is_allowed_at_the_top_is_allowed_inside() -> None:
    inside = {"request_body": {"fallbacks": ["a"], "model": "m"}}
    assert list(nested_models(inside, frozenset({"fallbacks"}))) == ["m"]


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
    ],
)
def test_sec_34_58_a_query_may_not_name_what_decides(query: bytes, *, denied: bool) -> None:
    assert names_denied(b"/v1/chat/completions" + query, NONE) == denied


def test_sec_58_an_allowed_parameter_may_stand_in_the_query() -> None:
    assert not names_denied(b"/x?fallbacks=a", frozenset({"fallbacks"}))
    assert names_denied(b"/x?fallbacks=a&model=b", frozenset({"fallbacks"}))
