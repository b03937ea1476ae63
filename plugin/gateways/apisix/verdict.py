"""A decision in APISIX's terms.

Allowed: a Rewrite that takes away every header that only we may set and sets ours. Names are in
lower case, because APISIX up to 3.17 keeps the client's value of a name in other letters; every
spelling with underscores is named, because taking away one leaves the others, whether or not the
call showed it (SEC-44, 46). So what is named does not depend on what the client sent, and neither
does what is remembered; names of very many dashes are the exception. Refused: a Stop, never with an
empty body, which would become a page of APISIX's own.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from gatepass.plugin.decision import Allow, Deny, spellings_to_remove
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.questions import Rewrite, Stop
from gatepass.plugin.headers import Header

MOST_DASHES = 5
"""Names with more dashes have more spellings than are taken away unseen."""

_NO_STORE = (b"cache-control", b"no-store")
_ACCEPT_ENCODING = b"accept-encoding"
_NONE: frozenset[bytes] = frozenset()


def to_stop(refusal: Deny) -> Stop:
    """Return the answer for the client; APISIX itself says how long it is."""
    return Stop(refusal.status, (*refusal.response_headers, _NO_STORE), refusal.body)


def to_rewrite(decision: Allow, headers: Sequence[Header], *, show_usage: bool) -> Rewrite:
    """Return what is changed of an allowed request; `headers` are those of the client."""
    # any other name is spelled as what is named anyway
    odd = [header for header in headers if b"_" in header[0] and _dashes(header[0]) > MOST_DASHES]
    seen = frozenset(map(bytes.lower, spellings_to_remove(decision, odd))) if odd else _NONE
    removed = _removed(decision.remove_headers, decision.set_headers, seen, show_usage)
    return Rewrite(removed, decision.set_headers, decision.request_id)


@lru_cache(maxsize=4096)
def _removed(
    folded: frozenset[bytes],
    set_headers: tuple[Header, ...],
    seen: frozenset[bytes],
    show_usage: bool,  # noqa: FBT001 - the key of a memory
) -> tuple[bytes, ...]:
    """Return every name to take away, less those that are set anyway."""
    names = {spelling for name in (*folded, REQUEST_ID) for spelling in spellings(name)}
    names |= seen
    if show_usage:
        names.add(_ACCEPT_ENCODING)
    return tuple(sorted(names - {REQUEST_ID} - {name for name, _ in set_headers}))


def _dashes(name: bytes) -> int:
    return name.count(b"-") + name.count(b"_")


def spellings(name: bytes) -> list[bytes]:
    """Return a name with every choice of dashes and underscores."""
    parts = name.split(b"-")
    if len(parts) > MOST_DASHES + 1:
        return [name, name.replace(b"-", b"_")]
    marks = product((b"-", b"_"), repeat=len(parts) - 1)
    return [
        b"".join(part + mark for part, mark in zip(parts, (*choice, b""), strict=True))
        for choice in marks
    ]
