"""The headers of a request, out of the map of values in which Kong sends them.

A name's value is a text, or a list of texts when the client sent the name more than once. Nearly
every entry is written in one way, which is read in one pass, because this is the largest part of
reading a request; any other way that Protocol Buffers allow is read field by field.
"""

from gatepass.plugin.gateways.kong.protobuf import Malformed, fields, octets, read_field
from gatepass.plugin.headers import Header

_ENTRY = _KEY = 0x0A
_VALUE = 0x12
_TEXT = 0x1A
_MORE = 0x80


class _Unusual(Exception):
    """An entry is written in another way than nearly all are."""


def read_headers(message: bytes) -> list[Header]:
    """Return the headers; names as Kong spells them, values as the client's bytes.

    Raises:
        Malformed: the message is no such map.

    """
    headers: list[Header] = []
    at = 0
    while at < len(message):
        at = _read_usual(message, at, headers)
        if at < len(message):
            at = _read_any(message, at, headers)
    return headers


def _read_usual(message: bytes, at: int, headers: list[Header]) -> int:
    """Read entries with one text each, of which every length takes one byte or two.

    Returns where the first other entry begins, or the end.
    """
    end = len(message)
    try:
        while at < end:
            entry_size = message[at + 1]
            key = at + 2
            if entry_size >= _MORE:
                entry_size += _second(message[key])
                key += 1
            name = key + 2
            value = name + message[key + 1]
            value_size = message[value + 1]
            text = value + 2
            if value_size >= _MORE:
                value_size += _second(message[text])
                text += 1
            text_size = message[text + 1]
            start = text + 2
            if text_size >= _MORE:
                text_size += _second(message[start])
                start += 1
            stop = key + entry_size
            if (
                not (start + text_size == text + value_size == stop <= end)
                or message[at] != _ENTRY
                or message[key] != _KEY
                or message[key + 1] >= _MORE
                or message[value] != _VALUE
                or message[text] != _TEXT
            ):
                break
            headers.append((message[name:value], message[start:stop]))
            at = stop
    except (_Unusual, IndexError):
        pass  # `at` is where the entry begins that ended the loop
    return at


def _second(octet: int) -> int:
    """Return what the second byte of a length adds, less the mark of the first."""
    if octet >= _MORE:
        raise _Unusual
    return (octet << 7) - _MORE


def _read_any(message: bytes, at: int, headers: list[Header]) -> int:
    """Read one entry in whatever way it is written, and return where the next begins."""
    number, value, at = read_field(message, at)
    if number == 1:
        name, content = _entry(octets(value))
        headers += [(name, text) for text in _texts(content)]
    return at


def _entry(entry: bytes) -> tuple[bytes, bytes]:
    name, value = b"", b""
    for number, content in fields(entry):
        if number == 1:
            name = octets(content)
        elif number == 2:  # noqa: PLR2004 - the number of the value
            value = octets(content)
    return name, value


def _texts(value: bytes) -> list[bytes]:
    """Return the texts of a value; one without any would not be seen, and so not be cleared."""
    texts: list[bytes] = []
    for kind, content in fields(value):
        if kind == 3:  # noqa: PLR2004 - string_value
            texts.append(octets(content))
        elif kind == 6:  # noqa: PLR2004 - list_value
            texts += [_text(octets(item)) for _, item in fields(octets(content))]
        else:
            raise Malformed
    if not texts:
        raise Malformed
    return texts


def _text(value: bytes) -> bytes:
    members = list(fields(value))
    if len(members) != 1 or members[0][0] != 3:  # noqa: PLR2004 - string_value, and nothing else
        raise Malformed
    return octets(members[0][1])
