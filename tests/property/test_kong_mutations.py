"""Mutated conversations of Kong's: no crash, no allow, nothing left behind (10^6 in a long run)."""

import gc
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.gateways.kong.instances import Instances
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Books, Line, WantsBody
from support.kong_wire import event, field_of, framed, frames_in, head
from support.soak import examples

CONVERSATIONS = 25_000
MOST_GROWTH_BYTES = 16 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")

Mutation = Callable[[random.Random, bytearray], None]


def flip(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    octets[at] ^= 1 << chance.randrange(8)


def overwrite(chance: random.Random, octets: bytearray) -> None:
    octets[chance.randrange(len(octets))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))


def cut(chance: random.Random, octets: bytearray) -> None:
    del octets[chance.randrange(len(octets)) :]


def remove(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    del octets[at : at + chance.randrange(1, 9)]


def insert(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    octets[at:at] = chance.randbytes(chance.randrange(1, 9))


def repeat(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    octets[at:at] = octets[at : at + chance.randrange(1, 200)]


HEADERS = (
    (b"host", b"llm.corp.example"),
    (b"authorization", b"Bearer " + b"e" * 300),
    (b"x-dup", b"one"),
    (b"x-dup", b"two"),
    (b"content-length", b"19"),
)
MUTATIONS: tuple[Mutation, ...] = (flip, overwrite, cut, remove, insert, repeat)


def lets_through(frames: list[bytes]) -> bool:
    """Tell whether an event ends without an exit: with nothing where a function's name stands."""
    return b"" in frames[::2]


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


async def test_an_allow_would_be_noticed() -> None:
    events = Events(Judge(ScriptedDecider()), Books(), DOOR, Instances(lambda: ("default",)))
    line = Line(events)
    line.connection.data_received(framed(event(b"access"), *head(HEADERS)))
    assert lets_through(frames_in(bytes(line.wire.written)))
    await events.drain(0)


@pytest.mark.timeout(3000)
async def test_sec_41_mutated_conversations_never_lead_to_an_allow() -> None:
    chance = random.Random(41)  # noqa: S311 - the same conversations in every run
    decider = WantsBody(refuse_for(Reason.NO_TOKEN))
    judge = Judge(decider)
    events = Events(judge, Books(), DOOR, Instances(lambda: ("default",)))
    call = framed(event(b"access"))
    answers = framed(*head(HEADERS), field_of(1, b'{"model": "gpt-4o"}'))
    total = examples(CONVERSATIONS)
    early = 0
    for number in range(total):
        spoiled = bytearray(answers)
        for _ in range(chance.randrange(1, 4)):
            if spoiled:
                chance.choice(MUTATIONS)(chance, spoiled)
        line = Line(events)
        line.connection.data_received(call)
        at = 0
        while at < len(spoiled) and not line.connection.deaf:
            size = chance.choice((1, 4, 60, 4096))
            line.connection.data_received(bytes(spoiled[at : at + size]))
            at += size
        assert not lets_through(frames_in(bytes(line.wire.written)))
        line.lose()
        decider.requests.clear()
        if number == total // 5:
            early = resident_bytes()
    assert judge.faults == 0
    assert events.due == {}
    assert resident_bytes() - early < MOST_GROWTH_BYTES


@pytest.mark.timeout(3000)
async def test_sec_41_mutated_calls_crash_nothing() -> None:
    chance = random.Random(42)  # noqa: S311 - the same calls in every run
    judge = Judge(WantsBody(refuse_for(Reason.NO_TOKEN)))
    events = Events(judge, Books(), DOOR, Instances(lambda: ("default",)))
    for _ in range(examples(CONVERSATIONS // 5)):
        spoiled = bytearray(framed(event(b"access"), *head(HEADERS)))
        for _ in range(chance.randrange(1, 4)):
            if spoiled:
                chance.choice(MUTATIONS)(chance, spoiled)
        line = Line(events)
        line.connection.data_received(bytes(spoiled))
        frames_in(bytes(line.wire.written))  # whole frames, whatever they say
        line.lose()
    assert judge.faults == 0
    assert events.due == {}
