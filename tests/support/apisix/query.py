"""Arguments and paths as Lua takes them apart and puts them together."""

import re
from urllib.parse import quote, unquote_to_bytes

from support.apisix.messages import Entries

_NOT_IN_A_PATH = re.compile(rb"[\x00-\x20\"#%<>?\\^`{|}\x7f-\xff]")
Arguments = dict[bytes, list[bytes | None]]


def arguments(query: bytes) -> Arguments:
    """Return the arguments of a query; without `=` one has no value, without a name it is gone."""
    found: Arguments = {}
    for part in query.split(b"&"):
        name, equals, value = part.partition(b"=")
        if name:
            found.setdefault(_unescaped(name), []).append(_unescaped(value) if equals else None)
    return found


def changed(arguments_now: Arguments, entries: Entries) -> Arguments:
    """Return the arguments after a Rewrite: of one name the first replaces, further ones add."""
    after = dict(arguments_now)
    met: set[bytes] = set()
    for name, value in entries:
        if value is None:
            after.pop(name, None)
        else:
            after[name] = [*(after.get(name, []) if name in met else []), value]
            met.add(name)
    return after


def query(arguments_now: Arguments) -> bytes:
    """Return a query of these arguments."""
    parts = [
        _escaped(name) + (b"" if value is None else b"=" + _escaped(value))
        for name, values in arguments_now.items()
        for value in values
    ]
    return b"&".join(parts)


def escaped_path(path: bytes) -> bytes:
    """Return a decoded path as it is sent; slashes and dots stay what they are."""
    return _NOT_IN_A_PATH.sub(lambda match: b"%%%02X" % match[0][0], path)


def _escaped(text: bytes) -> bytes:
    return quote(text, safe="-._~").encode()


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
