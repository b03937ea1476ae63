"""What a record of a finished call says: plain, of APISIX's http-logger, or of Kong's http-log.

Rules, in order: the first of these that says something counts.

- `cost`: dollars, a number or text; and `prompt_tokens` and `completion_tokens`, counted by whoever
  reports; zeros count nothing;
- `usage`: the object of any API; or text, the end of a response, with `usage_head`, its beginning;
- `response`: the whole JSON answer, or in an entry of Kong's its status and headers, of which the
  one that the settings name has a cost, and those of Bedrock count tokens;
- `ai`: what Kong's own AI plugins counted.

Of a call that failed, by `status` or by the response's, only the first counts; of one that was cut
off (`complete` is false or "no") nothing does. What is no possible number is no usage (SEC-59).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.gateways.bookkeeper import cost_nothing
from gatepass.plugin.gateways.kong.marker import MARKER_PREFIX
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_answer, usage_in_tail, usage_of_ai
from gatepass.plugin.metering.usage_headers import cost_in_header, usage_in_headers
from gatepass.plugin.metering.usage_words import usage_from

Record = Mapping[str, object]

MAX_REQUEST_ID_CHARS = 128
MAX_TEXT_CHARS = 64 * 1024
"""So much of a response's end, and of its beginning, is looked at."""

_CUT_OFF = (False, "no", "false")
_COUNT = re.compile(r"[0-9]{1,12}")
_STATUSES = re.compile(r"[1-9][0-9]{2}(?:(?:, | : )[1-9][0-9]{2}){0,99}")
"""nginx lists one status for every upstream that it tried."""

_NOTHING_SENT = re.compile(r"0(?:(?:, | : )0){0,99}")
_SAYING = ("cost", "prompt_tokens", "completion_tokens", "usage")


class RecordCode(StrEnum):
    """What became of a record; docs/usage.md says it in sentences."""

    SETTLED = "settled"
    ALREADY_SETTLED = "already_settled"
    REQUEST_UNKNOWN = "request_unknown"
    USAGE_MISSING = "usage_missing"
    USAGE_INVALID = "usage_invalid"
    RECORD_UNREADABLE = "record_unreadable"


@dataclass(frozen=True, slots=True)
class Report:
    """What a record says: tokens, a cost in nano-dollars, both, or that the call cost nothing.

    `code` is why it says nothing, where it does not.
    """

    request_id: str
    usage: Usage | None
    cost_nano: int | None
    cost_nothing: bool
    code: RecordCode


def read_report(record: Record, cost_header: str | None) -> Report:
    """Return what a record says; `cost_header` is a header's name in lower case, or None."""
    answer = _mapping(record.get("response"))
    statuses = _statuses(record.get("status", answer.get("status")))
    failed = bool(statuses) and cost_nothing(statuses[-1], sent=False)
    usage, cost = None, None
    if record.get("complete") not in _CUT_OFF:
        usage, cost = _counted(record), _dollars(record.get("cost"))
        if not failed:
            headers = _headers(answer)
            if cost is None and cost_header is not None:
                cost = _dollars(headers.get(cost_header))
            usage = usage or _found(record, answer, headers)
    sent = not _is_nothing(record.get("bytes_sent"))
    says_so = any(record.get(name) not in (None, "", 0, "0") for name in _SAYING)
    return Report(
        _request_id(record.get("request_id")),
        usage,
        cost,
        bool(statuses) and all(cost_nothing(status, sent=sent) for status in statuses),
        RecordCode.USAGE_INVALID if says_so else RecordCode.USAGE_MISSING,
    )


def _request_id(value: object) -> str:
    """Return our id of a call, "" for what cannot be one (SEC-59).

    Kong's marker of a call that was let through has the id behind a prefix.
    """
    if not isinstance(value, str) or len(value) > MAX_REQUEST_ID_CHARS:
        return ""
    if not (value.isascii() and value.isprintable()):  # no database could look for it
        return ""
    return value.removeprefix(MARKER_PREFIX)


def _counted(record: Record) -> Usage | None:
    """Return what whoever reports has counted."""
    try:
        usage = Usage(_count(record.get("prompt_tokens")), _count(record.get("completion_tokens")))
    except InvalidAmount:
        return None
    return usage if usage.input_tokens or usage.output_tokens else None


def _found(record: Record, answer: Record, headers: Mapping[str, str]) -> Usage | None:
    """Return what stands in the response, or in what Kong says of it."""
    said, head = record.get("usage"), record.get("usage_head", "")
    if isinstance(said, dict):
        return usage_from(said)
    if isinstance(said, str) and isinstance(head, str):
        found = usage_in_tail(_octets(said[-MAX_TEXT_CHARS:]), _octets(head[:MAX_TEXT_CHARS]))
        if found is not None:
            return found
    ai = record.get("ai")
    return (
        usage_in_answer(answer)
        or usage_in_headers(headers)
        or (usage_of_ai(ai) if isinstance(ai, dict) else None)
    )


def _headers(answer: Record) -> Mapping[str, str]:
    """Return the headers of a response that have one value, with lower names."""
    headers = _mapping(answer.get("headers"))
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def _mapping(value: object) -> Record:
    return value if isinstance(value, dict) else {}


def _dollars(value: object) -> int | None:
    if type(value) is int or type(value) is float:
        value = repr(value)
    return cost_in_header(value.encode("utf-8", "replace")) if isinstance(value, str) else None


def _statuses(value: object) -> Sequence[int]:
    """Return one status for every upstream that was tried, none of what is no such list."""
    if type(value) is int:
        return (value,)
    if not isinstance(value, str) or not _STATUSES.fullmatch(value):
        return ()
    return [int(status) for status in re.split(r"\D+", value)]


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and _NOTHING_SENT.fullmatch(value) is not None


def _count(value: object) -> int:
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value)
    if type(value) is int:
        return value
    raise InvalidAmount


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # half of a surrogate pair is no text
