"""What a server says about how long its answer is good, and by which name to ask again (RFC 9111).

1. `max-age` counts, less the `Age` that a cache on the way added; of several the shortest.
2. `no-store` and `no-cache` leave no time at all.
3. `Expires`, `s-maxage` and the rest are not looked at; nor is what cannot be read.
4. An entity tag is passed back as it came, if it has the form of one (RFC 9110 section 8.8.3).

How far a server is followed in this is for the keeper to bound.
"""

import re
from collections.abc import Iterable, Sequence

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as they came."""

_DIRECTIVE = re.compile(rb'([!#$%&\'*+.^_`|~0-9A-Za-z-]+)(?:="?([^",]*)"?)?')
_SECONDS = re.compile(rb"[0-9]{1,10}")
_TAG = re.compile(rb'(?:W/)?"[!#-~]{0,254}"')


def fresh_seconds(headers: Headers) -> float | None:
    """Return for how many more seconds the answer is good, None when the server does not say."""
    limits: list[int] = []
    for directive, argument in _DIRECTIVE.findall(b",".join(_values(headers, b"cache-control"))):
        word = directive.lower()
        if word in {b"no-store", b"no-cache"}:
            return 0.0
        if word == b"max-age" and _SECONDS.fullmatch(argument):
            limits.append(int(argument))
    if not limits:
        return None
    age = next(iter(_values(headers, b"age")), b"0")
    spent = int(age) if _SECONDS.fullmatch(age) else 0
    return float(max(0, min(limits) - spent))


def entity_tag(headers: Headers) -> bytes | None:
    """Return the answer's entity tag, None where there is none that can be passed back."""
    tag = next(iter(_values(headers, b"etag")), b"")
    return tag if _TAG.fullmatch(tag) else None


def _values(headers: Headers, name: bytes) -> Iterable[bytes]:
    return [value for header, value in headers if header == name]
