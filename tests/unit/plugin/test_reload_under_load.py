"""Issuers that come, change and go while requests are judged (SEC-50)."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.settings import Settings, make_settings
from support.clock import ManualClock
from support.gates import KEY, WITHOUT_KEYS, chat, code_of, document, open_gate, token
from support.jwks_server import Answer, JwksServer, ok, status
from support.keys_over_time import eventually
from support.soak import examples
from support.tokens import ISSUER, key_set, signing_key

OTHER = "https://other.example"
THEIR_KEY = signing_key("EdDSA", "theirs")
NEXT = signing_key("EdDSA", "next")
RELOADS = examples(8)


def entry(url: str, issuer: str = ISSUER, **more: object) -> dict[str, object]:
    return WITHOUT_KEYS | {"issuer": issuer, "jwks_uri": url, "allow_http_loopback": True} | more


def settings(*issuers: Mapping[str, object]) -> Settings:
    return make_settings(document(issuers=list(issuers)))


async def judge(gate: Gate, bearer: bytes) -> str:
    """Decide as a door does: at once where that is possible."""
    request = chat(bearer)
    decision = gate.decide_warm(request)
    if decision is None:
        decision = await gate.decide(request)
    return decision.reason.code


@asynccontextmanager
async def traffic(
    gate: Gate, make: Callable[[int], bytes], at_once: int = 1
) -> AsyncIterator[Counter[str]]:
    """Send requests without a pause, each second one with a token that was never seen."""
    answers: Counter[str] = Counter()
    numbers = count()

    async def send() -> None:
        while True:
            number = next(numbers)
            answers[await judge(gate, make(number // 2))] += 1
            await asyncio.sleep(0)

    senders = [asyncio.create_task(send()) for _ in range(at_once)]
    try:
        yield answers
    finally:
        for sender in senders:
            sender.cancel()
        ended = await asyncio.gather(*senders, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)


def ours(number: int) -> bytes:
    return token(jti=str(number))


def theirs(number: int) -> bytes:
    return THEIR_KEY.token({"iss": OTHER, "user": "ben", "jti": str(number)})


async def test_sec_50_issuers_come_change_and_go_under_load(tmp_path: Path) -> None:
    async with JwksServer() as server:
        our_url = server.serve("/ours", ok(key_set(KEY)))
        their_url = server.serve("/theirs", ok(key_set(THEIR_KEY)))
        us, them = entry(our_url), entry(their_url, OTHER)
        phases = [
            (settings(us, them), "allowed"),
            (settings(us, entry(their_url, OTHER, audience="another")), "bad_audience"),
            (settings(us), "bad_issuer"),
            (settings(us, entry(our_url, OTHER)), "unknown_key"),
        ]
        async with (
            open_gate(tmp_path, issuers=[us, them]) as gate,
            traffic(gate, ours) as our_answers,
            traffic(gate, theirs) as their_answers,
            traffic(gate, lambda number: KEY.token({"iss": f"https://{number}.example"})) as strays,
        ):
            for reload in range(RELOADS):
                wanted, code = phases[reload % len(phases)]
                await gate.adopt(wanted)
                assert await judge(gate, theirs(reload)) == code
                assert await judge(gate, ours(reload)) == "allowed"
                await asyncio.sleep(0.002)
        assert set(our_answers) == {"allowed"}
        assert set(their_answers) == {code for _, code in phases}
        assert set(strays) == {"bad_issuer"}
        assert min(our_answers.total(), their_answers.total()) > RELOADS


def once(held: asyncio.Event, then: Answer) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        await held.wait()
        await then(writer)

    return answer


@asynccontextmanager
async def waiting_for_keys(
    folder: Path, answer: Callable[[asyncio.Event], Answer]
) -> AsyncIterator[tuple[Gate, JwksServer, "asyncio.Task[str]", asyncio.Event]]:
    """Open a Gate with a request that waits for the answer to a question of its token."""
    clock, held = ManualClock(), asyncio.Event()
    async with JwksServer() as server:
        us = entry(server.serve("/keys", ok(key_set(KEY))))
        async with open_gate(folder, clock, issuers=[us]) as gate:
            clock.advance(2)
            server.serve("/keys", answer(held))
            waiting = asyncio.create_task(code_of(gate, chat(NEXT.token({"user": "ann"}))))
            await eventually(lambda: len(server.hits) == 2)
            yield gate, server, waiting, held


def with_next_key(held: asyncio.Event) -> Answer:
    return once(held, ok(key_set(KEY, NEXT)))


async def test_a_token_that_waits_for_its_key_gets_it_although_the_settings_change(
    tmp_path: Path,
) -> None:
    async with waiting_for_keys(tmp_path, with_next_key) as (gate, server, waiting, held):
        us = entry(server.serve("/keys", ok(key_set(KEY))))
        adoption = asyncio.create_task(gate.adopt(settings(us, entry(server.url("/"), OTHER))))
        await eventually(lambda: len(gate.issuers()) == 2)
        assert await code_of(gate, chat()) == "allowed"
        assert not waiting.done()
        held.set()
        assert await waiting == "allowed"
        await adoption


async def test_a_reload_that_is_cut_short_cuts_off_the_loads_that_it_waits_for(
    tmp_path: Path,
) -> None:
    async with waiting_for_keys(tmp_path, with_next_key) as (gate, server, waiting, _):
        us = entry(server.serve("/keys", ok(key_set(KEY))))
        adoption = asyncio.create_task(gate.adopt(settings(us, entry(server.url("/"), OTHER))))
        await eventually(lambda: len(gate.issuers()) == 2)
        adoption.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adoption
        async with asyncio.timeout(1):  # the issuer would be waited for longer
            assert await waiting == "unknown_key"
        assert await code_of(gate, chat()) == "allowed"


async def test_a_key_that_arrives_while_new_settings_are_prepared_is_not_lost(
    tmp_path: Path,
) -> None:
    async with waiting_for_keys(tmp_path, with_next_key) as (gate, server, waiting, held):
        failing = asyncio.Event()
        us = entry(server.serve("/keys", once(failing, status(500))))
        adoption = asyncio.create_task(gate.adopt(settings(us)))
        await eventually(lambda: len(server.hits) == 3)
        held.set()
        assert await waiting == "allowed"
        failing.set()
        await adoption
        again = NEXT.token({"user": "ann", "jti": "2"})
        assert await code_of(gate, chat(again)) == "allowed"


async def test_nothing_of_what_was_replaced_stays_behind(tmp_path: Path) -> None:
    async with JwksServer() as server:
        us = entry(server.serve("/keys", ok(key_set(KEY))))
        async with open_gate(tmp_path, issuers=[us]) as gate:
            replaced: list[weakref.ref[object]] = []
            tasks = asyncio.all_tasks()
            for _ in range(5):
                replaced.append(weakref.ref(gate._rulebook.verifier))
                await gate.adopt(settings(us))
            assert await code_of(gate, chat()) == "allowed"
            assert asyncio.all_tasks() <= tasks
            gc.collect()
            assert [verifier() for verifier in replaced] == [None] * 5
