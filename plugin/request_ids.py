"""The name of a request: by its content where the gateway named it, so that repeats are one.

Kong repeats events, and a request that was decided twice is still one reservation. A gateway's id
alone would not do: what is asked must be the same as well.
"""

import hashlib
import itertools
import secrets
from struct import Struct

from gatepass.plugin.request import BodyState, Request

_LENGTHS = Struct(">6Q").pack


class RequestIds:
    """Names requests; ids of our own are unique among all processes."""

    __slots__ = ("_numbers", "_prefix")

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(8) + "-"
        self._numbers = itertools.count(1)

    def name(self, request: Request, digest: bytes) -> str:
        """Return the id of a request; `digest` is that of its token, or empty without one."""
        if request.gateway_request_id is None:
            return self._prefix + str(next(self._numbers))
        body = request.body.name.encode() if isinstance(request.body, BodyState) else request.body
        parts = (
            request.profile.encode(),
            request.gateway_request_id.encode(),
            request.method.encode(),
            request.target,
            digest,
            body,
        )
        # with the lengths in front, no two requests are the same octets
        name = hashlib.sha256(_LENGTHS(*map(len, parts)))
        name.update(b"".join(parts))
        return name.hexdigest()[:32]
