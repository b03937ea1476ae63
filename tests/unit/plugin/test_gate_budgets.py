"""Budgets through the whole Gate: N calls pass, then 429; settle, release, repeat, reload."""

from pathlib import Path

import pytest

from gatepass.plugin import Gate, Request, Usage, load_settings
from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.request import BodyState
from support.clock import ManualClock
from support.gates import (
    PRICES,
    chat,
    chat_body,
    code_of,
    decide,
    open_gate,
    rules,
    settings_file,
    token,
)

# gpt-4o costs $2.50 and $10 per million tokens: with 1000 tokens of output a call of a small body
# is estimated at little more than one cent
SMALL = {"users": {"upsert": True, "defaults": {"budget": "$0.05 per 1d"}}}


async def calls_until_refused(gate: Gate, **members: object) -> int:
    for number in range(100):
        decision = await decide(gate, chat(token(), body=chat_body(**members)))
        if not decision.allowed:
            assert decision.reason.code == "budget_exceeded"
            return number
    return 100


async def test_a_budget_lets_n_calls_pass_and_then_says_when_to_come_back(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_gate(tmp_path, clock, **SMALL) as gate:
        assert await calls_until_refused(gate) == 4
        refused = await decide(gate, chat())
        assert refused.status == 429
        retry_after = int(dict(refused.response_headers)[b"retry-after"])
        assert 86_000 < retry_after <= 86_400
        clock.advance(100)
        refused = await decide(gate, chat())
        assert int(dict(refused.response_headers)[b"retry-after"]) == retry_after - 100


async def test_the_next_window_starts_afresh(tmp_path: Path) -> None:
    clock = ManualClock(wall=1_800_000_000)
    async with open_gate(tmp_path, clock, **SMALL) as gate:

        def fresh() -> bytes:
            now = int(clock.wall())
            return token(exp=now + 300, nbf=now, iat=now)

        while (await decide(gate, chat(fresh()))).allowed:
            pass
        clock.advance(86_400)
        assert (await decide(gate, chat(fresh()))).allowed


async def test_settling_returns_the_unused_part_and_counts_once(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        for _ in range(30):
            allowed = await decide(gate, chat())
            assert allowed.allowed
            assert await gate.settle(allowed.request_id, Usage(10, 10)) is Settlement.SETTLED
            again = await gate.settle(allowed.request_id, Usage(10**9, 10**9))
            assert again is Settlement.ALREADY_SETTLED
            assert await gate.release(allowed.request_id) is Settlement.ALREADY_SETTLED
        dear = await decide(gate, chat())
        await gate.settle(dear.request_id, Usage(10**9, 0))
        assert await code_of(gate, chat()) == "budget_exceeded"


async def test_a_released_call_cost_nothing(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        for _ in range(30):
            allowed = await decide(gate, chat())
            assert allowed.allowed
            assert await gate.release(allowed.request_id) is Settlement.SETTLED


async def test_requests_that_nobody_knows_settle_nothing(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        assert await gate.settle("no such request", Usage(1, 1)) is Settlement.UNKNOWN
        assert await gate.release("") is Settlement.UNKNOWN
        refused = await gate.decide(chat(b""))
        assert await gate.settle(refused.request_id, Usage(1, 1)) is Settlement.UNKNOWN
    async with open_gate(tmp_path) as gate:
        free = await decide(gate, chat(token(sub="another", user="ben")))
        assert free.allowed
        assert await gate.settle(free.request_id, Usage(1, 1)) is Settlement.UNKNOWN


async def test_an_unsettled_call_becomes_a_charge(tmp_path: Path) -> None:
    clock = ManualClock()
    bearer = token(exp=int(clock.wall()) + 3600)
    request = chat(bearer, gateway_request_id="g-1")
    async with open_gate(tmp_path, clock, **SMALL) as gate:
        for _ in range(3):  # what is still reserved would be found again, and cost nothing more
            assert await code_of(gate, request) == "allowed"
            clock.advance(601)
        codes = [await code_of(gate, chat(bearer)) for _ in range(2)]
        assert codes == ["allowed", "budget_exceeded"]


async def test_deciding_twice_on_one_request_of_the_gateway_reserves_once(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        request = chat(gateway_request_id="g-1")
        ids = {(await decide(gate, request)).request_id for _ in range(30)}
        assert len(ids) == 1
        assert await calls_until_refused(gate) == 3


@pytest.mark.parametrize(
    "other",
    [
        chat(token(jti="2"), gateway_request_id="g-1"),
        chat(profile="other", gateway_request_id="g-1"),
    ],
    ids=["another caller", "another profile"],
)
async def test_a_repeated_id_elsewhere_is_another_request(tmp_path: Path, other: Request) -> None:
    profiles = {**rules(), "other": rules()["default"]}
    async with open_gate(tmp_path, profiles=profiles, **SMALL) as gate:
        first = await decide(gate, chat(gateway_request_id="g-1"))
        second = await decide(gate, other)
        assert first.allowed
        assert second.allowed
        assert first.request_id != second.request_id
        assert await calls_until_refused(gate) == 2


async def test_a_repeated_id_with_another_body_is_another_request(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        codes = [
            await code_of(gate, chat(gateway_request_id="g-1", body=chat_body(x=number)))
            for number in range(6)
        ]
        assert codes == ["allowed"] * 4 + ["budget_exceeded"] * 2


@pytest.mark.parametrize(
    ("members", "calls"),
    [
        ({"max_tokens": 1}, 100),
        ({"max_tokens": 10}, 100),
        ({"max_tokens": 4_990}, 0),
        ({"max_tokens": 10, "max_completion_tokens": 4_990}, 0),
        ({"max_tokens": 2_000}, 2),
        ({"n": 2}, 2),
        ({"n": 4}, 1),
        ({"n": 5}, 0),
        ({"n": 2, "best_of": 5}, 0),
        ({"prompt": ["a"] * 4}, 1),
        ({"prompt": ["a"] * 2, "n": 2}, 1),
        ({"prompt": ["a"] * 1000}, 0),
        ({"max_tokens": 10**12}, 0),
    ],
)
async def test_sec_59_what_may_be_asked_for_is_what_is_reserved(
    tmp_path: Path, members: dict[str, object], calls: int
) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        assert await calls_until_refused(gate, **members) == calls


@pytest.mark.parametrize(
    ("target", "members", "calls"),
    [
        (b"/v1/responses", {"max_output_tokens": 1}, 30),
        (b"/v1/responses", {"max_tokens": 1, "max_completion_tokens": 1}, 4),
        (b"/v1/chat/completions", {"max_output_tokens": 1}, 4),
        (b"/v1/embeddings", {"max_tokens": 1}, 4),
    ],
)
async def test_sec_59_a_bound_that_the_operation_ignores_makes_nothing_cheaper(
    tmp_path: Path, target: bytes, members: dict[str, object], calls: int
) -> None:
    request = chat(target=target, body=chat_body(**members))
    async with open_gate(tmp_path, **SMALL) as gate:
        codes = [await code_of(gate, request) for _ in range(30)]
    assert codes.count("allowed") == calls


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o"])
async def test_only_prices_of_the_table_count(tmp_path: Path, model: str) -> None:
    prices = [{**PRICES[0], "model": "gpt-4o"}]
    async with open_gate(
        tmp_path, budgets={"prices": prices, "published_prices": False}, **SMALL
    ) as gate:
        code = await code_of(gate, chat(body=chat_body(model=model)))
        assert code == ("allowed" if model == "gpt-4o" else "price_unknown")


async def test_a_limit_of_zero_lets_nothing_through(tmp_path: Path) -> None:
    nothing = {"users": {"upsert": True, "defaults": {"budget": "$0"}}}
    free = [{"model": "*", "input": "$0", "output": "$0", "max_output_tokens": 1}]
    async with open_gate(tmp_path, budgets={"prices": free}, **nothing) as gate:
        decision = await decide(gate, chat())
        assert decision.reason.code == "budget_exceeded"
        assert dict(decision.response_headers)[b"retry-after"] == b"86400"


async def test_the_team_and_the_user_both_pay(tmp_path: Path) -> None:
    team = {"teams": {"upsert": True, "defaults": {"budget": "$0.03 per day"}}}
    async with open_gate(tmp_path, **SMALL, **team) as gate:

        async def code(name: str, team: str) -> str:
            return await code_of(gate, chat(token(user=name, sub=name, team=team)))

        assert [await code("ann", "t1") for _ in range(3)] == ["allowed"] * 2 + ["budget_exceeded"]
        # ann was not charged for the refused one: 4 of hers fit, 2 are gone
        assert [await code("ann", "t2") for _ in range(3)] == ["allowed"] * 2 + ["budget_exceeded"]
        # the team has other members, who have money of their own, but it has none
        assert await code("ben", "t1") == "budget_exceeded"
        assert await code("ben", "t3") == "allowed"


async def test_an_unsafe_route_passes_unseen_but_not_for_ever(tmp_path: Path) -> None:
    profiles = rules(unsafe_unseen_model_routes=["/v1/audio/*"])
    hidden = chat(target=b"/v1/audio/speech", body=BodyState.NOT_SHOWN)
    async with open_gate(tmp_path, profiles=profiles, **SMALL) as gate:
        unseen = await decide(gate, hidden)
        assert unseen.allowed
        assert await gate.settle(unseen.request_id, Usage(1, 1)) is Settlement.SETTLED
        paid = await decide(gate, chat())
        await gate.settle(paid.request_id, Usage(10**9, 0))
        assert await code_of(gate, hidden) == "budget_exceeded"


async def test_routes_that_spend_nothing_are_free_when_the_money_is_gone(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        paid = await decide(gate, chat())
        await gate.settle(paid.request_id, Usage(10**9, 0))
        assert await code_of(gate, chat()) == "budget_exceeded"
        assert await code_of(gate, chat(method="GET", target=b"/v1/models", body=b"")) == "allowed"


async def test_budgets_and_prices_follow_a_reload_but_not_the_spending(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SMALL) as gate:
        assert await calls_until_refused(gate) == 4
        half = [{**PRICES[0], "output": "$1"}]
        path = settings_file(tmp_path, budgets={"prices": half}, **SMALL)
        await gate.adopt(load_settings(path))
        assert 1 < await calls_until_refused(gate) < 10
