"""The log phase: what the call really cost takes the place of what was reserved for it.

Steps, in order: the marker of the access phase names the request, and a request without a
reservation ends here; a call that failed is released, unless Kong's AI plugins counted tokens for
it or the upstream may have worked (of no 502 does Kong say whether anything was sent); a cost that
the upstream named in a header counts as it stands; else the usage is looked for in what the
body-filter snippet kept of the response, whoever made it, and last in the log entry: in what Kong's
AI plugins wrote into it, and in the headers of the response. Where nothing is found the estimate is
charged: a stream that says no usage, or that its client cut off, is not free.
"""

from collections.abc import Generator
from functools import lru_cache
from typing import Any

from gatepass.plugin.gateways.bookkeeper import FIRST_ERROR, Bookkeeper, cost_nothing
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import (
    NOTHING_TO_DO,
    Batch,
    Conversation,
    Kind,
    Question,
    Step,
)
from gatepass.plugin.gateways.kong.marker import (
    MARKER,
    MARKER_PREFIX,
    RESPONSE_HEAD,
    RESPONSE_TAIL,
)
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_log, usage_in_tail
from gatepass.plugin.metering.usage_headers import cost_in_header


def _shared(key: str) -> Question:
    return Question("kong.ctx.shared.get", Kind.SHARED, key.encode())


_WHICH = Batch((_shared(MARKER),))
_STATUS = Batch((Question("kong.response.get_status", Kind.NUMBER),))
_RESPONSE = Batch((_shared(RESPONSE_TAIL), _shared(RESPONSE_HEAD)))
_LOG_ENTRY = Batch((Question("kong.log.serialize", Kind.TEXT),))


@lru_cache
def _header(name: bytes) -> Batch:
    return Batch((Question("kong.response.get_header", Kind.TEXT, name),))


def settle(books: Bookkeeper, door: KongDoor) -> Conversation:
    """Settle one request after its response."""
    (marker,) = yield _WHICH
    request_id = _request_id(marker)
    if request_id is None or not books.may_be_settled(request_id):
        return NOTHING_TO_DO
    (status,) = yield _STATUS
    if status >= FIRST_ERROR:
        yield from _settle_failure(books, request_id, status)
        return NOTHING_TO_DO
    if door.cost_header is not None:
        (value,) = yield _header(door.cost_header)
        cost = cost_in_header(value)
        if cost is not None:
            usage = yield from _kept_usage()  # its tokens count as well, where somebody says them
            yield books.settle_cost(request_id, cost, usage)
            return NOTHING_TO_DO
    usage = yield from _kept_usage()
    if usage is None:
        usage = yield from _logged_usage()
    if usage is None:
        yield books.settle_estimate(request_id)
    else:
        yield books.settle(request_id, usage)
    return NOTHING_TO_DO


def _settle_failure(books: Bookkeeper, request_id: str, status: int) -> Generator[Step, Any, None]:
    """Settle a call that failed for the client, who may have been served upstream all the same."""
    usage = yield from _logged_usage()
    if usage is not None:
        yield books.settle(request_id, usage)
    elif cost_nothing(status):
        yield books.release(request_id)
    else:
        yield books.settle_estimate(request_id)


def _kept_usage() -> Generator[Step, Any, Usage | None]:
    tail, head = yield _RESPONSE
    return None if tail is None else usage_in_tail(tail, head or b"")


def _logged_usage() -> Generator[Step, Any, Usage | None]:
    (entry,) = yield _LOG_ENTRY
    return usage_in_log(entry)


def _request_id(marker: bytes | None) -> str | None:
    prefix = MARKER_PREFIX.encode()
    if marker is None or not marker.startswith(prefix):
        return None
    return marker[len(prefix) :].decode("ascii", "replace") or None
