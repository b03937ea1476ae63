"""The log phase: what the call really cost takes the place of what was reserved for it.

Steps, in order: the marker of the access phase names the request, and a request without a
reservation ends here; a call that nobody upstream answered well is released; a cost that the
upstream named in a header counts as it stands; else the usage is looked for in what the body-filter
snippet kept of the response, and last in what Kong's AI plugins wrote into the log entry. Where
nothing is found the reservation stays, and becomes a charge when its time is over.
"""

from functools import lru_cache
from typing import Protocol

from gatepass.plugin.budgets.memory import Settlement
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import (
    NOTHING_TO_DO,
    Batch,
    Conversation,
    Kind,
    Question,
)
from gatepass.plugin.gateways.kong.marker import (
    MARKER,
    MARKER_PREFIX,
    RESPONSE_HEAD,
    RESPONSE_TAIL,
)
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import cost_in_header, usage_in_log, usage_in_tail

_ABORTED = 499
"""nginx's status for a client that went away; the upstream may have worked all the same."""

_FIRST_ERROR = 400
_FROM_UPSTREAM = b"service"


class Bookkeeper(Protocol):
    """The Gate, as whoever settles sees it."""

    def may_be_settled(self, request_id: str) -> bool:
        """Tell whether a reservation of this request is remembered."""
        ...

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        """Replace the reservation by the price of a usage."""
        ...

    async def settle_cost(self, request_id: str, cost_nano: int) -> Settlement:
        """Replace the reservation by a cost in nano-dollars."""
        ...

    async def release(self, request_id: str) -> Settlement:
        """Give the reservation back."""
        ...


def _shared(key: str) -> Question:
    return Question("kong.ctx.shared.get", Kind.SHARED, key.encode())


_WHICH = Batch((_shared(MARKER),))
_OUTCOME = Batch(
    (
        Question("kong.response.get_source", Kind.TEXT),
        Question("kong.response.get_status", Kind.NUMBER),
    )
)
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
    source, status = yield _OUTCOME
    if source != _FROM_UPSTREAM or (status >= _FIRST_ERROR and status != _ABORTED):
        yield books.release(request_id)
        return NOTHING_TO_DO
    if door.cost_header is not None:
        (value,) = yield _header(door.cost_header)
        cost = cost_in_header(value)
        if cost is not None:
            yield books.settle_cost(request_id, cost)
            return NOTHING_TO_DO
    tail, head = yield _RESPONSE
    usage = None if tail is None else usage_in_tail(tail, head or b"")
    if usage is None:
        (entry,) = yield _LOG_ENTRY
        usage = usage_in_log(entry)
    if usage is not None:
        yield books.settle(request_id, usage)
    return NOTHING_TO_DO


def _request_id(marker: bytes | None) -> str | None:
    prefix = MARKER_PREFIX.encode()
    if marker is None or not marker.startswith(prefix):
        return None
    return marker[len(prefix) :].decode("ascii", "replace") or None
