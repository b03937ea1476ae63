"""Prices through the whole Gate: those that are published, and those of the settings in time."""

from datetime import UTC, datetime
from pathlib import Path

from gatepass.plugin import Gate, Usage
from gatepass.plugin.budgets.engine import Settlement
from support.books import counters
from support.clock import ManualClock
from support.gates import chat, chat_body, code_of, decide, open_gate, token

BUDGET = {"users": {"upsert": True, "defaults": {"budget": "$1"}}}


def spent(gate: Gate) -> int:
    """Return what is spent of the only budget, in nano-dollars."""
    (counter,) = counters(gate).values()
    return counter.spent


async def test_a_published_price_is_paid_part_by_part(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **BUDGET, budgets={}) as gate:
        usage = Usage(2000, 100, cached_tokens=1500, reasoning_tokens=60)
        body = chat_body(model="gpt-4o-mini", max_tokens=100)
        allowed = await decide(gate, chat(body=body))
        assert await gate.settle(allowed.request_id, usage) is Settlement.SETTLED
        assert spent(gate) == 500 * 150 + 1500 * 75 + 100 * 600
        body = chat_body(model="house-llm", max_tokens=100)
        assert await code_of(gate, chat(body=body)) == "price_unknown"


async def test_without_published_prices_only_the_settings_know_any(tmp_path: Path) -> None:
    budgets = {"published_prices": False}
    async with open_gate(tmp_path, **BUDGET, budgets=budgets) as gate:
        body = chat_body(model="gpt-4o-mini", max_tokens=100)
        assert await code_of(gate, chat(body=body)) == "price_unknown"


async def test_a_call_is_paid_at_the_price_of_its_moment(tmp_path: Path) -> None:
    price = {"model": "house-llm", "output": "$0", "max_output_tokens": 10}
    prices = [
        {**price, "input": "$1"},
        {**price, "input": "$2", "since": "2026-12-01"},
    ]
    midnight = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    clock = ManualClock(wall=midnight - 10)
    async with open_gate(tmp_path, clock, **BUDGET, budgets={"prices": prices}) as gate:

        def fresh() -> bytes:
            now = int(clock.wall())
            return token(exp=now + 300, nbf=now, iat=now)

        body = chat_body(model="house-llm")
        early = await decide(gate, chat(fresh(), body=body))
        clock.advance(10)
        late = await decide(gate, chat(fresh(), body=body))
        assert early.allowed
        assert late.allowed
        await gate.settle(late.request_id, Usage(1000, 0))
        assert spent(gate) == 2_000_000
        await gate.settle(early.request_id, Usage(1000, 0))
        assert spent(gate) == 3_000_000
