"""What a call used, read from what its upstream or the gateway says of it.

An answer may be JSON or a stream of events, and only its beginning and its end may be at hand. So
nothing is believed for standing somewhere in the bytes: an object counts where its members close
exactly as many levels as they must up to the end of the document, or in an event that is there as a
whole. Text that a model wrote, and objects that a client sent and the upstream repeats, stand in
strings or deeper. What says less than a whole call's use (a stream cut off after its first event)
says nothing. None always means: unknown; whoever asks decides what that costs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gatepass.plugin.metering.event_stream import (
    events_in,
    payloads_at_the_end,
    payloads_at_the_start,
)
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage_headers import usage_in_headers
from gatepass.plugin.metering.usage_words import usage_from

_KEYS = (b'"usage"', b'"usageMetadata"')
_KEY_BEGINS = b'"usage'
_MAX_CANDIDATES = 16
"""How many keys of such a name are tried in what may be cut; a client could fill it with them."""

_FIRST_EVENT, _LAST_EVENT = "message_start", "message_delta"
"""Anthropic's: the input is counted in the one, the output in the other."""

_DOCUMENTS = ((b"{", ()), (b"[{", (0,)))
_CUT_EVENTS = ((b"{", ()),)
_CUT_RESPONSES = (*_CUT_EVENTS, (b'{"response":{', ("response",)))
"""What is open where the key of a usage stands, and the way back to it. That an event which is cut
has a response around its usage nobody sees: any member that a client sent could be what is open."""

_RESPONSES = re.compile(
    rb'^(?:event:\s*response\.|data:\s*\{\s*(?:"type"\s*:\s*"response\.|"response"\s*:\s*\{))',
    re.MULTILINE,
)
"""An event of the Responses API, or of others who put a response around their answer."""

_COUNTED = "amazon-bedrock-invocationMetrics"
_ZERO = b"\0"
"""Stands in every binary stream and in no JSON."""

Report = tuple[object, Mapping[str, object]]
"""The type of an event and the usage that stands in it."""

_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_AI_PROXIES = ("proxy", "ai-proxy", "ai-proxy-advanced")


class _LogResponse(msgspec.Struct):
    headers: dict[str, object] = {}


class _LogEntry(msgspec.Struct):
    ai: dict[str, object] = {}
    response: _LogResponse = msgspec.field(default_factory=_LogResponse)


class _Document(msgspec.Struct):
    usage: Any = None
    usage_metadata: Any = msgspec.field(default=None, name="usageMetadata")


_read_documents = msgspec.json.Decoder(_Document | list[_Document]).decode


def usage_in_tail(tail: bytes, head: bytes = b"") -> Usage | None:
    """Return what an answer says that it used, from its last bytes and, if cut, its first ones.

    Known are the answers of OpenAI (chat, completions, embeddings, Responses), Anthropic, Gemini
    and Bedrock, and of all who speak like them.
    """
    if _is_stream(tail, head):
        return _merged(_reports(tail, head))
    if _ZERO in tail:
        return _usage_of_messages(tail, head)
    found = next(_at_the_end(tail, _DOCUMENTS), None)
    return None if found is None else usage_from(found)


def usage_in_document(document: bytes) -> Usage | None:
    """Return the same for a JSON answer that is there as a whole; whatever else it holds."""
    try:
        read = _read_documents(document)
    except (ValueError, RecursionError):
        return None
    for part in reversed(read) if isinstance(read, list) else (read,):
        for members in (part.usage, part.usage_metadata):
            if isinstance(members, dict):
                return usage_from(members)
    return None


def usage_in_answer(answer: Mapping[str, object]) -> Usage | None:
    """Return the same for an answer that was parsed already."""
    members = _usage_member(answer)
    return None if members is None else usage_from(members)


def usage_in_log(entry: bytes) -> Usage | None:
    """Return what Kong's own AI plugins counted, from the text of `kong.log.serialize`.

    Where they did not, it is what stands in the headers of the response.
    Kong writes zeros for what it did not count; they are unknown, not free.
    """
    try:
        read = msgspec.json.decode(entry, type=_LogEntry)
    except (ValueError, RecursionError):
        return None
    return usage_of_ai(read.ai) or usage_in_headers(read.response.headers)


def usage_of_ai(plugins: Mapping[str, object]) -> Usage | None:
    """Return the same from the member `ai` of such an entry."""
    for name in (*_AI_PROXIES, *plugins):
        usage = _member(plugins.get(name), "usage")
        if not isinstance(usage, dict):
            continue
        asked = usage.get("prompt_tokens", usage.get("prompt_token"))
        answered = usage.get("completion_tokens", usage.get("completion_token"))
        found = usage_from({**usage, "prompt_tokens": asked, "completion_tokens": answered})
        if found is not None:
            return found
    return None


def _is_stream(tail: bytes, head: bytes) -> bool:
    if head:
        return head.lstrip(b"\xef\xbb\xbf\r\n").startswith(_EVENT_FIELDS)
    return any(line.startswith(_EVENT_FIELDS[:2]) for line in tail.splitlines())


def _usage_of_messages(tail: bytes, head: bytes) -> Usage | None:
    """Return the usage of a binary stream; its last word is what Bedrock itself has counted."""
    payloads = payloads_at_the_end(tail)
    merged = _merged(
        _reported(_decoded(text))
        for octets in (payloads, None)
        for payload in reversed(payloads_at_the_start(head) if octets is None else octets)
        for text in events_in(payload)
    )
    if merged is not None or not payloads:
        return merged
    *_, last = events_in(payloads[-1])
    counted = _member(_decoded(last), _COUNTED)
    return usage_from(counted) if isinstance(counted, dict) else None


def _merged(reports: Iterator[Report | None]) -> Usage | None:
    """Return what the reports of a stream say together; the last one comes first."""
    whole = (report for report in reports if report is not None)
    for kind, usage in whole:
        if kind == _FIRST_EVENT:
            return None  # nobody says what was written after it
        if kind == _LAST_EVENT:
            begun = next((first for kind, first in whole if kind == _FIRST_EVENT), {})
            given = {name: value for name, value in usage.items() if value is not None}
            return usage_from({**begun, **given})
        return usage_from(usage)
    return None


def _reports(tail: bytes, head: bytes) -> Iterator[Report | None]:
    """Yield the types and usages of the events that report one, the last first."""
    for begin, line in _lines_with_usage(tail):
        if begin or line.startswith(_EVENT_FIELDS):
            yield _report(line)
        else:
            openings = _CUT_RESPONSES if _RESPONSES.search(head) else _CUT_EVENTS
            yield from ((None, usage) for usage in _at_the_end(line, openings))
    beginning, _, _ = head.rpartition(b"\n")  # an event cut in the middle reports nothing
    for _, line in _lines_with_usage(beginning):
        yield _report(line)


def _lines_with_usage(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines in which such a key stands, and where they begin, the last first."""
    begin = len(octets)
    while (key := octets.rfind(_KEY_BEGINS, 0, begin)) >= 0:
        ends = (octets.find(b"\n", key, begin), octets.find(b"\r", key, begin))
        end = min((end for end in ends if end >= 0), default=begin)
        begin = max(octets.rfind(b"\n", 0, key), octets.rfind(b"\r", 0, key)) + 1
        yield begin, octets[begin:end]


def _report(line: bytes) -> Report | None:
    return _reported(_decoded(line[5:])) if line.startswith(b"data:") else None


def _reported(event: object) -> Report | None:
    """Return the type and the usage of an event that reports one."""
    for holder in (event, _member(event, "response"), _member(event, "message")):
        usage = _usage_member(holder)
        if usage is not None:
            return _member(event, "type"), usage
    return None


def _at_the_end(
    cut: bytes, openings: Sequence[tuple[bytes, Sequence[int | str]]]
) -> Iterator[Mapping[str, object]]:
    """Yield the last usage whose members, behind one of the openings, end the document.

    Everything from a key on, behind what must have been open before it, is a document exactly if
    the key was one at that depth: inside a string every quote would have a backslash.
    """
    start = len(cut)
    for _ in range(_MAX_CANDIDATES):
        start = max(cut.rfind(key, 0, start) for key in _KEYS)
        if start < 0:
            return
        if not cut[:start].rstrip().endswith((b"{", b",")):
            continue
        for opening, path in openings:
            document = _decoded(opening + cut[start:])
            for step in path:
                document = document and document[step]  # as it was opened
            usage = _usage_member(document)
            if usage is not None:
                yield usage
                return


def _decoded(text: bytes) -> Any:  # noqa: ANN401 - whatever an upstream may write
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _usage_member(value: object) -> Mapping[str, object] | None:
    for name in ("usage", "usageMetadata"):
        usage = _member(value, name)
        if isinstance(usage, dict):
            return usage
    return None
