"""What gateways report of finished calls: `POST /usage` settles by it.

Rules, in order: the peer must be a configured proxy and send the token of the settings; no more
reports are under way than can be held; the body is read up to a limit and within the deadline; it
is one record, a list of them, or one on every line, in strict JSON. A record names the call by our
own id and says something of it (usage_records.py).

A record that says nothing has the estimate charged until another one says more: the call has ended,
and is not free because a stream had no usage. An id that is unknown is nobody's. The same report
may come again. The answer says of every record that settled nothing why. What cannot be written
down right now is refused as a whole, to be sent again later: what was settled of it is not settled
twice. Nothing of a record is logged.
"""

import asyncio
import hmac
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from gatepass.jwks.encoding import NotStrictJson, parse_json
from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.errors import RequestRefused, StoreUnavailable
from gatepass.plugin.gateways.bodies import read_body
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.peers import Network, TrustedProxies
from gatepass.plugin.gateways.promptly import Promptly
from gatepass.plugin.gateways.refused_reports import RefusedReports
from gatepass.plugin.gateways.usage_records import Record, RecordCode, read_report
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

MAX_BODY_BYTES = 1024 * 1024
MAX_RECORDS = 1000
MAX_UNDER_WAY = 64
"""So many reports are held at a time: 64 MiB at most."""

RETRY_AFTER_SECONDS = 5
_MAX_DEPTH = 24
_RECORDS_PER_TURN = 64
"""So many are settled at a time, which one write of the ledger can serve."""

_UNREADABLE: Record = {}


class ComeLater(RequestRefused):
    """The report cannot be taken right now; after `RETRY_AFTER_SECONDS` it may be."""


class Outcome:
    """What became of the records of a report, by their places in it."""

    def __init__(self) -> None:
        self._codes: dict[int, RecordCode] = {}

    def note(self, place: int, code: RecordCode) -> None:
        """Note what became of a record."""
        self._codes[place] = code

    def to_json(self) -> Mapping[str, object]:
        """Return how many settled something, and why the others did not."""
        codes = list(self._codes.values())
        settled = codes.count(RecordCode.SETTLED)
        repeated = codes.count(RecordCode.ALREADY_SETTLED)
        done = (RecordCode.SETTLED, RecordCode.ALREADY_SETTLED)
        return {
            "settled": settled,
            "already_settled": repeated,
            "unknown": len(codes) - settled - repeated,
            "problems": [
                {"record": place, "code": code.value}
                for place, code in sorted(self._codes.items())
                if code not in done
            ],
        }


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

    @property
    def cost_header(self) -> bytes | None:
        """The header of a response in which its upstream names the cost, in lower case."""
        ...


class UsageReports:
    """Takes reports of whoever knows the token and comes from one of the proxies."""

    def __init__(self, books: Bookkeeper, bounds: ReportBounds, token: bytes) -> None:
        self._books = books
        self._authorization = b"Bearer " + token
        self._proxies = TrustedProxies(bounds.trusted_proxies)
        self._seconds = bounds.deadline_seconds
        self._cost_header = None if bounds.cost_header is None else bounds.cost_header.decode()
        self._refused = RefusedReports()
        self._under_way = 0

    async def take(self, scope: "Scope", receive: "Receive") -> Outcome:
        """Settle by the report that one HTTP request brings.

        Raises:
            ComeLater: too many reports are under way, or the cost cannot be written down now.
            RequestRefused: an unknown peer, a wrong token, or a body that is no report.

        """
        if not self._proxies.include(scope):
            raise RequestRefused(Reason.UNTRUSTED_PROXY)
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(values) != 1 or not hmac.compare_digest(values[0], self._authorization):
            self._refused.note()
            raise RequestRefused(Reason.NO_TOKEN)
        if self._under_way >= MAX_UNDER_WAY:
            raise ComeLater(Reason.OVERLOADED)
        self._under_way += 1
        try:
            return await self._settle_all(_read_records(await self._body(receive)))
        except ExceptionGroup as several:
            _, others = several.split(StoreUnavailable)
            if others is not None:
                raise others.exceptions[0] from None
            raise ComeLater(Reason.STORE_ERROR) from None
        finally:
            self._under_way -= 1

    async def _body(self, receive: "Receive") -> bytes:
        until = asyncio.get_running_loop().time() + self._seconds
        try:
            body = await Promptly(read_body(receive, MAX_BODY_BYTES, []), until)
        except TimeoutError:
            raise RequestRefused(Reason.DEADLINE) from None
        if isinstance(body, BodyState):
            raise RequestRefused(Reason.BODY_TOO_LARGE)
        return body or b""

    async def _settle_all(self, records: Sequence[Record]) -> Outcome:
        outcome = Outcome()
        numbered = iter(enumerate(records))
        while turn := list(islice(numbered, _RECORDS_PER_TURN)):
            calls: dict[object, list[tuple[int, Record]]] = {}
            for place, record in turn:  # what is said of one call counts in its order
                calls.setdefault(str(record.get("request_id")), []).append((place, record))
            async with asyncio.TaskGroup() as settling:
                for said in calls.values():
                    settling.create_task(self._settle_call(said, outcome))
        return outcome

    async def _settle_call(self, said: Sequence[tuple[int, Record]], outcome: Outcome) -> None:
        for place, record in said:
            outcome.note(place, await self._settle(record))

    async def _settle(self, record: Record) -> RecordCode:
        if record is _UNREADABLE:
            return RecordCode.RECORD_UNREADABLE
        report = read_report(record, self._cost_header)
        if not report.request_id or not self._books.may_be_settled(report.request_id):
            return RecordCode.REQUEST_UNKNOWN
        if report.cost_nano is not None:
            done = await self._books.settle_cost(report.request_id, report.cost_nano, report.usage)
        elif report.usage is not None:
            done = await self._books.settle(report.request_id, report.usage)
        elif report.cost_nothing:
            done = await self._books.release(report.request_id)
        else:
            done = await self._books.settle_estimate(report.request_id)
            return _CODES[done] if done is Settlement.UNKNOWN else report.code
        return _CODES[done]


_CODES = {
    Settlement.SETTLED: RecordCode.SETTLED,
    Settlement.ALREADY_SETTLED: RecordCode.ALREADY_SETTLED,
    Settlement.UNKNOWN: RecordCode.REQUEST_UNKNOWN,
}


def usage_reports(books: Bookkeeper, bounds: ReportBounds) -> UsageReports | None:
    """Return what takes reports, or None where the settings name no token."""
    return UsageReports(books, bounds, bounds.usage_token) if bounds.usage_token else None


def _read_records(body: bytes) -> Sequence[Record]:
    """Return the records of a body.

    Octets that are no text are replaced: a log holds what any client sent as a header, and one
    client must not cost the others of its batch their settlement.
    """
    text = body.decode("utf-8", "replace").encode()
    try:
        document = parse_json(text, _MAX_DEPTH)
    except NotStrictJson:
        records: list[object] = list(islice(_records_by_line(text), MAX_RECORDS + 1))
        if all(record is _UNREADABLE for record in records):
            raise RequestRefused(Reason.BODY_NOT_JSON) from None
    else:
        records = document if isinstance(document, list) else [document]
    if len(records) > MAX_RECORDS:
        raise RequestRefused(Reason.BODY_TOO_LARGE)
    objects = [record for record in records if isinstance(record, dict)]
    if len(objects) != len(records):
        raise RequestRefused(Reason.BODY_NOT_JSON)
    return objects


def _records_by_line(text: bytes) -> Iterator[Record]:
    for line in text.splitlines():
        if line.strip():
            try:
                record = parse_json(line, _MAX_DEPTH)
            except NotStrictJson:
                record = None
            yield record if isinstance(record, dict) else _UNREADABLE
