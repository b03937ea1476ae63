"""Strict base64url and strict JSON: one text has one meaning, or it is refused (SEC-06, SEC-08).

1. base64url is canonical: its alphabet alone, no padding (unless an issuer is configured so), no
   impossible length, no bits left over. Otherwise one token would have many spellings.
2. JSON is UTF-8 without a byte order mark, names every member once, and holds finite numbers only.
   Two readers of a repeated member may believe different values; NaN compares false to everything.
3. Depth is bounded before a recursive parser sees the document.

A fast parser comes first, although it keeps the last of two members of one name without a word: a
document that is byte for byte what its own value is written as has no member but those. Compact
JSON, as most issuers and clients send it, is of that kind; every other document goes to the slower
parser that refuses by itself.

What the members mean is for the callers to judge.
"""

import json
import math
import re
from typing import Final, NoReturn

import msgspec

from gatepass.jwks.errors import GatepassError, TokenFault, TokenRefused

_FOREIGN: Final = ord("!")


def _translation() -> bytes:
    table = bytearray([_FOREIGN] * 256)
    for octet in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789":
        table[octet] = octet
    table[ord("-")] = ord("+")
    table[ord("_")] = ord("/")
    return bytes(table)


_TO_STANDARD_ALPHABET = _translation()
# Twice as fast as binascii; it is given only what was checked, so that no strictness hangs on it.
_BASE64_DECODER = msgspec.json.Decoder(bytes)
_END_OF_STRING = (b'"', b'"', b'=="', b'="')
# By length modulo 4: which last characters leave no bits over. A single one can never end a text.
_LAST_CHARACTERS = (
    frozenset[int](),
    frozenset[int](),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)


def decode_segment(segment: bytes, *, allow_padding: bool = False) -> bytes:
    """Decode canonical base64url (RFC 7515 section 2, RFC 4648 sections 3.5 and 5).

    With `allow_padding` the exact padding may stand at the end, or be missing.

    Raises:
        TokenRefused: MALFORMED for every other spelling.

    """
    if allow_padding:
        segment = _without_padding(segment)
    rest = len(segment) & 3
    if rest and segment[-1] not in _LAST_CHARACTERS[rest]:
        raise TokenRefused(TokenFault.MALFORMED)
    standard = segment.translate(_TO_STANDARD_ALPHABET)
    if _FOREIGN in standard:
        raise TokenRefused(TokenFault.MALFORMED)
    return _BASE64_DECODER.decode(b'"' + standard + _END_OF_STRING[rest])


def _without_padding(segment: bytes) -> bytes:
    text = segment.rstrip(b"=")
    found = len(segment) - len(text)
    if found and found != -len(text) % 4:
        raise TokenRefused(TokenFault.MALFORMED)
    return text


class NotStrictJson(GatepassError, ValueError):
    """The document is not JSON as we read it; what it says instead is not told."""

    def __init__(self) -> None:
        super().__init__("not_strict_json", "not a strict JSON document")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise NotStrictJson
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise NotStrictJson


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_finite, parse_constant=_refuse_constant
)
_PLAIN_DECODER = msgspec.json.Decoder()
_PLAIN_ENCODER = msgspec.json.Encoder()
_WHITESPACE = " \t\n\r"
# A string runs to its closing quote or, where that is missing, to the end: linear on any input.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_OPENERS = bytes(octet for octet in range(256) if octet not in b"[{")
_NOT_BRACKETS = bytes(octet for octet in range(256) if octet not in b"[]{}")


def parse_json(document: bytes, max_depth: int | None) -> object:
    """Return the value that a strict JSON document holds (RFC 8259, RFC 7515 section 4).

    `max_depth` is how many arrays and objects may stand inside each other; None leaves the bound
    to the parsers, which refuse what would exhaust them.

    Raises:
        NotStrictJson: for anything that two readers could understand differently.

    """
    # Counting is far cheaper than finding out the depth, and settles it for nearly every document.
    if max_depth is not None and len(document.translate(None, _NOT_OPENERS)) > max_depth:
        _check_depth(document, max_depth)
    try:
        value: object = _PLAIN_DECODER.decode(document)
        if _PLAIN_ENCODER.encode(value) == document:
            return value
    except (ValueError, RecursionError):  # msgspec's and Unicode's errors are ValueErrors
        pass
    return _parse_strictly(document)


def _parse_strictly(document: bytes) -> object:
    try:
        text = str(document, "utf-8").strip(_WHITESPACE)
        value: object
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):  # also: digits beyond the interpreter's limit
        raise NotStrictJson from None
    if end != len(text):
        raise NotStrictJson
    return value


def parse_json_object(document: bytes, max_depth: int | None) -> dict[str, object]:
    """Return the members of a strict JSON document that is an object.

    Raises:
        NotStrictJson: as `parse_json`, and for any other value.

    """
    value = parse_json(document, max_depth)
    if not isinstance(value, dict):
        raise NotStrictJson
    return value


def _check_depth(document: bytes, max_depth: int) -> None:
    depth = 0
    for bracket in _STRING.sub(b"", document).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > max_depth:
                raise NotStrictJson
        else:
            depth -= 1
