"""How a request is called: in its headers, in the books, in reports of usage.

Whoever knows the id of a call could have it settled where a report is believed, so an id tells
nothing of any other one: 16 octets of the system's randomness. They are fetched for many requests
at once, because one by one they would cost more than the rest of a warm decision's bookkeeping. A
request that its gateway named is called by its content, so that repeats are one.
"""

import hashlib
import os
from struct import Struct

from gatepass.plugin.request import BodyState, Request

_OCTETS = 16
_AT_ONCE = 256
_DIGITS = 2 * _OCTETS
_LENGTHS = Struct(">6Q").pack


class RequestIds:
    """Names requests; each id is given once."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[str] = []

    def name(self, request: Request, digest: bytes) -> str:
        """Return the id of a request, 32 hexadecimal digits; `digest` is that of its token."""
        if request.gateway_request_id is not None:
            return _by_content(request, request.gateway_request_id, digest)
        try:
            return self._kept.pop()
        except IndexError:
            digits = os.urandom(_OCTETS * _AT_ONCE).hex()
            fresh = [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
            mine = fresh.pop()  # whatever other threads take meanwhile
            self._kept += fresh
            return mine


def _by_content(request: Request, name: str, digest: bytes) -> str:
    body = request.body.name.encode() if isinstance(request.body, BodyState) else request.body
    parts = (
        request.profile.encode(),
        name.encode(),
        request.method.encode(),
        request.target,
        digest,
        body,
    )
    # with the lengths in front, no two requests are the same octets
    found = hashlib.sha256(_LENGTHS(*map(len, parts)))
    found.update(b"".join(parts))
    return found.hexdigest()[:_DIGITS]
