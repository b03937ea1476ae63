"""Header lines as nginx keeps them, and the copy that APISIX keeps of them.

Names are compared by letter case only: `X_User_Id` is another header than `X-User-Id`. The copy is
made once, of the first 100 lines, under names in small letters. What is set afterwards is put there
under the name as it was given: up to APISIX 3.17 a name with capitals leaves the old value beside
the new one. The upstream normally gets the lines; an upstream behind post-resp gets the copy.
"""

import re
import zlib
from collections.abc import Iterable, Iterator

HeaderLine = tuple[bytes, bytes]
MOST_TOLD = 100
_UNSAFE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_UNSAFE_IN_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")


class HeaderLines:
    """The header lines of one message, in the order of their arrival."""

    def __init__(self, lines: Iterable[HeaderLine] = ()) -> None:
        self._lines = list(lines)

    def __iter__(self) -> Iterator[HeaderLine]:
        return iter(self._lines)

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of exactly this name, in any letter case."""
        return [value for key, value in self._lines if key.lower() == name.lower()]

    def folded(self, name: bytes) -> list[bytes]:
        """Return the values of a name to which `-` and `_` are the same."""
        wanted = name.lower().replace(b"-", b"_")
        return [value for key, value in self._lines if key.lower().replace(b"-", b"_") == wanted]

    def set(self, name: bytes, value: bytes | None) -> None:
        """Replace every line of this name, or without a value delete them.

        The first line keeps its place and its spelling.
        """
        wanted, kept, is_there = name.lower(), [], not value
        for line in self._lines:
            if line[0].lower() != wanted:
                kept.append(line)
            elif not is_there:
                kept.append((line[0], escaped(value or b"")))
                is_there = True
        if not is_there:
            kept.append((_escaped(_UNSAFE_IN_NAME, name), escaped(value or b"")))
        self._lines = kept


class HeaderCopy:
    """What APISIX tells of the headers; with `is_stale` it keeps old values beside new ones."""

    def __init__(self, lines: HeaderLines, limit: int | None, *, is_stale: bool) -> None:
        self._is_stale = is_stale
        self._values: dict[bytes, list[bytes]] = {}
        for name, value in list(lines)[:limit]:
            self._values.setdefault(name.lower(), []).append(value)

    def set(self, name: bytes, value: bytes | None) -> None:
        """Set a header, or without a value delete it."""
        key = name if self._is_stale else name.lower()
        if value:
            self._values[key] = [escaped(value)]
        else:
            self._values.pop(key, None)

    def lines(self) -> list[HeaderLine]:
        """Return the lines in the order of Lua: none, but repeated ones are together."""
        names = sorted(self._values, key=zlib.crc32)
        return [(name, value) for name in names for value in self._values[name]]

    def as_sent(self) -> list[HeaderLine]:
        """Return the lines of a request that APISIX sends by itself.

        Of two spellings the name with capitals and the value without them are sent.
        """
        spelled = {name.lower(): name for name in sorted(self._values, reverse=True)}
        return [
            (spelled[name], value)
            for name in spelled
            for value in self._values.get(name, self._values[spelled[name]])
        ]


def escaped(value: bytes) -> bytes:
    """Return a value as nginx lets Lua set it: nothing in it ends the line."""
    return _escaped(_UNSAFE, value)


def _escaped(unsafe: re.Pattern[bytes], octets: bytes) -> bytes:
    return unsafe.sub(lambda match: b"%%%02X" % match[0][0], octets)
