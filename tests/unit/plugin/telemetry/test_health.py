"""How the service fares, whatever hangs or fails."""

from dataclasses import replace

import pytest

from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.outage import OutageStatus
from gatepass.plugin.telemetry import health
from gatepass.plugin.telemetry.health import KeyState, health_of, key_state
from support.watched import ASKED, AWAY, GOOD, STALE, ScriptedWatched


@pytest.mark.parametrize(
    ("watched", "ready", "store"),
    [
        (ScriptedWatched(GOOD), True, True),
        (ScriptedWatched(GOOD, STALE), True, True),
        (ScriptedWatched(), True, True),
        (ScriptedWatched(GOOD, AWAY), False, True),
        (ScriptedWatched(GOOD, store=False), False, False),
        (ScriptedWatched(GOOD, store=OSError("canary")), False, False),
        (ScriptedWatched(GOOD, store=None), False, False),
    ],
    ids=["good", "stale", "opaque", "away", "store", "broken", "hanging"],
)
async def test_ready_when_there_are_keys_and_a_store(
    monkeypatch: pytest.MonkeyPatch, watched: ScriptedWatched, *, ready: bool, store: bool
) -> None:
    monkeypatch.setattr(health, "STORE_SECONDS", 0.02)
    found = await health_of(watched)
    assert (found.ready, found.store) == (ready, store)


async def test_sec_60_what_breaks_is_logged_by_its_type_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await health_of(ScriptedWatched(GOOD, store=ValueError("canary")))
    (line,) = caplog.records
    assert line.__dict__["fault"] == "ValueError"
    assert "canary" not in caplog.text


async def test_everything_there_is_to_know_is_passed_on() -> None:
    found = await health_of(ScriptedWatched(GOOD, AWAY, introspections=[ASKED]))
    assert (found.issuers, found.introspections) == ((GOOD, AWAY), (ASKED,))


@pytest.mark.parametrize(("issuer", "ready"), [(GOOD, True), (AWAY, False)])
async def test_a_store_that_can_be_spared_is_not_waited_for(
    issuer: IssuerStatus, *, ready: bool
) -> None:
    watched = ScriptedWatched(issuer, store=False)
    watched.without_store = OutageStatus(serves=True, stale_served=3)
    found = await health_of(watched)
    assert (found.ready, found.store, found.outage) == (ready, False, watched.without_store)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (GOOD, KeyState.FRESH),
        (STALE, KeyState.STALE),
        (AWAY, KeyState.NONE),
        (replace(STALE, key_ids=()), KeyState.NONE),
    ],
)
def test_how_keys_stand_in_one_word(status: IssuerStatus, state: KeyState) -> None:
    assert key_state(status) is state
