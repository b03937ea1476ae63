"""One verifier follows another: what it takes over, and how the other one ends (SEC-27, SEC-50)."""

import asyncio

from gatepass.jwks import InlineKeys, KeySourceUnavailable, TokenFault
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import KEY, KEYS, NEXT, MakeVerifier, eventually, refused
from support.tokens import ISSUER, key_set

BOTH = key_set(KEY, NEXT)
DOWN = KeySourceUnavailable("timeout")


async def test_keys_in_hand_are_taken_over_with_their_age(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    before, after = make_verifier(source), make_verifier(source)
    await before.start()
    clock.advance(100)
    source.answer = DOWN
    after.inherit(before)
    assert after.status()[0].age_seconds == 100
    await after.start()
    assert (await after.verify(KEY.token())).issuer == ISSUER


async def test_older_keys_are_not_taken_over(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(BOTH)
    before, after = make_verifier(source), make_verifier(source)
    await before.start()
    source.answer = KEYS
    clock.advance(10)
    await after.start()
    after.inherit(before)
    assert await refused(after, NEXT.token()) is TokenFault.UNKNOWN_KEY


async def test_newer_keys_are_taken_over_later_too(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    before, after = make_verifier(source), make_verifier(source)
    await after.start()
    source.answer = BOTH
    clock.advance(10)
    await before.start()
    after.inherit(before)
    assert after.verify_warm(NEXT.token()) is not None


async def test_sec_16_keys_from_another_place_are_not_taken_over(
    make_verifier: MakeVerifier,
) -> None:
    before, after = make_verifier(InlineKeys(KEYS)), make_verifier(ScriptedSource(DOWN))
    await before.start()
    after.inherit(before)
    assert after.loaded(ISSUER) is None
    assert after.loaded("https://stranger.example") is None


async def test_whoever_waits_for_a_verifier_that_retires_gets_an_answer(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(20)
    source.answer = BOTH
    source.gate.clear()
    waiting = asyncio.create_task(verifier.verify(NEXT.token()))
    await eventually(lambda: source.loads == 2)
    retiring = asyncio.create_task(verifier.retire())
    await asyncio.sleep(0)
    late = asyncio.create_task(verifier.verify(NEXT.token({"jti": "late"})))
    await asyncio.sleep(0)
    assert not retiring.done()
    source.gate.set()
    assert (await waiting).subject == (await late).subject == "user-1"
    await retiring
    clock.advance(20)
    await verifier.verify(KEY.token())
    assert source.loads == 2


async def test_closing_cuts_off_the_load_that_retiring_waits_for(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(20)
    source.gate.clear()
    waiting = asyncio.create_task(refused(verifier, NEXT.token()))
    await eventually(lambda: source.loads == 2)
    retiring = asyncio.create_task(verifier.retire())
    await asyncio.sleep(0)
    await verifier.close()
    await retiring
    assert await waiting is TokenFault.UNKNOWN_KEY
