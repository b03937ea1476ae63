"""Answers of language models as they come over the wire, and what is read of them."""

import json
from collections.abc import Mapping
from typing import Any

from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage import usage_in_tail

HEAD, TAIL = 1024, 8 * 1024
CHAT: dict[str, Any] = {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42}
RESPONSES: Mapping[str, Any] = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 42,
}
EXPECTED = Usage(12, 30)
FORGED = '{"usage": {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 0}}'


def read(answer: str | bytes) -> Usage | None:
    """Read an answer as the snippet for Kong keeps it: its first and its last bytes."""
    octets = answer.encode() if isinstance(answer, str) else answer
    return usage_in_tail(octets[-TAIL:], octets[:HEAD])


def both(document: object) -> list[str]:
    return [json.dumps(document, separators=(",", ":")), json.dumps(document, indent=2)]


def events(*parts: object, named: bool = False, end: str = "\n\n") -> str:
    """Write a stream of events; texts stand for themselves."""
    written = []
    for part in parts:
        data = part if isinstance(part, str) else json.dumps(part)
        name = f"event: {part['type']}{end[:-1] or end}" if named and isinstance(part, dict) else ""
        written.append(f"{name}data: {data}{end}")
    return "".join(written)


def chat(text: str = "hi", **more: object) -> dict[str, object]:
    choices = [{"index": 0, "message": {"role": "assistant", "content": text}}]
    return {"id": "c-1", "object": "chat.completion", "choices": choices, "usage": CHAT, **more}
