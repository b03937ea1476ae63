"""What the Lua for APISIX leaves of an answer, and what Gatepass reads in it."""

from gatepass.plugin.gateways.apisix.lua import MOST_BYTES, usage_snippet
from gatepass.plugin.gateways.apisix.names import (
    REQUEST_VARIABLE,
    USAGE_HEAD_VARIABLE,
    USAGE_VARIABLE,
)
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_tail
from support.apisix_lua import ApisixRequest

JSON, STREAM = "application/json", "text/event-stream; charset=utf-8"
SECRET = "what the model wrote"


def answering(content_type: str = JSON, **headers: str) -> ApisixRequest:
    request = ApisixRequest(usage_snippet(), content_type=content_type, **headers)
    request.set(REQUEST_VARIABLE, b"r-1")
    return request


def left(request: ApisixRequest) -> tuple[bytes | None, bytes | None]:
    return request.get(USAGE_VARIABLE), request.get(USAGE_HEAD_VARIABLE)


def told(written: str | bytes, content_type: str = JSON, size: int = 1_000_000) -> Usage | None:
    """Return what Gatepass reads in what is left of an answer that comes in chunks of a size."""
    octets = written.encode() if isinstance(written, str) else written
    request = answering(content_type)
    for start in range(0, len(octets), size):
        request.feed(octets[start : start + size])
    request.finish(None)
    tail, head = left(request)
    assert SECRET.encode() not in (tail or b"") + (head or b"")
    for text in (tail or b"", head or b""):
        assert text.isascii()
        assert len(text) <= MOST_BYTES + 1
    return None if tail is None else usage_in_tail(tail, head or b"")
