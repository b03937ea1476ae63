"""What an upstream says in the headers of its response: what a call cost, and what it used.

A cost is dollars, as LiteLLM and its kin write them; which header it stands in the settings say.
Bedrock counts the tokens of any model that is invoked. What is no possible number is None: unknown.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Context, Decimal

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, NANO_PER_USD
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.metering.usage_words import usage_from

_DOLLARS = re.compile(rb"[0-9]{1,12}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_MAX_HEADER_BYTES = 64
_EXACT = Context(prec=100)
_COUNT = re.compile(r"[0-9]{1,12}")
_BEDROCK = {
    "x-amzn-bedrock-input-token-count": "inputTokenCount",
    "x-amzn-bedrock-output-token-count": "outputTokenCount",
    "x-amzn-bedrock-cache-read-input-token-count": "cacheReadInputTokenCount",
    "x-amzn-bedrock-cache-write-input-token-count": "cacheWriteInputTokenCount",
}


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


def usage_in_headers(headers: Mapping[str, object]) -> Usage | None:
    """Return what the headers of a response say that it used; their names are in lower case."""
    counts: dict[str, object] = {}
    for name, member in _BEDROCK.items():
        value = headers.get(name)
        if value is not None:
            is_count = isinstance(value, str) and _COUNT.fullmatch(value)
            counts[member] = int(str(value)) if is_count else value
    return usage_from(counts) if counts else None
