"""What an API calls the tokens that a call used, and what it counts them with.

OpenAI chat, completions and embeddings, Azure, and all who speak like them: `prompt_tokens` and
`completion_tokens`. OpenAI Responses: `input_tokens` and `output_tokens`. Of both, what is read
from a cache is a part of the input. Anthropic: the same two names, with what is kept in a cache or
read from it on top. Gemini: `promptTokenCount` with what tools put in on top, and
`candidatesTokenCount` with what was thought on top. Bedrock Converse: `inputTokens` and
`outputTokens`, Bedrock's own count of any model: `inputTokenCount` and `outputTokenCount`, both
with caches on top.

Where a total says more than input and output together (some count thoughts only there) the rest
was written by the model. A count that is no whole number, that is negative, or that is a part and
larger than its whole makes the usage unknown: a part can be cheap, and nobody may make it up
(SEC-59).
"""

from collections.abc import Mapping

from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.metering.prices import Usage

Members = Mapping[str, object]

_NO_MEMBERS: Members = {}
_AUDIO = "AUDIO"
_ONE_HOUR = "1h"


def usage_from(members: Members) -> Usage | None:
    """Return the usage that these members are, in the words of whichever API.

    Nothing at all is what is said where nothing was counted (a batch that waits, an image), and
    what costs nothing nobody reports.
    """
    try:
        if "prompt_tokens" in members:
            usage = _of_chat(members)
        elif "input_tokens" in members:
            usage = _of_messages(members)
        elif "promptTokenCount" in members:
            usage = _of_gemini(members)
        elif "inputTokens" in members:
            usage = _of_converse(members)
        elif "inputTokenCount" in members:
            usage = _of_invocation(members)
        else:
            return None
    except InvalidAmount:
        return None
    return usage if usage.input_tokens or usage.output_tokens else None


def _of_chat(members: Members) -> Usage:
    asked = _count(members, "prompt_tokens")
    total = _count_or_none(members, "total_tokens")
    answered = _count_or_none(members, "completion_tokens")
    if answered is None:  # embeddings have none and say so by their total
        if total is None:
            raise InvalidAmount
        answered = total - asked
    of_asked = _inner(members, "prompt_tokens_details")
    of_answered = _inner(members, "completion_tokens_details")
    thought = _part(of_answered, "reasoning_tokens")
    cached = (
        _part(of_asked, "cached_tokens")
        or _part(members, "prompt_cache_hit_tokens")
        or _part(members, "cached_tokens")
    )
    return Usage(
        asked,
        _with_thoughts(asked, answered, thought, total),
        cached_tokens=cached,
        cache_write_tokens=_part(of_asked, "cache_write_tokens"),
        reasoning_tokens=thought,
        input_audio_tokens=_part(of_asked, "audio_tokens"),
        output_audio_tokens=_part(of_answered, "audio_tokens"),
    )


def _of_messages(members: Members) -> Usage:
    """Read Anthropic's messages and OpenAI's Responses, which share their words but for caches."""
    asked, answered = _count(members, "input_tokens"), _count(members, "output_tokens")
    of_asked = _inner(members, "input_tokens_details")
    of_answered = _inner(members, "output_tokens_details")
    thought = _part(of_answered, "reasoning_tokens") or _part(of_answered, "thinking_tokens")
    read = _part(members, "cache_read_input_tokens")
    written = _part(members, "cache_creation_input_tokens")
    lasting = _part(_inner(members, "cache_creation"), "ephemeral_1h_input_tokens")
    asked += read + written
    total = _count_or_none(members, "total_tokens")
    return Usage(
        asked,
        _with_thoughts(asked, answered, thought, total),
        cached_tokens=read or _part(of_asked, "cached_tokens"),
        cache_write_tokens=written or _part(of_asked, "cache_write_tokens"),
        cache_write_1h_tokens=lasting,
        reasoning_tokens=thought,
    )


def _of_gemini(members: Members) -> Usage:
    thought = _count(members, "thoughtsTokenCount", 0)
    heard = _spoken(members, "promptTokensDetails")
    heard += _spoken(members, "toolUsePromptTokensDetails")
    return Usage(
        _count(members, "promptTokenCount") + _part(members, "toolUsePromptTokenCount"),
        _count(members, "candidatesTokenCount", 0) + thought,
        cached_tokens=_part(members, "cachedContentTokenCount"),
        reasoning_tokens=thought,
        input_audio_tokens=heard,
        cached_audio_tokens=_spoken(members, "cacheTokensDetails"),
        output_audio_tokens=_spoken(members, "candidatesTokensDetails"),
    )


def _of_converse(members: Members) -> Usage:
    read = _part(members, "cacheReadInputTokens") or _part(members, "cacheReadInputTokenCount")
    written = _part(members, "cacheWriteInputTokens") or _part(members, "cacheWriteInputTokenCount")
    return Usage(
        _count(members, "inputTokens") + read + written,
        _count(members, "outputTokens"),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=_listed(members, "cacheDetails", "ttl", _ONE_HOUR, "inputTokens"),
    )


def _of_invocation(members: Members) -> Usage:
    read = _part(members, "cacheReadInputTokenCount")
    written = _part(members, "cacheWriteInputTokenCount")
    return Usage(
        _count(members, "inputTokenCount") + read + written,
        _count(members, "outputTokenCount"),
        cached_tokens=read,
        cache_write_tokens=written,
    )


def _with_thoughts(asked: int, answered: int, thought: int, total: int | None) -> int:
    """Return the output with what was thought, which some count beside it."""
    if total is not None and total > asked + answered:
        return total - asked
    return answered + thought if thought > answered else answered


def _spoken(members: Members, name: str) -> int:
    return _listed(members, name, "modality", _AUDIO, "tokenCount")


def _listed(members: Members, name: str, kind: str, wanted: str, count: str) -> int:
    """Return the sum of the counts of one kind, in a list of counts by kind."""
    entries = members.get(name)
    if entries is None:
        return 0
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidAmount
    return sum(_part(entry, count) for entry in entries if entry.get(kind) == wanted)


def _inner(members: Members, name: str) -> Members:
    inner = members.get(name)
    if inner is None:
        return _NO_MEMBERS
    if not isinstance(inner, dict):
        raise InvalidAmount
    return inner


def _count(members: Members, name: str, missing: int | None = None) -> int:
    count = members.get(name, missing)
    if type(count) is not int or count < 0:
        raise InvalidAmount
    return count


def _count_or_none(members: Members, name: str) -> int | None:
    return None if members.get(name) is None else _count(members, name)


def _part(members: Members, name: str) -> int:
    """Return a count that may be missing."""
    count = members.get(name)
    if count is None:
        return 0
    if type(count) is not int or count < 0:
        raise InvalidAmount
    return count
