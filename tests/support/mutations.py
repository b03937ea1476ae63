"""Octets that were spoiled by chance, and how much memory is left behind by many of them."""

import gc
import os
import random
from collections.abc import Callable
from pathlib import Path

MOST_MUTATIONS = 3
_PAGE = os.sysconf("SC_PAGE_SIZE")
_EDGES = (0, 1, 4, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFC, 0xFFFF_FFFF)

Mutation = Callable[[random.Random, bytearray], None]


def _flip(chance: random.Random, octets: bytearray) -> None:
    octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, octets: bytearray) -> None:
    octets[chance.randrange(len(octets))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))


def _overwrite_long(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets)) & ~3
    octets[at : at + 4] = chance.choice(_EDGES).to_bytes(4, "little")


def _cut(chance: random.Random, octets: bytearray) -> None:
    del octets[chance.randrange(len(octets)) :]


def _remove(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    del octets[at : at + chance.randrange(1, 9)]


def _insert(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    octets[at:at] = chance.randbytes(chance.randrange(1, 9))


def _repeat(chance: random.Random, octets: bytearray) -> None:
    at = chance.randrange(len(octets))
    octets[at:at] = octets[at : at + chance.randrange(1, 200)]


_MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _overwrite,
    _overwrite_long,
    _cut,
    _remove,
    _insert,
    _repeat,
)


def mutated(chance: random.Random, octets: bytes) -> bytes:
    """Return the octets with one to three mutations."""
    spoiled = bytearray(octets)
    for _ in range(chance.randint(1, MOST_MUTATIONS)):
        if spoiled:
            chance.choice(_MUTATIONS)(chance, spoiled)
    return bytes(spoiled)


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
