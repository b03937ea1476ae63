"""What a call used, read from its answer and priced: a model that was seen before.

The answers are those of tests/captures/providers, as a gateway keeps them: their first KiB and
their last 8 KiB. The price comes from the table that a deployment has by default, with a few
entries of its own. Counted is processor time: nothing here waits.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import BATCH, Figure

from gatepass.plugin.metering.price_table import PriceEntry, PriceTable
from gatepass.plugin.metering.published_prices import GenaiPrices
from gatepass.plugin.metering.usage import usage_in_document, usage_in_tail
from support.amazon_events import written

CAPTURES = Path(__file__).parents[1] / "captures" / "providers"
HEAD, TAIL = 1024, 8 * 1024
BOUND_MICROSECONDS = 15.0
NOW = 1_763_900_000.0
ANSWERS = {
    "openai_chat.json": "gpt-4o",
    "openai_chat.sse": "gpt-5",
    "openai_responses.sse": "gpt-5",
    "anthropic_messages.sse": "claude-sonnet-4-5",
    "gemini_generate.sse": "gemini-2.5-flash",
    "bedrock_converse.messages": "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
}


def metering(rounds: int, bare: float) -> list[Figure]:
    """Time extraction and price for an answer of each kind."""
    entries = [PriceEntry("own-*", 1, 2, 3), PriceEntry("own-model", 1, 2, 3, since=0.0)]
    table = PriceTable(entries, GenaiPrices())
    figures = []
    for name, model in ANSWERS.items():
        octets = (CAPTURES / name).read_bytes()
        if name.endswith(".messages"):
            octets = written(octets.decode())
        work = _extract_and_price(table, model, octets)
        figures.append(_figure(f"usage + price, {name}", work, rounds, bare))
    document = (CAPTURES / "openai_chat.json").read_bytes()

    def whole() -> None:
        usage = usage_in_document(document)
        price = table.price_of("gpt-4o", NOW)
        assert usage is not None
        assert price is not None
        price.cost_nano(usage)

    figures.append(_figure("usage + price, openai_chat.json as a whole", whole, rounds, bare))
    return figures


def _extract_and_price(table: PriceTable, model: str, octets: bytes) -> Callable[[], None]:
    tail, head = octets[-TAIL:], octets[:HEAD]

    def once() -> None:
        usage = usage_in_tail(tail, head)
        price = table.price_of(model, NOW)
        assert usage is not None
        assert price is not None
        price.cost_nano(usage)

    return once


def _figure(name: str, work: Callable[[], None], rounds: int, bare: float) -> Figure:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(BATCH):
            work()
        times.append((time.process_time() - start) / BATCH * 1e6)
    typical = statistics.median(times)
    return Figure(name, typical, typical / bare, BOUND_MICROSECONDS, bound_is_microseconds=True)
