import asyncio
import time

import pytest

from gatepass.jwks import (
    HttpFetcher,
    Issuer,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
    UrlKeys,
    Verifier,
)
from gatepass.jwks.keeper import MAX_WAITING
from support.clock import ManualClock
from support.jwks_server import JwksServer, hang, html, ok, status, when
from support.key_source import ScriptedSource
from support.keys_over_time import (
    FRESHNESS,
    KEY,
    KEYS,
    NEXT,
    MakeVerifier,
    eventually,
    made_up,
    refused,
    rules,
)
from support.tokens import key_set, signing_key

DOWN = KeySourceUnavailable("timeout")


async def test_sec_24_a_flood_of_unknown_keys_causes_one_load_per_cool_down(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(10)
    assert verifier.verify_warm(made_up(0)) is None
    for number in range(50):
        with pytest.raises(TokenRefused) as refusal:
            await verifier.verify(made_up(number))
        assert refusal.value.fault is TokenFault.UNKNOWN_KEY
    assert source.loads == 2
    assert await refused(verifier, made_up(99)) is TokenFault.UNKNOWN_KEY
    assert verifier.verify_warm(KEY.token()) is not None


async def test_sec_24_one_made_up_name_again_and_again_causes_ever_fewer_loads(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    for _ in range(60):
        clock.advance(5)
        assert await refused(verifier, made_up(1)) is TokenFault.UNKNOWN_KEY
    assert source.loads == 12, "the first, then after 10, 30, 60, ... seconds"
    clock.advance(10)
    assert await refused(verifier, made_up(2)) is TokenFault.UNKNOWN_KEY
    assert source.loads == 13, "another name may ask at once"


async def test_sec_24_a_key_that_was_asked_for_too_early_is_not_kept_out_for_long(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(10)
    assert await refused(verifier, NEXT.token()) is TokenFault.UNKNOWN_KEY
    clock.advance(10)
    source.answer = key_set(KEY, NEXT)
    assert await refused(verifier, NEXT.token()) is TokenFault.UNKNOWN_KEY
    assert source.loads == 2
    assert await refused(verifier, made_up(1)) is TokenFault.UNKNOWN_KEY
    assert source.loads == 3, "what another name loads serves this one too"
    assert (await verifier.verify(NEXT.token())).subject == "user-1"


async def test_sec_24_other_keys_let_a_name_that_was_missed_ask_anew(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(10)
    await refused(verifier, made_up(1))
    source.answer = key_set(KEY, NEXT)
    clock.advance(10)
    assert await verifier.verify(NEXT.token())
    clock.advance(10)
    await refused(verifier, made_up(1))
    assert source.loads == 4


async def test_sec_24_a_name_is_not_missed_when_the_issuer_did_not_answer(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    source.answer = DOWN
    clock.advance(10)
    await refused(verifier, NEXT.token())
    source.answer = key_set(KEY, NEXT)
    clock.advance(10)
    assert await verifier.verify(NEXT.token()), "after the wait for failures, and no longer one"


async def test_sec_26_after_their_time_keys_are_asked_for_once_and_then_serve_stale(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    token = KEY.token({"exp": int(time.time()) + 90_000})
    await verifier.verify(token)
    clock.advance(300)
    assert verifier.verify_warm(token) is not None
    clock.advance(1)
    assert verifier.verify_warm(token) is None, "the lifetime is over: the issuer is asked first"
    assert verifier.ready
    source.answer = DOWN
    assert await verifier.verify(token)
    assert source.loads == 2
    for _ in range(10):
        clock.advance(60)
        assert verifier.verify_warm(token) is not None
    assert source.loads == 2


async def test_sec_26_a_key_withdrawn_meanwhile_does_not_pass_after_the_lifetime(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY, NEXT))
    verifier = make_verifier(source)
    token = KEY.token()
    await verifier.verify(token)
    source.answer = key_set(NEXT)
    clock.advance(301)
    with pytest.raises(TokenRefused) as withdrawn:
        await verifier.verify(token)
    assert withdrawn.value.fault is TokenFault.UNKNOWN_KEY


async def test_sec_24_fifty_tasks_with_unknown_keys_share_one_load(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(10)
    source.gate.clear()
    flood = asyncio.gather(
        *(verifier.verify(made_up(number)) for number in range(50)), return_exceptions=True
    )
    await asyncio.sleep(0.01)
    source.gate.set()
    assert all(isinstance(result, TokenRefused) for result in await flood)
    assert source.loads == 2


async def test_sec_24_a_rotated_key_passes_with_its_first_token(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    old = KEY.token()
    await verifier.verify(old)
    source.answer = key_set(KEY, NEXT)
    clock.advance(10)
    assert verifier.verify_warm(NEXT.token()) is None
    assert (await verifier.verify(NEXT.token())).subject == "user-1"
    assert verifier.verify_warm(old) is not None


@pytest.mark.parametrize(
    "token",
    [
        signing_key("EdDSA").token(),
        signing_key("PS256").token(),
        KEY.token(header={"kid": None}),
    ],
    ids=["another-algorithm", "another-family", "no-name"],
)
async def test_sec_24_a_token_that_no_new_key_could_save_causes_no_load(
    make_verifier: MakeVerifier, clock: ManualClock, token: bytes
) -> None:
    source = ScriptedSource(key_set(NEXT))
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(10)
    assert await refused(verifier, token) in {TokenFault.UNSUPPORTED_ALG, TokenFault.BAD_SIGNATURE}
    assert source.loads == 1


async def test_sec_24_inline_keys_are_final(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS, fixed=True)
    verifier = make_verifier(source)
    await verifier.start()
    clock.advance(1e5)
    assert await refused(verifier, made_up(1)) is TokenFault.UNKNOWN_KEY
    assert source.loads == 1


async def test_sec_25_without_keys_the_issuer_is_asked_once_per_cool_down(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    verifier = make_verifier(source)
    await verifier.start()
    for _ in range(20):
        with pytest.raises(KeySourceUnavailable) as unavailable:
            await verifier.verify(KEY.token())
        assert unavailable.value.detail == "timeout"
        assert verifier.verify_warm(KEY.token()) is None
    assert source.loads == 1
    assert not verifier.ready
    source.answer = KEYS
    clock.advance(10)
    await verifier.verify(KEY.token())
    assert verifier.ready


async def test_sec_26_an_issuer_that_is_down_costs_known_keys_nothing(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    token = KEY.token({"exp": int(time.time()) + 90_000})
    await verifier.verify(token)
    source.answer = DOWN
    clock.advance(3000)
    assert await refused(verifier, made_up(1)) is TokenFault.UNKNOWN_KEY
    assert source.loads == 2
    assert verifier.verify_warm(token) is not None
    clock.advance(601)
    assert verifier.verify_warm(token) is None
    for unusable in (token, made_up(1)):
        with pytest.raises(KeySourceUnavailable):
            await verifier.verify(unusable)
    assert not verifier.ready


async def test_sec_26_keys_that_grew_old_after_close_say_so(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    verifier = make_verifier(ScriptedSource(KEYS))
    await verifier.start()
    await verifier.close()
    assert verifier.verify_warm(KEY.token()) is not None
    clock.advance(3601)
    with pytest.raises(KeySourceUnavailable) as unavailable:
        await verifier.verify(KEY.token())
    assert unavailable.value.detail == "keys too old"


async def test_sec_26_a_withdrawn_key_takes_its_remembered_tokens_with_it(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(key_set(KEY, NEXT))
    verifier = make_verifier(source)
    token = KEY.token()
    await verifier.verify(token)
    source.answer = key_set(NEXT)
    clock.advance(10)
    with pytest.raises(TokenRefused):
        await verifier.verify(made_up(1))
    assert await refused(verifier, token) is TokenFault.UNKNOWN_KEY


async def test_sec_27_a_hanging_issuer_does_not_hold_up_known_keys(clock: ManualClock) -> None:
    async with JwksServer() as server:
        source = UrlKeys(
            server.serve("/keys", ok(KEYS)),
            HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True),
        )
        verifier = Verifier([Issuer(rules(), source, FRESHNESS)], clock=clock)
        await verifier.start()
        server.serve("/keys", hang())
        clock.advance(10)
        waiting = [asyncio.create_task(verifier.verify(made_up(number))) for number in range(20)]
        tokens = [KEY.token({"jti": str(number)}) for number in range(100)]
        await eventually(lambda: len(server.hits) == 2)
        began = time.perf_counter()
        for token in tokens:
            assert verifier.verify_warm(token) is not None
            assert (await verifier.verify(token)).subject == "user-1"
        assert time.perf_counter() - began < 1.0, "the issuer hangs for five seconds"
        assert not any(task.done() for task in waiting)
        assert server.hits == ["/keys", "/keys"]
        await verifier.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, TokenRefused) for outcome in outcomes)


async def test_sec_24_tasks_waiting_for_a_slow_issuer_all_get_its_new_key(
    clock: ManualClock,
) -> None:
    async with JwksServer() as server:
        source = UrlKeys(
            server.serve("/keys", ok(KEYS)),
            HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True),
        )
        verifier = Verifier([Issuer(rules(), source, FRESHNESS)], clock=clock)
        await verifier.start()
        gate = asyncio.Event()
        server.serve("/keys", when(gate, ok(key_set(NEXT))))
        clock.advance(10)
        waiting = [
            asyncio.create_task(verifier.verify(NEXT.token({"jti": str(number)})))
            for number in range(50)
        ]
        await eventually(lambda: len(server.hits) == 2)
        gate.set()
        verified = await asyncio.gather(*waiting)
        assert len({token.digest for token in verified}) == 50
        assert len(server.hits) == 2
        await verifier.close()


async def test_sec_23_html_with_status_200_keeps_the_keys(clock: ManualClock) -> None:
    async with JwksServer() as server:
        source = UrlKeys(
            server.serve("/keys", ok(KEYS)),
            HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True),
        )
        verifier = Verifier([Issuer(rules(), source, FRESHNESS)], clock=clock)
        token = KEY.token()
        await verifier.verify(token)
        for answer in (html(), ok(b""), ok(KEYS[:-1]), ok(b"[]"), ok(b"{}"), status(500)):
            server.serve("/keys", answer)
            clock.advance(30)
            assert await refused(verifier, made_up(1)) is TokenFault.UNKNOWN_KEY
            (report,) = verifier.status()
            assert report.last_error is not None
            assert verifier.verify_warm(token) is not None
        assert len(server.hits) == 7
        await verifier.close()


async def test_new_settings_keep_the_keys_of_an_issuer_that_is_away(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    before = make_verifier(source)
    await before.start()
    source.answer = DOWN
    after = make_verifier(source)
    after.inherit(before)
    await after.start()
    assert after.verify_warm(KEY.token()) is not None
    clock.advance(FRESHNESS.max_stale_seconds + 1)
    with pytest.raises(KeySourceUnavailable):
        await after.verify(KEY.token())


async def test_keys_from_another_place_or_another_issuer_are_not_inherited(
    make_verifier: MakeVerifier,
) -> None:
    before = make_verifier(ScriptedSource(KEYS))
    await before.start()
    after = make_verifier(ScriptedSource(DOWN))
    after.inherit(before)
    await after.start()
    with pytest.raises(KeySourceUnavailable):
        await after.verify(KEY.token())
    assert before.loaded("https://stranger.example") is None
    assert after.loaded(rules().issuer) is None


async def test_sec_24_so_many_wait_for_one_load_and_the_next_is_turned_away(
    make_verifier: MakeVerifier,
) -> None:
    source = ScriptedSource(KEYS)
    source.gate.clear()
    verifier = make_verifier(source)
    token = KEY.token()
    waiting = [asyncio.create_task(verifier.verify(token)) for _ in range(MAX_WAITING)]
    await eventually(lambda: source.loads == 1)
    with pytest.raises(KeySourceUnavailable) as unavailable:
        await verifier.verify(token)
    assert unavailable.value.detail == "too many wait"
    waiting[0].cancel()
    await asyncio.sleep(0)
    waiting[0] = asyncio.create_task(verifier.verify(token))
    await asyncio.sleep(0)
    source.gate.set()
    assert {verified.subject for verified in await asyncio.gather(*waiting)} == {"user-1"}


def test_sources_are_equal_when_they_load_from_one_place() -> None:
    url = "https://idp.example/jwks"
    assert UrlKeys(url, HttpFetcher()) == UrlKeys(url, HttpFetcher(timeout_seconds=1))
    assert UrlKeys(url, HttpFetcher()) != UrlKeys(url + "2", HttpFetcher())
