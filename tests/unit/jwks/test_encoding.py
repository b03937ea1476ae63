import contextlib
import json
import time

import pytest

from gatepass.jwks.encoding import (
    NotStrictJson,
    decode_segment,
    parse_json,
    parse_json_object,
)
from gatepass.jwks.errors import GatepassError, TokenFault, TokenRefused

DEPTH = 20


@pytest.mark.parametrize(
    ("segment", "octets"),
    [
        (b"", b""),
        (b"QQ", b"A"),
        (b"QUI", b"AB"),
        (b"QUJD", b"ABC"),
        (b"-_-_", b"\xfb\xff\xbf"),
        (b"_w", b"\xff"),
    ],
)
def test_canonical_base64url_is_decoded(segment: bytes, octets: bytes) -> None:
    assert decode_segment(segment) == octets
    assert decode_segment(segment, allow_padding=True) == octets


@pytest.mark.parametrize(
    "segment",
    [
        pytest.param(b"Q", id="one-character"),
        pytest.param(b"QUJDR", id="five-characters"),
        pytest.param(b"QR", id="four-bits-left-over"),
        pytest.param(b"QUJ", id="two-bits-left-over"),
        pytest.param(b"+/+/", id="standard-alphabet"),
        pytest.param(b"QU\nJD", id="line-break-inside"),
        pytest.param(b"QUJD\n", id="line-break-at-the-end"),
        pytest.param(b" QUJD", id="space-before"),
        pytest.param(b"QU!JDA", id="junk"),
        pytest.param(b"QU!D", id="the-internal-mark-for-foreign-octets"),
        pytest.param(b"QUJ\x00", id="nul"),
        pytest.param("QUJД".encode(), id="not-ascii"),
        pytest.param(b"QQ=A", id="padding-inside"),
    ],
)
def test_sec_06_any_other_spelling_of_base64url_is_refused(segment: bytes) -> None:
    for allow_padding in (False, True):
        with pytest.raises(TokenRefused) as refused:
            decode_segment(segment, allow_padding=allow_padding)
        assert refused.value.fault is TokenFault.MALFORMED


@pytest.mark.parametrize(("segment", "octets"), [(b"QQ==", b"A"), (b"QUI=", b"AB")])
def test_sec_07_padding_is_refused_unless_it_is_allowed(segment: bytes, octets: bytes) -> None:
    with pytest.raises(TokenRefused):
        decode_segment(segment)
    assert decode_segment(segment, allow_padding=True) == octets


@pytest.mark.parametrize(
    "segment", [b"QQ=", b"QUI==", b"QUJD=", b"QUJD====", b"Q===", b"=", b"===="]
)
def test_sec_07_only_the_exact_padding_is_allowed(segment: bytes) -> None:
    with pytest.raises(TokenRefused):
        decode_segment(segment, allow_padding=True)


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": [1, -2.5, true, null, "x"], "b": {"c": {}}}',
        b' \t\r\n{"a": 1}\n ',
        b"[]",
        b'"text"',
        b"0",
        b'{"\\u00e4": "\\ud83d\\ude00"}',
        '{"ä": "😀"}'.encode(),
        b'{"lone": "\\ud800"}',
        b'{"a": 1e300, "b": 123456789012345678901234567890}',
    ],
)
def test_strict_json_is_read_as_json(document: bytes) -> None:
    assert parse_json(document, DEPTH) == json.loads(document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b'{"a": 1, "a": 1}', id="duplicate"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="duplicate-in-another-spelling"),
        pytest.param(b'{"x": [{"y": {"a": 1, "b": 2, "a": 3}}]}', id="duplicate-deep-inside"),
        pytest.param(b'{"a": NaN}', id="nan"),
        pytest.param(b'{"a": [Infinity]}', id="infinity"),
        pytest.param(b'{"a": -Infinity}', id="minus-infinity"),
        pytest.param(b'{"a": 1e400}', id="overflow"),
        pytest.param(b'{"a": -1e400}', id="negative-overflow"),
        pytest.param(b'{"a": ' + b"9" * 10_000 + b"}", id="number-of-10000-digits"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', id="byte-order-mark"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf-16"),
        pytest.param('{"a": 1}'.encode("utf-16-le"), id="utf-16-without-mark"),
        pytest.param('{"a": 1}'.encode("utf-32"), id="utf-32"),
        pytest.param(b'{"a": "\xff"}', id="not-utf-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate-as-utf-8"),
        pytest.param(b'{"a": "\xc0\xaf"}', id="overlong-utf-8"),
        pytest.param(b'{"a": "\n"}', id="control-character-in-a-string"),
        pytest.param(b'{"a": 01}', id="leading-zero"),
        pytest.param(b"{'a': 1}", id="single-quotes"),
        pytest.param(b'{"a": 1,}', id="trailing-comma"),
        pytest.param(b'{"a": 1} {}', id="second-document"),
        pytest.param(b'{"a": 1}\x00', id="nul-at-the-end"),
        pytest.param('{"a": 1}\N{NO-BREAK SPACE}'.encode(), id="foreign-blank-at-the-end"),
        pytest.param(b'{"a": 1', id="cut"),
        pytest.param(b"", id="empty"),
        pytest.param(b" ", id="blank"),
    ],
)
def test_sec_08_documents_that_can_be_read_in_two_ways_are_refused(document: bytes) -> None:
    with pytest.raises(NotStrictJson) as refused:
        parse_json(document, DEPTH)
    assert str(refused.value) == "not a strict JSON document"
    assert isinstance(refused.value, GatepassError)
    assert isinstance(refused.value, ValueError)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("document", [b"[1]", b'"x"', b"1", b"null", b"true"])
def test_what_is_not_an_object_is_refused_where_one_is_needed(document: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_json_object(document, DEPTH)
    assert parse_json_object(b'{"a": 1}', DEPTH) == {"a": 1}


@pytest.mark.parametrize(
    ("document", "max_depth", "accepted"),
    [
        pytest.param(b"[[[]]]", 3, True, id="as-deep-as-allowed"),
        pytest.param(b"[[[[]]]]", 3, False, id="one-deeper"),
        pytest.param(b'{"a": {"b": [{}]}}', 3, False, id="objects-and-arrays-count-alike"),
        pytest.param(b"[[], [], [], []]", 2, True, id="wide-is-not-deep"),
        pytest.param(b'["[[[[", "{{{{"]', 1, True, id="brackets-in-strings"),
        pytest.param(b'["\\"[[[[", 1]', 1, True, id="brackets-after-an-escaped-quote"),
        pytest.param(b'["\\\\", [[]]]', 2, False, id="brackets-after-an-escaped-backslash"),
        pytest.param(b'["]]]]", [[]]]', 2, False, id="closing-brackets-in-a-string"),
        pytest.param(b"[" * 5 + b'"' + b"]" * 9, 20, False, id="string-without-an-end"),
        pytest.param(b'[["\\\n', 1, False, id="escaped-line-break"),
    ],
)
def test_sec_09_depth_is_bounded(document: bytes, max_depth: int, *, accepted: bool) -> None:
    if accepted:
        assert parse_json(document, max_depth) == json.loads(document)
    else:
        with pytest.raises(NotStrictJson):
            parse_json(document, max_depth)


def test_sec_09_a_depth_that_only_the_interpreter_bounds_is_refused_too() -> None:
    with pytest.raises(NotStrictJson):
        parse_json(b"[" * 200_000, 1_000_000)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"[" * 500_000, id="deep"),
        pytest.param(b"[" * 21 + b'\\"' * 250_000, id="quotes-and-backslashes"),
        pytest.param(b"[" * 21 + b'"' * 500_001, id="quotes"),
        pytest.param(b"[" * 21 + b'"' + b"\\" * 500_001, id="backslashes"),
        pytest.param(b"[" * 21 + b'"' + b"a" * 500_000, id="string-without-an-end"),
        pytest.param(b"[" + b"[]," * 160_000 + b"[]]", id="wide"),
        pytest.param(b"[" + b"9" * 500_000 + b"]", id="digits"),
    ],
)
def test_sec_09_judging_takes_linear_time(document: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(NotStrictJson):
        parse_json(document, DEPTH)
    assert time.process_time() - started < 5  # a quadratic reading takes minutes
