"""Whole decisions whose budgets are counted in a real Valkey: shared, away, and lent meanwhile."""

import asyncio
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Usage
from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.reasons import Reason
from support.gates import OPEN_RULES, PRICES, chat, chat_body, decide, open_gate
from support.valkey import ValkeyProcess, valkey_process

ONE_CALL = chat_body(max_tokens=1_000)  # $0.0100 for the answer, and less for the question
USAGE = Usage(10, 500)


def counted(valkey: ValkeyProcess, proxy: str = "$0.026", **profile: object) -> dict[str, object]:
    return {
        "stores": {"redis": valkey.url()},
        "budgets": {"engine": "redis", "proxy": proxy, "prices": PRICES},
        "profiles": {"default": {**OPEN_RULES, **profile}},
    }


async def ask(gate: Gate) -> tuple[Reason, str]:
    decision = await decide(gate, chat(body=ONE_CALL))
    return decision.reason, decision.request_id or ""


async def test_several_processes_share_what_is_left(valkey: ValkeyProcess, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    async with (
        open_gate(tmp_path / "one", **counted(valkey)) as one,
        open_gate(tmp_path / "other", **counted(valkey)) as other,
    ):
        assert await one.is_ready()
        reason, first = await ask(one)
        assert reason is Reason.ALLOWED
        assert (await ask(other))[0] is Reason.ALLOWED
        assert (await ask(one))[0] is Reason.BUDGET_EXCEEDED
        assert await other.settle(first, USAGE) is Settlement.SETTLED
        assert await one.settle(first, USAGE) is Settlement.ALREADY_SETTLED
        assert (await ask(one))[0] is Reason.ALLOWED, "half of the first is free again"
        assert (await ask(other))[0] is Reason.BUDGET_EXCEEDED


async def test_sec_59_nothing_passes_while_nobody_can_count(tmp_path: Path) -> None:
    with valkey_process(durable=True) as server:
        async with open_gate(tmp_path, **counted(server)) as gate:
            assert (await ask(gate))[0] is Reason.ALLOWED
            server.stop()
            assert (await ask(gate))[0] is Reason.STORE_ERROR
            assert not await gate.is_ready()


async def test_what_a_profile_lends_is_bounded_and_charged_when_it_is_back(tmp_path: Path) -> None:
    lending = {"routes": ["openai_routes"], "spend": "$0.025", "time": "5m"}
    with valkey_process(durable=True) as server:
        settings = counted(server, "$100", allow_uncounted=lending)
        async with open_gate(tmp_path, **settings) as gate:
            server.stop()
            reason, first = await ask(gate)
            assert reason is Reason.ALLOWED
            reason, second = await ask(gate)
            assert reason is Reason.ALLOWED
            assert (await ask(gate))[0] is Reason.STORE_ERROR, "two are all that is lent"
            with pytest.raises(StoreUnavailable):
                await gate.settle(first, USAGE)
            server.start()
            settled = None
            while settled is None:
                try:
                    settled = await gate.settle(second, USAGE)
                except StoreUnavailable:
                    await asyncio.sleep(0.02)
            assert settled is Settlement.SETTLED
            assert await gate.settle(first, USAGE) in set(Settlement) - {Settlement.UNKNOWN}
            with server.client() as client:
                rows = client.xlen("{gatepass}:ledger")
                assert rows <= 2, "whatever the ledger has taken already is gone from here"


async def test_other_routes_are_not_lent_to(tmp_path: Path) -> None:
    lending = {"routes": ["/v1/embeddings"], "spend": "$100", "time": "5m"}
    with valkey_process() as server:
        async with open_gate(tmp_path, **counted(server, allow_uncounted=lending)) as gate:
            server.stop()
            assert (await ask(gate))[0] is Reason.STORE_ERROR
