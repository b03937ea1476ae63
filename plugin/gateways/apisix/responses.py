"""A response: what its call used is read of it, where that delays nobody, and the rest is let be.

APISIX shows status and headers before it sends them, and the body when it is asked for. Rules, in
order:

1. Whatever happens, the response goes on as it came: nothing is refused here. What is not given
   back would be lost, so all of it is, but for the headers that belong to one connection. Only a
   call that cannot be read loses its headers, because nobody knows them.
2. To a response without body (204, 304, HEAD) one byte is added, which no client sees: without it
   APISIX would call the upstream a second time.
3. Of a call that failed and cost nothing the reservation is released.
4. The body is asked for only where it is JSON, not encoded, of a length that is told and bounded,
   and where the books remember the call. A stream is never held back.
5. What does not have that length, or is no whole document, says nothing. Of a call that says
   nothing the estimate is charged, until somebody reports more.

Where the settings do not want responses read the first two rules are all. Which call it was is said
by the header that the decision set for the upstream; a client's own is only as good as the guard in
front of it.
"""

import re
from collections.abc import Generator, Sequence
from typing import Any

from gatepass.plugin.gateways.apisix.flatbuffers import Entry
from gatepass.plugin.gateways.apisix.messages import HttpRespCall
from gatepass.plugin.gateways.apisix.names import REQUEST_ID_VARIABLE
from gatepass.plugin.gateways.apisix.questions import (
    REQUEST_METHOD,
    AsItCame,
    Bill,
    Conversation,
    Question,
    ResponseBody,
    Variable,
)
from gatepass.plugin.gateways.bookkeeper import FIRST_ERROR, Bookkeeper, cost_nothing
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_document

MAX_RESPONSE_BYTES = 4 * 1024 * 1024
"""Longer than any answer that a person waits for; what is longer is not read."""

MAX_READS = 64
"""Bodies that are held at one time; a response beyond goes on unread."""

REQUEST_NAME = Variable(REQUEST_ID_VARIABLE.encode())

_WITHOUT_BODY = frozenset({204, 304})
_PLACEHOLDER = b" "
_LENGTH = re.compile(rb"[0-9]{1,10}")
_OF_ONE_CONNECTION = frozenset(
    {
        *(b"connection", b"content-length", b"keep-alive", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
"""RFC 9110, section 7.6.1. A length that is given APISIX believes, and sends chunks without one."""

_KIND, _LENGTH_NAME, _ENCODING, _CHUNKING = _TELLING = (
    b"content-type",
    b"content-length",
    b"content-encoding",
    b"transfer-encoding",
)


class Responses:
    """The responses of one runner; `reads` is false where the settings do not want them read."""

    def __init__(self, books: Bookkeeper, *, reads: bool) -> None:
        self._books = books
        self._reads = reads
        self._held = 0

    def begin(self, call: HttpRespCall) -> Conversation:
        """Return the conversation of a response."""
        if call.status in _WITHOUT_BODY:
            return as_it_came(call)
        method: bytes | None = yield REQUEST_METHOD
        answer = as_it_came(call, method)
        if self._reads and answer.body is None:
            return answer._replace(bill=(yield from self._bill(call)))
        return answer

    async def settle(self, bill: Bill) -> None:
        """Let the books know what a call used."""
        if bill.usage is not None:
            await self._books.settle(bill.request_id, bill.usage)
        elif bill.cost_nothing:
            await self._books.release(bill.request_id)
        else:
            await self._books.settle_estimate(bill.request_id)

    def _bill(self, call: HttpRespCall) -> Generator[Question, Any, Bill | None]:
        """Return what is to be settled, None where the books do not know the call."""
        name: bytes | None = yield REQUEST_NAME
        request_id = (name or b"").decode("ascii", "replace")
        if not self._books.may_be_settled(request_id):
            return None
        if call.status >= FIRST_ERROR:
            return Bill(request_id, None, cost_nothing=cost_nothing(call.status))
        announced = _readable_bytes(call.headers)
        return Bill(request_id, None if announced is None else (yield from self._usage(announced)))

    def _usage(self, announced: int) -> Generator[Question, Any, Usage | None]:
        if self._held >= MAX_READS:
            return None
        self._held += 1
        try:
            body: object = yield ResponseBody(announced)
        finally:
            self._held -= 1
        if not isinstance(body, bytes) or len(body) != announced:
            return None
        return usage_in_document(body)


def as_it_came(call: HttpRespCall, method: bytes | None = None) -> AsItCame:
    """Return the answer that changes nothing of a response; `method` is that of its request."""
    is_empty = call.status in _WITHOUT_BODY or method == b"HEAD"
    return AsItCame(call.status, _passed_on(call.headers), _PLACEHOLDER if is_empty else None)


def _passed_on(headers: Sequence[Entry]) -> list[Entry]:
    """Return all but what belongs to one connection, by its name or by what Connection says."""
    left_out = set(_OF_ONE_CONNECTION)
    for name, value in headers:
        if name.lower() == b"connection":
            left_out.update(option.strip().lower() for option in (value or b"").split(b","))
    return [header for header in headers if header[0].lower() not in left_out]


def _readable_bytes(headers: Sequence[Entry]) -> int | None:
    """Return the length of a body that is worth to be held back, None for every other one."""
    told: dict[bytes, bytes] = {}
    for name, value in headers:
        lower = name.lower()
        if lower not in _TELLING:
            continue
        if lower in told:
            return None
        told[lower] = value or b""
    if _ENCODING in told or _CHUNKING in told or not _is_json(told.get(_KIND, b"")):
        return None
    length = told.get(_LENGTH_NAME, b"")
    announced = int(length) if _LENGTH.fullmatch(length) else 0
    return announced if 0 < announced <= MAX_RESPONSE_BYTES else None


def _is_json(content_type: bytes) -> bool:
    return content_type.partition(b";")[0].strip().lower() == b"application/json"
