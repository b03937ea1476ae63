"""A body that the door can still read: wanted only where it decides, and then never skipped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS
from gatepass.plugin.decision import BodyWanted
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState
from support.books import reserved
from support.clock import ManualClock
from support.gates import chat, chat_body, code_of, decide, open_gate, rules, token

NOT_READ = BodyState.NOT_READ


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def gate(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Gate]:
    profiles = rules("internal_user", routes="*", models=["gpt-4o"], require_model=False)
    async with open_gate(tmp_path, clock, profiles=profiles) as opened:
        yield opened


async def wanted(gate: Gate, target: bytes = b"/v1/chat/completions") -> BodyWanted:
    decision = await decide(gate, chat(body=NOT_READ, target=target))
    assert isinstance(decision, BodyWanted)
    assert (decision.status, decision.reason) == (400, Reason.BODY_NOT_SHOWN)
    assert not decision.allowed
    return decision


async def test_the_body_brings_the_decision(gate: Gate) -> None:
    asked = await wanted(gate)
    allowed = asked.conclude(chat_body())
    assert allowed is not None
    assert allowed.allowed
    assert allowed.set_headers == (await decide(gate, chat())).set_headers


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (chat_body(model="o3"), Reason.MODEL_DENIED),
        (chat_body(model=None), Reason.MODEL_MISSING),
        (b"no json", Reason.BODY_NOT_JSON),
        (b"", Reason.BODY_NOT_SHOWN),
        (BodyState.TOO_LARGE, Reason.BODY_TOO_LARGE),
        (BodyState.NOT_SHOWN, Reason.BODY_NOT_SHOWN),
        (NOT_READ, Reason.BODY_NOT_SHOWN),
    ],
)
async def test_sec_57_58_the_body_is_judged_as_if_it_had_been_there(
    gate: Gate, body: bytes | BodyState, reason: Reason
) -> None:
    decision = (await wanted(gate)).conclude(body)
    assert decision is not None
    assert decision.reason is reason


async def test_sec_51_after_too_long_a_wait_the_whole_request_is_judged_again(
    gate: Gate, clock: ManualClock
) -> None:
    asked = await wanted(gate)
    clock.advance(PRINCIPALS_TTL_SECONDS)
    assert asked.conclude(chat_body()) is None


async def test_sec_51_so_it_is_when_a_row_of_the_caller_has_changed_meanwhile(gate: Gate) -> None:
    asked = await wanted(gate)
    gate.announce([Changed("user", "somebody else")])
    assert asked.conclude(chat_body()) is not None
    asked = await wanted(gate)
    gate.announce([Changed("user", "ann")])
    assert asked.conclude(chat_body()) is None


async def test_nobody_who_may_not_come_in_has_their_body_read(gate: Gate) -> None:
    assert await code_of(gate, chat(b"", body=NOT_READ)) == "no_token"
    assert await code_of(gate, chat(b"x.y.z", body=NOT_READ)) == "malformed"
    assert await code_of(gate, chat(token(exp=1), body=NOT_READ)) == "expired"


async def test_a_route_that_is_denied_wants_no_body(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        denied = chat(body=NOT_READ, target=b"/key/generate")
        assert await code_of(gate, denied) == "route_denied"


@pytest.mark.parametrize(
    ("method", "target"), [("GET", b"/v1/models"), ("POST", b"/v1/files"), ("GET", b"/any")]
)
async def test_a_route_without_a_model_wants_no_body(
    gate: Gate, method: str, target: bytes
) -> None:
    assert await code_of(gate, chat(method=method, target=target, body=NOT_READ)) == "allowed"


async def test_sec_58_a_denied_parameter_in_the_query_wants_no_body(gate: Gate) -> None:
    target = b"/v1/chat/completions?api_base=x"
    decision = await decide(gate, chat(body=NOT_READ, target=target))
    assert decision.reason is Reason.PARAMETER_DENIED


async def test_sec_58_where_the_unseen_passes_a_body_that_can_be_read_does_not(
    tmp_path: Path,
) -> None:
    profiles = rules(
        "internal_user", models=["gpt-4o"], unsafe_unseen_model_routes=["/v1/chat/completions"]
    )
    async with open_gate(tmp_path, profiles=profiles) as gate:
        assert await code_of(gate, chat(body=BodyState.NOT_SHOWN)) == "allowed"
        asked = await wanted(gate)
        decision = asked.conclude(chat_body(model="o3"))
        assert decision is not None
        assert decision.reason is Reason.MODEL_DENIED


async def test_a_body_that_decides_nothing_reserves_nothing_until_it_is_there(
    tmp_path: Path,
) -> None:
    users = {"upsert": True, "defaults": {"budget": "$1"}}
    async with open_gate(tmp_path, users=users) as gate:
        asked = await wanted(gate)
        assert not reserved(gate)
        decision = asked.conclude(chat_body(max_tokens=5))
        assert decision is not None
        assert gate.may_be_settled(decision.request_id)
