"""What gateways report of finished calls: `POST /usage` settles by it.

Rules, in order: the peer must be a configured proxy and send the token of the settings; the body is
read up to a limit and within the deadline; it is one record or a list of them, in strict JSON. A
record names the call by our own id and says something of it:

- `prompt_tokens` and `completion_tokens`: what the gateway counted; zeros count nothing;
- `usage`: the end of the response, `usage_head` its beginning; believed unless the call failed;
- `status`: the response's, or those of all upstreams that were tried, as nginx lists them; a call
  that failed without any tokens is released where every one of them says that nobody worked;
- `bytes_sent`: nginx's, to the same upstreams; where none got anything a 502 cost nothing;
- `complete`: false or "no" where the response was cut off; nothing of it is believed then.

A record that says nothing leaves the reservation as it is; an id that is unknown is nobody's. The
same report may come again. Nothing of a record is logged.
"""

import asyncio
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gatepass.jwks.encoding import NotStrictJson, parse_json
from gatepass.plugin.budgets.limits import InvalidAmount
from gatepass.plugin.budgets.memory import Settlement
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.bodies import read_body
from gatepass.plugin.gateways.bookkeeper import Bookkeeper, cost_nothing
from gatepass.plugin.gateways.peers import Network, TrustedProxies
from gatepass.plugin.gateways.promptly import Promptly
from gatepass.plugin.gateways.refused_reports import RefusedReports
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_tail
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

MAX_BODY_BYTES = 1024 * 1024
MAX_RECORDS = 1000
_MAX_DEPTH = 8
_RECORDS_PER_TURN = 16
"""So many are settled before requests that wait for a decision get their turn."""

_CUT_OFF = (False, "no", "false")
_COUNT = re.compile(r"[0-9]{1,12}")
_STATUSES = re.compile(r"[1-9][0-9]{2}(?:(?:, | : )[1-9][0-9]{2}){0,99}")
"""nginx lists one status for every upstream that it tried."""

_NOTHING_SENT = re.compile(r"0(?:(?:, | : )0){0,99}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many records settled a call, and how many did not."""

    settled: int
    unknown: int


class ReportBounds(Protocol):
    """Whose reports count; the settings' HTTP door is one."""

    @property
    def trusted_proxies(self) -> Sequence[Network]:
        """The networks of those who may report."""
        ...

    @property
    def deadline_seconds(self) -> float:
        """How long a report may take to arrive."""
        ...

    @property
    def usage_token(self) -> bytes | None:
        """What they must send, not empty; None lets nobody."""
        ...


class UsageReports:
    """Takes reports of whoever knows the token and comes from one of the proxies.

    `seconds` is how long a body may take.
    """

    def __init__(
        self, books: Bookkeeper, token: bytes, proxies: TrustedProxies, seconds: float
    ) -> None:
        self._books = books
        self._authorization = b"Bearer " + token
        self._proxies = proxies
        self._seconds = seconds
        self._refused = RefusedReports()

    async def take(self, scope: "Scope", receive: "Receive") -> Outcome:
        """Settle by the report that one HTTP request brings.

        Raises:
            RequestRefused: an unknown peer, a wrong token, or a body that is no report.

        """
        if not self._proxies.include(scope):
            raise RequestRefused(Reason.UNTRUSTED_PROXY)
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(values) != 1 or not hmac.compare_digest(values[0], self._authorization):
            self._refused.note()
            raise RequestRefused(Reason.NO_TOKEN)
        until = asyncio.get_running_loop().time() + self._seconds
        try:
            body = await Promptly(read_body(receive, MAX_BODY_BYTES, []), until)
        except TimeoutError:
            raise RequestRefused(Reason.DEADLINE) from None
        if isinstance(body, BodyState):
            raise RequestRefused(Reason.BODY_TOO_LARGE)
        return await self._settle_all(_read_records(body or b""))

    async def _settle_all(self, records: Sequence[Mapping[str, object]]) -> Outcome:
        settled = 0
        for number, record in enumerate(records, start=1):
            settled += await self._settle(record)
            if number % _RECORDS_PER_TURN == 0:
                await asyncio.sleep(0)
        return Outcome(settled, len(records) - settled)

    async def _settle(self, record: Mapping[str, object]) -> bool:
        request_id = record.get("request_id")
        if not isinstance(request_id, str) or not self._books.may_be_settled(request_id):
            return False
        statuses = _statuses(record.get("status"))
        sent = not _is_nothing(record.get("bytes_sent"))
        failed = bool(statuses) and cost_nothing(statuses[-1], sent=False)
        usage = None if record.get("complete") in _CUT_OFF else _usage(record, failed=failed)
        if usage is not None:
            return await self._books.settle(request_id, usage) is not Settlement.UNKNOWN
        if statuses and all(cost_nothing(status, sent=sent) for status in statuses):
            return await self._books.release(request_id) is not Settlement.UNKNOWN
        return False


def usage_reports(books: Bookkeeper, bounds: ReportBounds) -> UsageReports | None:
    """Return what takes reports, or None where the settings name no token."""
    if not bounds.usage_token:
        return None
    proxies = TrustedProxies(bounds.trusted_proxies)
    return UsageReports(books, bounds.usage_token, proxies, bounds.deadline_seconds)


def _read_records(body: bytes) -> Sequence[Mapping[str, object]]:
    """Return the records of a body.

    Octets that are no text are replaced: a log holds what any client sent as a header, and one
    client must not cost the others of its batch their settlement.
    """
    try:
        document = parse_json(body.decode("utf-8", "replace").encode(), _MAX_DEPTH)
    except NotStrictJson:
        raise RequestRefused(Reason.BODY_NOT_JSON) from None
    records = document if isinstance(document, list) else [document]
    if len(records) > MAX_RECORDS:
        raise RequestRefused(Reason.BODY_TOO_LARGE)
    objects = [record for record in records if isinstance(record, dict)]
    if len(objects) != len(records):
        raise RequestRefused(Reason.BODY_NOT_JSON)
    return objects


def _statuses(value: object) -> Sequence[int]:
    """Return one status for every upstream that was tried, none of what is no such list."""
    if type(value) is int:
        return (value,)
    if not isinstance(value, str) or not _STATUSES.fullmatch(value):
        return ()
    return [int(status) for status in re.split(r"\D+", value)]


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and _NOTHING_SENT.fullmatch(value) is not None


def _usage(record: Mapping[str, object], *, failed: bool) -> Usage | None:
    """Return what the record says that the call used; of a failed one only what was counted."""
    try:
        counted = Usage(
            _count(record.get("prompt_tokens")), _count(record.get("completion_tokens"))
        )
    except InvalidAmount:
        counted = Usage(0, 0)
    if counted.input_tokens or counted.output_tokens:
        return counted
    tail, head = record.get("usage"), record.get("usage_head", "")
    if failed or not isinstance(tail, str) or not isinstance(head, str):
        return None
    return usage_in_tail(_octets(tail), _octets(head))


def _count(value: object) -> int:
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value)
    if type(value) is int:
        return value
    raise InvalidAmount


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # half of a surrogate pair is no text
