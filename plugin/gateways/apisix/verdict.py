"""A decision in APISIX's terms.

Allowed: a Rewrite that takes away every header that only we may set and sets ours. Names are in
lower case, because APISIX up to 3.17 keeps the client's value of a name in other letters; every
spelling with underscores is named, because taking away one leaves the others, whether or not the
call showed it (SEC-44, 46). Refused: a Stop, never with an empty body, which would become a page of
APISIX's own.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from gatepass.plugin.decision import Allow, Deny, spellings_to_remove
from gatepass.plugin.gateways.apisix.questions import Rewrite, Stop
from gatepass.plugin.headers import Header

REQUEST_ID = b"x-gatepass-request"
"""Tells the upstream, and the log that settles, which request this is."""

REQUEST_ID_VARIABLE = "http_" + REQUEST_ID.decode().replace("-", "_")
"""The same as APISIX's variable: of a request that nobody judged it is the client's own."""

MOST_DASHES = 5
"""Names with more dashes have more spellings than are taken away unseen."""

_NO_STORE = (b"cache-control", b"no-store")
_ACCEPT_ENCODING = b"accept-encoding"


def to_stop(refusal: Deny) -> Stop:
    """Return the answer for the client; APISIX itself says how long it is."""
    return Stop(refusal.status, (*refusal.response_headers, _NO_STORE), refusal.body)


def to_rewrite(decision: Allow, headers: Sequence[Header], *, show_usage: bool) -> Rewrite:
    """Return what is changed of an allowed request; `headers` are those of the client."""
    # without an underscore a name is spelled as what is named anyway
    odd = [header for header in headers if b"_" in header[0]]
    seen = tuple(dict.fromkeys(spellings_to_remove(decision, odd))) if odd else ()
    removed = _removed(decision.remove_headers, decision.set_headers, seen, show_usage)
    return Rewrite(removed, decision.set_headers, decision.request_id)


@lru_cache(maxsize=4096)
def _removed(
    folded: frozenset[bytes],
    set_headers: tuple[Header, ...],
    seen: tuple[bytes, ...],
    show_usage: bool,  # noqa: FBT001 - the key of a memory
) -> tuple[bytes, ...]:
    """Return every name to take away, less those that are set anyway."""
    names = {spelling for name in (*folded, REQUEST_ID) for spelling in spellings(name)}
    names |= {name.lower() for name in seen}
    if show_usage:
        names.add(_ACCEPT_ENCODING)
    return tuple(sorted(names - {REQUEST_ID} - {name for name, _ in set_headers}))


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
