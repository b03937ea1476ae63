"""The fast reader of bodies never believes what the strict one would refuse."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gatepass.jwks.encoding import parse_json_object
from gatepass.plugin.body import read_body
from gatepass.plugin.errors import RequestRefused

DECIDES = ("model", "n", "api_base")
_PLAIN = st.sampled_from([*DECIDES, "messages", "x", "Model"])


@st.composite
def names(draw: st.DrawFn) -> tuple[str, str]:
    """A member's name and one of its spellings in JSON."""
    name = draw(_PLAIN)
    if draw(st.booleans()):
        return name, json.dumps(name)
    place = draw(st.integers(0, len(name) - 1))
    escape = f"\\u{ord(name[place]):04x}"
    return name, f'"{name[:place]}{escape}{name[place + 1 :]}"'


values = st.sampled_from(
    ['"gpt-4o"', '"model"', '"\\"model\\": 1"', "1", "null", '{"model": 2}', '["n", "api_base"]']
)
members = st.lists(st.tuples(names(), values), max_size=5)


@given(members)
def test_sec_58_a_repeated_member_that_decides_is_never_believed(
    pairs: list[tuple[tuple[str, str], str]],
) -> None:
    body = "{" + ", ".join(f"{spelling}: {value}" for (_, spelling), value in pairs) + "}"
    found = [name for (name, _), _ in pairs]
    repeated = [name for name in DECIDES if found.count(name) > 1]
    try:
        read = parse_json_object(body.encode(), None)
    except ValueError:
        assert len(set(found)) < len(found)
        return
    assert not repeated
    strict = json.loads(body)
    assert {name: read.get(name) for name in DECIDES} == {
        name: strict.get(name) for name in DECIDES
    }


@given(st.binary(max_size=60))
def test_sec_58_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(RequestRefused):
        read_body(body, frozenset())
