"""The fast reader of bodies is held to the strict one: what it lets through, both read the same."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.body import read_body
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.members import MAX_DEPTH, BodyReader

DECIDING = frozenset({"model", "n"})
READER = BodyReader(DECIDING)

names = st.sampled_from(["model", "n", "Model", "messages", "x"]) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["model"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def spelled(pairs: list[tuple[str, object]], *, ascii_only: bool) -> bytes:
    """Write an object member by member, repeated ones too."""
    members = (
        f"{json.dumps(name, ensure_ascii=ascii_only)}:{json.dumps(value, ensure_ascii=ascii_only)}"
        for name, value in pairs
    )
    return ("{" + ",".join(members) + "}").encode("utf-8", "surrogatepass")


@given(st.lists(st.tuples(names, values), max_size=5), st.booleans())
def test_sec_58_a_body_passes_the_fast_reader_only_with_one_reading(
    pairs: list[tuple[str, object]],
    ascii_only: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    body = spelled(pairs, ascii_only=ascii_only)
    written = [name for name, _ in pairs]
    try:
        members = READER.read(body)
    except NotStrictJson:
        return
    assert all(written.count(name) == 1 for name in DECIDING & members.keys())
    assert members == json.loads(body)


@given(st.binary(max_size=40))
@example(b'{"model":"a"}\x00')
@example(b'\xef\xbb\xbf{"model":"a"}')
@example(b'{"model":"\xff"}')
@example(b'{"x":"\xed\xa0\x80"}')
@example(b'{"x":NaN}')
@example(b'{"x":1e999}')
@example(b'{"x":01}')
@example(b'{"x":"\\x"}')
def test_sec_58_what_the_strict_reader_refuses_the_fast_one_does_too(body: bytes) -> None:
    try:
        members = READER.read(body)
    except NotStrictJson:
        return
    assert parse_json_object(body, MAX_DEPTH) == members


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"model" :"a", "x":1, "model"\n: "b"}',
        b'{"Model":"a"}',
        b'{"model":"a","MODEL":"b"}',
        '{"model":"a","max_to\u212aens":5}'.encode(),
        b'{"model":"a","fallbacks":["b"]}',
        b'{"model":"a","n":1,"n":50}',
    ],
)
def test_sec_58_a_body_that_names_a_decider_twice_or_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        read_body(body, frozenset())


def test_a_value_that_looks_like_a_name_is_only_slower() -> None:
    body = b'{"model":"a","messages":[{"model":"x"}],"x":"model"}'
    assert READER.read(body)["model"] == "a"
