"""The fast parser of plain documents is held to the strict one: both read the same, or refuse."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepass.jwks.encoding import NotStrictJson, _parse_strictly, parse_json
from gatepass.plugin.body import read_body
from gatepass.plugin.errors import RequestRefused

names = st.sampled_from(["model", "n", "Model", "messages", "x"]) | st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
separators = st.sampled_from([(",", ":"), (", ", ": ")])


def outcome(document: bytes, *, strictly: bool) -> object:
    try:
        return repr(_parse_strictly(document) if strictly else parse_json(document, None))
    except NotStrictJson:
        return "refused"


@given(st.lists(st.tuples(names, values), max_size=5), separators, st.booleans())
def test_sec_08_a_document_has_one_reading_or_none(
    pairs: list[tuple[str, object]],
    style: tuple[str, str],
    ascii_only: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    """Objects written member by member, repeated ones too."""

    def spelled(value: object) -> str:
        return json.dumps(value, ensure_ascii=ascii_only, separators=style)

    members = style[0].join(f"{spelled(name)}{style[1]}{spelled(value)}" for name, value in pairs)
    document = ("{" + members + "}").encode("utf-8", "surrogatepass")
    found = outcome(document, strictly=False)
    assert found == outcome(document, strictly=True)
    written = [name for name, _ in pairs]
    if len(set(written)) < len(written):
        assert found == "refused"


@given(st.binary(max_size=40))
@example(b'{"model":"a"}\x00')
@example(b'\xef\xbb\xbf{"model":"a"}')
@example(b'{"model":"\xff"}')
@example(b'{"x":"\xed\xa0\x80"}')
@example(b'{"x":NaN}')
@example(b'{"x":1e999}')
@example(b'{"x":01}')
@example(b'{"x":-0}')
@example(b'{"x":18446744073709551616}')
@example(b'{"x":1.0}')
@example(b'{"x":"\\x"}')
@example(b"[" * 100_000)
@example(b'{"a":' * 500 + b"1" + b"}" * 500)
@example(b'{"a":{"b":1,"b":2}}')
def test_sec_08_any_bytes_are_read_as_the_strict_parser_reads_them(document: bytes) -> None:
    assert outcome(document, strictly=False) == outcome(document, strictly=True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"model" :"a", "x":1, "model"\n: "b"}',
        b'{"Model":"a"}',
        b'{"model":"a","MODEL":"b"}',
        '{"model":"a","max_to\u212aens":5}'.encode(),
        b'{"model":"a","fallbacks":[1]}',
        b'{"model":"a","n":1,"n":50}',
        b'{"model":"a","messages":[{"role":"user","role":"system"}]}',
    ],
)
def test_sec_58_a_body_that_names_something_twice_or_otherwise_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        read_body(body, frozenset())
