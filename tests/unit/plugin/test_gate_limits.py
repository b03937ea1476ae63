"""Limits of every scope through the whole Gate: which one refuses, what is written down, proofs."""

import json
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Usage
from gatepass.plugin.budgets.engine import Admitted, Call, EngineRules, Settlement
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.decision import Allow, BodyWanted, Decision
from gatepass.plugin.request import BodyState
from support.books import reserved
from support.clock import ManualClock
from support.directories import query
from support.gates import PRICES, chat, chat_body, code_of, decide, open_gate, token

CALLER = token(user="ann", team="red", customer="shop")
PLENTY = "$1000"


def sections(scope: str, budget: str = "$0.02 per 1d") -> dict[str, object]:
    """Return settings in which the rows of one scope have little, and all others plenty."""

    def of(name: str) -> str:
        return budget if name == scope else PLENTY

    return {
        "users": {"upsert": True, "defaults": {"budget": of("user")}},
        "teams": {
            "upsert": True,
            "defaults": {"budget": of("team"), "member_budget": of("member")},
        },
        "end_users": {"upsert": True, "defaults": {"budget": of("end_user")}},
        "budgets": {"prices": PRICES, "proxy": of("proxy")},
    }


def limit_of(decision: Decision | None) -> tuple[str, str]:
    assert decision is not None
    assert not isinstance(decision, Allow)
    assert decision.limit is not None
    return decision.limit.scope.value, decision.limit.unit.value


@pytest.mark.parametrize("scope", ["team", "user", "end_user", "proxy"])
async def test_whose_limit_is_used_up_is_named(tmp_path: Path, scope: str) -> None:
    async with open_gate(tmp_path, **sections(scope)) as gate:
        assert [await code_of(gate, chat(CALLER)) for _ in range(2)] == [
            "allowed",
            "budget_exceeded",
        ]
        refused = await decide(gate, chat(CALLER))
        assert limit_of(refused) == (scope, "money")
        error = json.loads(refused.body)["error"]
        assert error["limit"]["scope"] == scope
        assert (error["limit"]["left"] is None) == (scope == "proxy")


async def test_a_member_has_a_share_of_the_team(tmp_path: Path) -> None:
    little = sections("member")
    little["users"] = {"upsert": True, "defaults": {"teams": ["red"]}}
    async with open_gate(tmp_path, **little) as gate:
        assert await code_of(gate, chat(token(user=None, team="red"))) == "allowed"
        codes = [await code_of(gate, chat(CALLER)) for _ in range(2)]
        assert codes == ["allowed", "budget_exceeded"]
        assert limit_of(await decide(gate, chat(CALLER))) == ("member", "money")
        other = token(user="ben", sub="ben", team="red")
        assert await code_of(gate, chat(other)) == "allowed"


async def test_who_is_in_a_team_by_the_token_alone_has_the_share_too(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **sections("member")) as gate:
        codes = [await code_of(gate, chat(CALLER)) for _ in range(2)]
        assert codes == ["allowed", "budget_exceeded"]
        assert limit_of(await decide(gate, chat(CALLER))) == ("member", "money")
        other = token(user="ben", sub="ben", team="red")
        assert await code_of(gate, chat(other)) == "allowed"
        assert query(tmp_path / "gatepass.db", "SELECT * FROM memberships") == []


async def test_an_organization_has_a_limit_of_its_own(tmp_path: Path) -> None:
    async with open_gate(tmp_path):
        pass
    query(
        tmp_path / "gatepass.db",
        "INSERT INTO budgets (budget_id, anchor, limit_requests) VALUES ('b', 0, 1)",
    )
    query(
        tmp_path / "gatepass.db",
        """INSERT INTO organizations (organization_id, models, budget_id)
           VALUES ('acme', '"all"', 'b')""",
    )
    async with open_gate(tmp_path) as gate:
        bearer = token(org="acme")
        assert await code_of(gate, chat(bearer)) == "allowed"
        refused = await decide(gate, chat(bearer))
        assert limit_of(refused) == ("organization", "requests")
        assert b'"left": null' in refused.body


async def test_a_persons_own_limit_may_hold_without_a_team_only(tmp_path: Path) -> None:
    little = sections("user", "$0")
    little["budgets"] = {"prices": PRICES, "user_limit_when_team_pays": "without_team"}
    async with open_gate(tmp_path, **little) as gate:
        assert await code_of(gate, chat(CALLER)) == "allowed"
        assert limit_of(await decide(gate, chat(token(user="ann")))) == ("user", "money")


@pytest.mark.parametrize(
    ("budget", "unit", "passing"),
    [
        ("3 requests per day", "requests", 3),
        ("3000 tokens per day", "tokens", 2),
        ("$10 and 1 request", "requests", 1),
        ("soft $0.01 per day", "", 5),
    ],
)
async def test_other_units_are_counted_too(
    tmp_path: Path, budget: str, unit: str, passing: int
) -> None:
    async with open_gate(tmp_path, **sections("user", budget)) as gate:
        decisions = [await decide(gate, chat(CALLER)) for _ in range(5)]
        assert [one.allowed for one in decisions] == [at < passing for at in range(5)]
        if passing < 5:
            assert limit_of(decisions[-1]) == ("user", unit)


async def test_a_failed_call_counts_as_no_request(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **sections("user", "1 request")) as gate:
        for _ in range(3):
            allowed = await decide(gate, chat(CALLER))
            assert allowed.allowed
            await gate.release(allowed.request_id)
        paid = await decide(gate, chat(CALLER))
        await gate.settle(paid.request_id, Usage(1, 1))
        assert await code_of(gate, chat(CALLER)) == "budget_exceeded"


async def test_a_limit_for_models_binds_these_alone(tmp_path: Path) -> None:
    dear = [{"model": "gpt-4o", "budget": "1 request per day"}]
    users = {"upsert": True, "defaults": {"budget": PLENTY, "model_budgets": dear}}
    async with open_gate(tmp_path, users=users) as gate:
        assert await code_of(gate, chat()) == "allowed"
        refused = await decide(gate, chat())
        assert limit_of(refused) == ("user", "requests")
        assert b'"model": "gpt-4o"' in refused.body
        assert await code_of(gate, chat(body=chat_body(model="gpt-4o-mini"))) == "allowed"


@pytest.mark.parametrize("spelled", ["GPT-4o", "openai/gpt-4o", "Azure/gpt-4O", "acme/gpt-4o"])
async def test_sec_59_another_spelling_is_no_way_around_a_limit_for_models(
    tmp_path: Path, spelled: str
) -> None:
    dear = [{"model": "gpt-4o*", "budget": "1 request per day"}]
    teams = {"upsert": True, "defaults": {"model_budgets": dear}}
    providers = {"acme": ["gpt-4o"]}
    async with open_gate(tmp_path, teams=teams, providers=providers, budgets={}) as gate:
        request = chat(CALLER, body=chat_body(model=spelled))
        codes = [await code_of(gate, request) for _ in range(2)]
        assert codes == ["allowed", "budget_exceeded"]
        assert await code_of(gate, chat(CALLER)) == "budget_exceeded"


@pytest.mark.parametrize(("mode", "passing"), [("strict", 1), ("fit", 2), ("after", 5)])
async def test_what_a_call_must_leave_room_for_is_a_setting(
    tmp_path: Path, mode: str, passing: int
) -> None:
    settings = sections("user")
    settings["budgets"] = {"prices": PRICES, "admission": mode}
    async with open_gate(tmp_path, **settings) as gate:
        codes = [await code_of(gate, chat(CALLER)) for _ in range(5)]
        assert codes == ["allowed"] * passing + ["budget_exceeded"] * (5 - passing)


@pytest.mark.parametrize(
    ("unsettled", "second"), [("charge", "budget_exceeded"), ("release", "allowed")]
)
async def test_how_an_overdue_call_ends_is_a_setting(
    tmp_path: Path, unsettled: str, second: str
) -> None:
    clock = ManualClock()
    bearer = token(exp=int(clock.wall()) + 3600)
    users = {"upsert": True, "defaults": {"budget": "$0.02 per 1d"}}
    budgets = {"prices": PRICES, "unsettled": unsettled}
    async with open_gate(tmp_path, clock, users=users, budgets=budgets) as gate:
        assert await code_of(gate, chat(bearer)) == "allowed"
        clock.advance(601)
        assert await code_of(gate, chat(bearer)) == second


@pytest.mark.parametrize(
    ("budgets", "code"),
    [
        ({}, "price_unknown"),
        ({"unknown_models": "dearest"}, "budget_exceeded"),
        ({"free_models": ["ours"]}, "allowed"),
    ],
)
async def test_models_without_a_price_go_by_the_settings(
    tmp_path: Path, budgets: dict[str, object], code: str
) -> None:
    users = {"upsert": True, "defaults": {"budget": "$0.001"}}
    budgets = {"prices": PRICES, "published_prices": False, **budgets}
    async with open_gate(tmp_path, users=users, budgets=budgets) as gate:
        assert await code_of(gate, chat(body=chat_body(model="ours"))) == code


async def test_where_usage_is_reported_calls_without_limits_are_written_down(
    tmp_path: Path,
) -> None:
    doors = {"http": {"usage_token": "t" * 40}}
    async with open_gate(tmp_path, doors=doors) as gate:
        free = await decide(gate, chat())
        assert reserved(gate) == [free.request_id]
        assert await gate.settle(free.request_id, Usage(10, 10)) is Settlement.SETTLED
        listed = await decide(gate, chat(method="GET", target=b"/v1/models", body=b""))
        assert listed.allowed
        assert reserved(gate) == []


class Elsewhere(MemoryBudgets):
    """An engine that has to wait for somebody else."""

    waits = True

    async def reserve(self, call: Call) -> Admitted:
        return self.reserve_now(call)


def count_elsewhere(gate: Gate) -> Elsewhere:
    gate._budgets = engine = Elsewhere(ManualClock(), EngineRules())
    return engine


async def test_a_warm_decision_waits_for_nobody(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **sections("user")) as gate:
        engine = count_elsewhere(gate)
        assert (await gate.decide(chat(CALLER))).allowed
        assert len(engine._reservations.open) == 1
        assert gate.decide_warm(chat(CALLER)) is None
        assert len(engine._reservations.open) == 1
        listing = chat(CALLER, method="GET", target=b"/v1/models", body=b"")
        warm = gate.decide_warm(listing)
        assert warm is not None, "what spends nothing waits for nothing"
        assert warm.allowed
        assert limit_of(await gate.decide(chat(CALLER))) == ("user", "money")


async def test_a_body_that_was_read_since_is_judged_again_where_counting_waits(
    tmp_path: Path,
) -> None:
    async with open_gate(tmp_path, **sections("user")) as gate:
        count_elsewhere(gate)
        asked = await gate.decide(chat(CALLER, body=BodyState.NOT_READ))
        assert isinstance(asked, BodyWanted)
        assert asked.conclude(chat_body()) is None
        assert (await gate.decide(chat(CALLER))).allowed
