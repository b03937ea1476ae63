"""Strict JSON is JSON: whatever is read at all is read as everybody reads it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepass.jwks.encoding import NotStrictJson, parse_json
from support.json_values import is_lax, json_values, texts

DEPTH = 100


@given(json_values)
def test_sec_08_a_strict_document_says_what_every_reader_reads(value: object) -> None:
    document = json.dumps(value)
    if is_lax(document):
        return
    assert parse_json(document.encode(), DEPTH) == json.loads(document)
    plain = json.dumps(value, ensure_ascii=False, indent=1)
    if is_unicode(plain):
        assert parse_json(plain.encode(), DEPTH) == json.loads(plain)


@given(st.dictionaries(texts, json_values, min_size=1), st.data())
def test_sec_08_a_member_that_stands_twice_is_always_refused(
    members: dict[str, object], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(members)))
    escaped = "".join(f"\\u{unit:04x}" for unit in utf16_units(name))
    again = f', "{escaped}": 0' + "}"
    with pytest.raises(NotStrictJson):
        parse_json((json.dumps(members)[:-1] + again).encode(), DEPTH)


def utf16_units(text: str) -> list[int]:
    octets = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2)]


def is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
