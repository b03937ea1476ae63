"""Mutated conversations of APISIX's: no crash, no allow, nothing left (10^6 in a long run)."""

import asyncio
import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gatepass.plugin.gateways.apisix.calls import Calls
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import read_http_req_call
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.messages import EXTRA, PREPARE, REQUEST, RESPONSE, frame
from support.apisix_calls import (
    DOOR,
    HEADERS,
    TARGET,
    Line,
    call,
    extra,
    frames_in,
    lets_through,
    new_calls,
    prepare,
    response_call,
)
from support.kong_events import Books, WantsBody, settled
from support.llm_answers import EXPECTED, chat
from support.mutations import mutated, resident_bytes
from support.soak import examples

MOST_GROWTH_BYTES = 16 * 1024 * 1024
TURN = 100
"""Conversations between two turns of the loop, which closes in its own time."""
CALL = call([*HEADERS, (b"x-dup", b"one"), (b"x-dup", b"two"), (b"x-flag", None)], number=7)
ANSWERS = (extra(TARGET), extra(b'{"model": "gpt-4o"}'), extra(b"HTTP/1.1"))


def spoiled(chance: random.Random, frames: Sequence[bytes]) -> bytes:
    """Return the frames spoiled: as a stream, or the content of one in a frame of its own."""
    if chance.random() < 0.5:
        return mutated(chance, b"".join(frames))
    changed = list(frames)
    number = chance.randrange(len(frames))
    whole = frames[number]
    changed[number] = frame(whole[0], mutated(chance, whole[4:]))
    return b"".join(changed)


def converse(chance: random.Random, calls: Calls, stream: bytes) -> bytes:
    """Send a stream in pieces of any size on a connection of its own; return what came back."""
    line = Line(calls)
    at = 0
    while at < len(stream) and not line.connection.deaf:
        size = chance.choice((1, 4, 60, 4096, 4096))
        line.connection.data_received(stream[at : at + size])
        at += size
    if not line.connection.deaf and chance.random() < 0.1:
        line.connection.overdue()
    heard = bytes(line.wire.written)
    line.lose()
    return heard


def test_the_conversation_is_a_whole_one() -> None:
    """So that what is mutated leads to the end where nothing is."""
    assert read_http_req_call(CALL[4:]).call_id == 7
    with pytest.raises(Malformed):
        read_http_req_call(CALL[5:])


@pytest.mark.timeout(3000)
@pytest.mark.parametrize(
    ("first", "frames", "conversations"),
    [
        (CALL, ANSWERS, 10_000),
        (b"", (CALL, *ANSWERS), 10_000),
        (b"", (prepare(), CALL, *ANSWERS, CALL), 5_000),
    ],
    ids=["answers", "calls", "configurations"],
)
async def test_sec_41_mutated_conversations_never_lead_to_an_allow(
    first: bytes, frames: Sequence[bytes], conversations: int
) -> None:
    chance = random.Random(41)  # noqa: S311 - the same conversations in every run
    decider = WantsBody(refuse_for(Reason.NO_TOKEN))
    calls = new_calls(decider)
    assert b"no_token" in converse(chance, calls, first + b"".join(frames))
    total = examples(conversations)
    early = 0
    kinds: set[int] = set()
    for number in range(total):
        heard = converse(chance, calls, first + spoiled(chance, frames))
        assert not lets_through(heard)
        kinds.update(kind for kind, _ in frames_in(heard))
        decider.requests.clear()
        if number % TURN == 0:
            await asyncio.sleep(0)  # connections that are closed later are closed
        if number == total // 5:
            early = resident_bytes()
    assert {REQUEST, EXTRA} <= kinds <= {0, PREPARE, REQUEST, EXTRA, RESPONSE}
    assert calls._judge.faults == 0
    assert (calls.due, calls.deciding, calls._connections) == ({}, 0, set())
    assert resident_bytes() - early < MOST_GROWTH_BYTES


@pytest.mark.timeout(3000)
async def test_sec_59_mutated_responses_go_on_and_settle_only_what_is_known() -> None:
    chance = random.Random(59)  # noqa: S311 - the same conversations in every run
    body = json.dumps(chat()).encode()
    told = ((b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(body)))
    frames = (response_call(200, told, number=7), extra(b"POST"), extra(b"r-1"), extra(body))
    books = Books({"r-1"})
    calls = new_calls(WantsBody(), books, replace(DOOR, read_responses=True))
    converse(chance, calls, b"".join(frames))
    await settled()
    assert books.done == [("settle", "r-1", EXPECTED)]
    for _ in range(examples(10_000)):
        books.done.clear()
        heard = converse(chance, calls, spoiled(chance, frames))
        await settled()
        assert {kind for kind, _ in frames_in(heard)} <= {0, PREPARE, REQUEST, EXTRA, RESPONSE}
        assert not lets_through(heard)
        assert len(books.done) <= 1
        assert all(request_id == "r-1" for _, request_id, _ in books.done)
    assert calls._judge.faults == 0
    assert (calls.due, calls.deciding, calls._connections) == ({}, 0, set())
    assert calls.responses._held == 0
