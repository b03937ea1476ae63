"""What a call used, as the upstream's answer says: the `usage` member of a JSON body.

Two spellings are read: `prompt_tokens` with `completion_tokens` (chat completions; embeddings have
no completion) and `input_tokens` with `output_tokens` (responses, messages). Anything else is no
usage: None, never 0. Streams, cached and reasoning tokens are not read here.
"""

import json

from gatepass.plugin.budgets.limits import InvalidAmount
from gatepass.plugin.metering.prices import Usage


def usage_from_body(body: bytes) -> Usage | None:
    """Return the usage that a whole response body states, or None when it states none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    usage = document.get("usage") if isinstance(document, dict) else None
    if not isinstance(usage, dict):
        return None
    if "prompt_tokens" in usage:
        counts = usage["prompt_tokens"], usage.get("completion_tokens", 0)
    else:
        counts = usage.get("input_tokens"), usage.get("output_tokens")
    try:
        return Usage(*counts)
    except InvalidAmount:
        return None
