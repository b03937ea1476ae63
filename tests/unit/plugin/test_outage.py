"""The Gate while the store is away: who passes, what is said about it, and how it ends."""

import logging
from pathlib import Path

import pytest

from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS
from gatepass.plugin.decision import BodyWanted
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.settings import load_settings
from gatepass.plugin.telemetry.health import health_of
from support.clock import ManualClock
from support.fake_directory import FakeDirectory, gate_on
from support.gates import OPEN_RULES, PRICES, chat, chat_body, code_of, decide, settings_file, token

MODELS = b"/v1/models"
RESTRICTED = {
    "default": {**OPEN_RULES, "unsafe_routes_without_store": ["info_routes", MODELS.decode()]}
}
ADMINS = {"admin_scope": "gatepass_admin"}


def look(bearer: bytes | None = None, target: bytes = MODELS, method: str = "GET") -> Request:
    return chat(bearer, target=target, method=method, body=b"")


async def test_the_store_is_needed_by_default_and_the_gate_says_so(tmp_path: Path) -> None:
    directory, clock = FakeDirectory(), ManualClock()
    async with gate_on(directory, tmp_path, clock) as gate:
        assert await gate.is_ready()
        directory.failure = StoreUnavailable()
        clock.advance(1)
        assert await code_of(gate, look()) == "store_error"
        assert not await gate.is_ready()
        assert not await gate.store_answers()
        health = await health_of(gate)
        assert (health.ready, health.store, health.outage.serves) == (False, False, False)


async def test_the_gate_is_ready_as_long_as_somebody_is_served(tmp_path: Path) -> None:
    directory, clock = FakeDirectory(), ManualClock()
    async with gate_on(directory, tmp_path, clock, stores={"serve_stale_for": "30s"}) as gate:
        assert await code_of(gate, look()) == "allowed"
        directory.failure = StoreUnavailable()
        clock.advance(PRINCIPALS_TTL_SECONDS + 29)
        assert await gate.is_ready()
        assert await code_of(gate, look()) == "allowed"
        health = await health_of(gate)
        assert (health.ready, health.store, health.outage.stale_served) == (True, False, 1)
        clock.advance(1)
        assert not await gate.is_ready()
        assert await code_of(gate, look()) == "store_error"
        directory.failure = None
        assert await code_of(gate, look()) == "allowed"
        clock.advance(1)
        assert await gate.is_ready()


async def test_listed_routes_pass_by_the_token_alone_and_nobody_is_named(tmp_path: Path) -> None:
    directory = FakeDirectory(StoreUnavailable())
    async with gate_on(directory, tmp_path, profiles=RESTRICTED) as gate:
        decision = await decide(gate, look(token(team="t1", org="corp", customer="c-1")))
        assert decision.allowed
        assert dict(decision.set_headers) == {b"x-gatepass-role": b"internal_user"}
        assert await code_of(gate, chat()) == "store_error"
        assert await code_of(gate, look(b"")) == "no_token"
        assert await code_of(gate, look(token(groups=["x"]))) == "allowed"
        assert await code_of(gate, look(token(user=None))) == "store_error"
        assert await gate.is_ready()
        assert gate.outage().open_profiles == ("default",)
        assert gate.outage().without_rows == 2


async def test_sec_41_admins_wait_whatever_is_listed(tmp_path: Path) -> None:
    directory = FakeDirectory(StoreUnavailable())
    everything = {"default": {**OPEN_RULES, "unsafe_routes_without_store": ["*"]}}
    async with gate_on(directory, tmp_path, profiles=everything, roles=ADMINS) as gate:
        assert await code_of(gate, look(token(scope="gatepass_admin"))) == "store_error"
        assert await code_of(gate, look(target=b"/team/new", method="POST")) == "store_error"
        assert await code_of(gate, look(target=b"/user/list")) == "route_denied"
        assert await code_of(gate, look()) == "allowed"


async def test_the_limit_of_the_whole_proxy_holds_all_the_same(tmp_path: Path) -> None:
    profiles = {"default": {**OPEN_RULES, "unsafe_routes_without_store": ["openai_routes"]}}
    for limit, code in (("$0", "budget_exceeded"), ("$100", "allowed")):
        budgets = {"prices": PRICES, "proxy": limit}
        directory = FakeDirectory(StoreUnavailable())
        async with gate_on(directory, tmp_path, profiles=profiles, budgets=budgets) as gate:
            assert await code_of(gate, chat()) == code


async def test_it_is_logged_once_for_each_outage(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gatepass")
    directory = FakeDirectory(StoreUnavailable())
    async with gate_on(directory, tmp_path, profiles=RESTRICTED) as gate:
        for _ in range(2):
            directory.failure = StoreUnavailable()
            gate._rulebook.callers.memory.forget(None)
            for _ in range(3):
                assert await code_of(gate, look()) == "allowed"
            directory.failure = None
            assert await code_of(gate, look()) == "allowed"
    unsafe = [record for record in caplog.records if record.message.startswith("UNSAFE")]
    assert [vars(record)["profile"] for record in unsafe] == ["default"] * 2
    assert "ann" not in caplog.text


async def test_a_body_that_is_read_late_is_judged_by_the_same_rules(tmp_path: Path) -> None:
    directory, clock = FakeDirectory(), ManualClock()
    profiles = {"default": {**OPEN_RULES, "unsafe_routes_without_store": ["openai_routes"]}}
    async with gate_on(directory, tmp_path, clock, profiles=profiles) as gate:
        directory.failure = StoreUnavailable()
        wanted = await decide(gate, chat(body=BodyState.NOT_READ))
        assert isinstance(wanted, BodyWanted)
        assert wanted.conclude(chat_body()) is None
        assert await code_of(gate, chat()) == "allowed"


async def test_a_weighty_request_reads_its_rows_anew(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path, profiles=RESTRICTED) as gate:
        assert (await gate.decide(look(), fresh=True)).allowed
        assert (await gate.decide(look(), fresh=True)).allowed
        assert len(directory.asked) == 2
        directory.failure = StoreUnavailable()
        assert (await gate.decide(look(), fresh=True)).reason.code == "store_error"
        assert (await gate.decide(look())).allowed


async def test_a_reload_keeps_what_is_known_of_the_store(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path, profiles=RESTRICTED) as gate:
        directory.failure = StoreUnavailable()
        assert await code_of(gate, chat()) == "store_error"
        watch = gate._rulebook.callers.store
        assert watch.away
        await gate.adopt(load_settings(settings_file(tmp_path)))
        assert gate._rulebook.callers.store is watch
        assert gate.outage().open_profiles == ()


async def test_an_announcement_reaches_the_rules_of_now(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path) as gate:
        await gate.adopt(load_settings(settings_file(tmp_path)))
        assert await code_of(gate, look()) == "allowed"
        gate.announce([Changed("user", "ann")])
        assert gate.decide_warm(look()) is None
