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
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any, cast

import msgspec

from gatepass.plugin.budgets.limits import (
    MAX_NANO_USD,
    NANO_PER_USD,
    InvalidAmount,
    check_amount,
)
from gatepass.plugin.metering.prices import Usage

_KEYS = (b'"usage"', b'"usageMetadata"')
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

_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_AI_PROXIES = ("proxy", "ai-proxy", "ai-proxy-advanced")
_DOLLARS = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_MAX_HEADER_BYTES = 64
_EXACT = Context(prec=100)


class _LogEntry(msgspec.Struct):
    ai: dict[str, object] = {}


class _Document(msgspec.Struct):
    usage: Any = None
    usage_metadata: Any = msgspec.field(default=None, name="usageMetadata")


_read_documents = msgspec.json.Decoder(_Document | list[_Document]).decode


def usage_in_tail(tail: bytes, head: bytes = b"") -> Usage | None:
    """Return what an answer says that it used, from its last bytes and, if cut, its first ones.

    Known are the answers of OpenAI (chat, completions, embeddings, Responses), Anthropic and
    Gemini, and of all who speak like them.
    """
    if _is_stream(tail, head):
        return _usage_of_stream(tail, head)
    found = next(_at_the_end(tail, _DOCUMENTS), None)
    return None if found is None else _whole_usage(found)


def usage_in_document(document: bytes) -> Usage | None:
    """Return the same for a JSON answer that is there as a whole; whatever else it holds."""
    try:
        read = _read_documents(document)
    except (ValueError, RecursionError):
        return None
    for part in reversed(read) if isinstance(read, list) else (read,):
        for members in (part.usage, part.usage_metadata):
            if isinstance(members, dict):
                return _whole_usage(members)
    return None


def usage_in_log(entry: bytes) -> Usage | None:
    """Return what Kong's own AI plugins counted, from the text of `kong.log.serialize`.

    Kong writes zeros for what it did not count; they are unknown, not free.
    """
    try:
        plugins = msgspec.json.decode(entry, type=_LogEntry).ai
    except (ValueError, RecursionError):
        return None
    for name in (*_AI_PROXIES, *plugins):
        usage = _member(plugins.get(name), "usage")
        if not isinstance(usage, dict):
            continue
        asked = usage.get("prompt_tokens", usage.get("prompt_token"))
        answered = usage.get("completion_tokens", usage.get("completion_token"))
        found = _usage((asked,), (answered,))
        if found is not None:
            return found
    return None


def cost_in_header(value: bytes) -> int | None:
    """Return a header's dollars as nano-dollars, rounded up; also such as 1.2e-05."""
    text = value.strip(b" \t")
    if len(text) > _MAX_HEADER_BYTES or not _DOLLARS.fullmatch(text):
        return None
    dollars = Decimal(text.decode("ascii"))
    nano = _EXACT.multiply(dollars, Decimal(NANO_PER_USD))
    if nano > MAX_NANO_USD:
        return None
    return int(nano.to_integral_value(ROUND_CEILING))


def _is_stream(tail: bytes, head: bytes) -> bool:
    if head:
        return head.lstrip(b"\xef\xbb\xbf\r\n").startswith(_EVENT_FIELDS)
    return any(line.startswith(_EVENT_FIELDS[:2]) for line in tail.splitlines())


def _usage_of_stream(tail: bytes, head: bytes) -> Usage | None:
    reports = _reports(tail, head)
    for kind, usage in reports:
        if kind == _FIRST_EVENT:
            return None  # nobody says what was written after it
        if kind == _LAST_EVENT:
            begun = next((first for kind, first in reports if kind == _FIRST_EVENT), {})
            given = {name: value for name, value in usage.items() if value is not None}
            return _whole_usage({**begun, **given})
        return _whole_usage(usage)
    return None


def _reports(tail: bytes, head: bytes) -> Iterator[tuple[object, Mapping[str, object]]]:
    """Yield the types and usages of the events that report one, the last first."""
    first, *lines = tail.splitlines() or [b""]
    for line in reversed(lines):
        yield from _report(line)
    if first.startswith(_EVENT_FIELDS):
        yield from _report(first)
    else:
        openings = _CUT_RESPONSES if _RESPONSES.search(head) else _CUT_EVENTS
        yield from ((None, usage) for usage in _at_the_end(first, openings))
    beginning, _, _ = head.rpartition(b"\n")  # an event cut in the middle reports nothing
    for line in beginning.splitlines():
        yield from _report(line)


def _report(line: bytes) -> Iterator[tuple[object, Mapping[str, object]]]:
    if not line.startswith(b"data:") or not any(key in line for key in _KEYS):
        return
    event = _decoded(line[5:])
    kind = _member(event, "type")
    for holder in (event, _member(event, "response"), _member(event, "message")):
        usage = _usage_member(holder)
        if usage is not None:
            yield kind, usage
            return


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


def _whole_usage(members: Mapping[str, object]) -> Usage | None:
    """Return the usage that these members are, in the words of whichever API."""
    if "promptTokenCount" in members:
        asked = (members["promptTokenCount"], members.get("toolUsePromptTokenCount", 0))
        answered = (members.get("candidatesTokenCount", 0), members.get("thoughtsTokenCount", 0))
        return _usage(asked, answered)
    if "prompt_tokens" in members:
        return _usage((members["prompt_tokens"],), (_completion(members),))
    # Anthropic counts what it keeps in its cache apart from the rest of the input.
    cached = (members.get(f"cache_{use}_input_tokens") for use in ("creation", "read"))
    return _usage(
        (members.get("input_tokens"), *(0 if tokens is None else tokens for tokens in cached)),
        (members.get("output_tokens"),),
    )


def _completion(members: Mapping[str, object]) -> object:
    """Return the completion's tokens; embeddings have none and say so by their total."""
    asked, total = members["prompt_tokens"], members.get("total_tokens")
    completion = members.get("completion_tokens")
    if completion is None and type(asked) is type(total) is int:
        return total - asked
    return completion


def _usage(asked: Sequence[object], answered: Sequence[object]) -> Usage | None:
    """Return the sums; None where a count is not a whole number, or no possible one.

    Nothing at all is what is said where nothing was counted (a batch that waits, an image), and
    what costs nothing nobody reports.
    """
    try:
        usage = Usage(sum(map(_tokens, asked)), sum(map(_tokens, answered)))
    except InvalidAmount:
        return None
    return usage if usage.input_tokens or usage.output_tokens else None


def _tokens(count: object) -> int:
    check_amount(count)
    return cast("int", count)
