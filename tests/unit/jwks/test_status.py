import logging

import pytest

from gatepass.jwks import KeySourceUnavailable
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import KEYS, MakeVerifier, made_up, refused

DOWN = KeySourceUnavailable("timeout")


async def test_the_state_of_an_issuer_over_an_outage(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    verifier = make_verifier(source)
    await verifier.start()
    (never,) = verifier.status()
    assert (never.last_success, never.age_seconds, never.stale) == (None, None, False)
    assert (never.failures, never.last_error, never.refetches) == (1, "timeout", 1)
    source.answer = KEYS
    clock.advance(10)
    await verifier.start()
    loaded_at = clock.wall()
    (good,) = verifier.status()
    assert (good.last_success, good.age_seconds, good.stale) == (loaded_at, 0, False)
    assert (good.failures, good.last_error, good.key_ids) == (0, None, ("key-1",))
    source.answer = DOWN
    clock.advance(301)
    await verifier.start()
    (stale,) = verifier.status()
    assert (stale.last_success, stale.age_seconds, stale.stale) == (loaded_at, 301, True)
    assert (stale.failures, stale.last_error, stale.key_ids) == (1, "timeout", ("key-1",))
    clock.advance(3300)
    (gone,) = verifier.status()
    assert (gone.age_seconds, gone.stale, gone.key_ids) == (3601, False, ())


async def test_keys_that_were_taken_over_are_no_failure(make_verifier: MakeVerifier) -> None:
    source = ScriptedSource(KEYS)
    before, after, tried = (make_verifier(source) for _ in range(3))
    await before.start()
    after.inherit(before)
    (status,) = after.status()
    assert (status.last_error, status.key_ids) == (None, ("key-1",))
    source.answer = DOWN
    await tried.start()
    tried.inherit(before)
    (status,) = tried.status()
    assert (status.last_error, status.failures, status.key_ids) == ("timeout", 1, ("key-1",))


async def test_sec_24_a_flood_is_counted(make_verifier: MakeVerifier, clock: ManualClock) -> None:
    verifier = make_verifier(ScriptedSource(KEYS))
    await verifier.start()
    clock.advance(10)
    for number in range(20):
        await refused(verifier, made_up(number))
    (status,) = verifier.status()
    assert status.refetches == 2
    assert status.refused_refetches == 39, "each token is tried twice, and the first asked"


async def test_sec_24_inline_keys_know_no_flood(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    verifier = make_verifier(ScriptedSource(KEYS, fixed=True))
    await verifier.start()
    clock.advance(10)
    await refused(verifier, made_up(1))
    (status,) = verifier.status()
    assert (status.refused_refetches, status.stale) == (0, False)


async def test_sec_60_an_outage_is_told_of_once(
    make_verifier: MakeVerifier, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    issuer = "issuer https://idp.example"
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    for outage in range(1, 3):
        for number in range(40):
            source.answer = KeySourceUnavailable("timeout" if number % 2 else "status")
            clock.advance(31)
            await refused(verifier, made_up(number))
        source.answer = KEYS
        for _ in range(100):  # whether one of them asks again is chance
            clock.advance(31)
            await refused(verifier, made_up(99))
            if caplog.messages.count(f"{issuer}: keys loaded again") == outage:
                break
    told = [message for message in caplog.messages if "flood" not in message]
    assert told == 2 * [
        f"{issuer}: keys not loaded: status",
        f"{issuer}: keys not loaded: timeout",
        f"{issuer}: keys loaded again",
    ]
