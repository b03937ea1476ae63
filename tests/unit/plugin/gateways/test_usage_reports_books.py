"""Reports of finished calls, with the books of a real Gate behind the page."""

import json
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.usage_reports import usage_reports
from support.asgi import body_messages, exchange, http_scope
from support.clock import ManualClock
from support.doors import ScriptedDecider
from support.gates import PRICES, chat, code_of, decide, open_gate, token
from support.usage_desk import GOOD, TOKEN, Reporting

ENGINES = pytest.mark.parametrize("engine", ["memory", "sql"])
SMALL = {
    "users": {"upsert": True, "defaults": {"budget": "$0.02"}},
    "doors": {"http": {"usage_token": TOKEN.decode()}},
}


async def report(gate: Gate, *records: object) -> tuple[int, list[str]]:
    """Return how many records settled something, and the codes of the others."""
    app = decision_app(ScriptedDecider(), Reporting(), usage_reports(gate, Reporting()))
    scope = http_scope("POST", b"/usage", [GOOD], client=("127.0.0.1", 4711))
    done = await exchange(app, scope, body_messages(json.dumps(records).encode()))
    assert (done.status, app.faults) == (200, 0)
    told = json.loads(done.body)
    return told["settled"], [problem["code"] for problem in told["problems"]]


@ENGINES
async def test_sec_59_an_id_that_no_database_takes_costs_no_other_call_its_settlement(
    tmp_path: Path, engine: str
) -> None:
    budgets = {"engine": engine, "prices": PRICES}
    async with open_gate(tmp_path, budgets=budgets, **SMALL) as gate:
        call = await decide(gate, chat())
        odd = [{"request_id": name, "status": 500} for name in ("\ud800x", "r\0", "\u20ac")]
        good = {"request_id": call.request_id, "prompt_tokens": 5, "completion_tokens": 5}
        assert await report(gate, *odd, good) == (1, ["request_unknown"] * 3)
        assert await code_of(gate, chat()) == "allowed"


@ENGINES
@pytest.mark.parametrize("said", [{"status": 200}, {"status": 504}, {"complete": "no"}, {}])
async def test_sec_59_a_call_without_a_usage_costs_its_estimate_until_one_is_reported(
    tmp_path: Path, engine: str, said: dict[str, object]
) -> None:
    clock = ManualClock()
    bearer = token(exp=int(clock.wall()) + 3600)
    budgets = {"engine": engine, "prices": PRICES}
    async with open_gate(tmp_path, clock, budgets=budgets, **SMALL) as gate:
        call = await decide(gate, chat(bearer))
        clock.advance(300)
        assert await report(gate, {"request_id": call.request_id, **said}) == (0, ["usage_missing"])
        clock.advance(301)  # what nobody reports would be released by now
        assert await code_of(gate, chat(bearer)) == "budget_exceeded"
        usage = {"request_id": call.request_id, "prompt_tokens": 5, "completion_tokens": 5}
        assert await report(gate, usage) == (1, [])
        assert await code_of(gate, chat(bearer)) == "allowed"
