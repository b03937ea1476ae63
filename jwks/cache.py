"""Tokens that were verified before, found again by the digest of their bytes (SEC-49, SEC-50).

A verdict is good only while everything that it depended on holds:

1. The wall clock is before the token's end, leeway included, and before the age to which verdicts
   are kept at most.
2. So is the monotonic clock: a wall clock that is set back makes no token live longer (SEC-66).
3. The issuer's keys in use are the very set that verified it, and not past their lifetime: a key
   that is withdrawn takes its tokens with it. A token that no key verified has no such tie.

A cache belongs to one verifier, and so to one generation of the settings: what other rules let pass
is not in it. What the same rules let pass may be handed on. It is bounded in entries and in bytes;
the token that was not used for the longest time goes first. Refusals are never remembered: who
makes up tokens fills nothing. Of a token only the payload is kept, so that a memory dump holds no
credentials.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from gatepass.jwks.clock import Clock
from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.keyset import KeySet
from gatepass.jwks.token import VerifiedToken

ENTRY_BYTES = 600
"""What an entry takes beside its payload and names: its digest, objects, and places in tables."""

_CHARACTER_BYTES = 4
"""What a character of a text takes at most."""


@dataclass(frozen=True, slots=True)
class CacheBounds:
    """How many verified tokens are kept, how much memory they take, and for how long at most.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    max_tokens: int = 10_000
    max_bytes: int = 32 * 1024 * 1024
    max_age_seconds: float = 300.0

    def __post_init__(self) -> None:
        problems = [
            f"{name}: must be positive"
            for name, value in (
                ("max_tokens", self.max_tokens),
                ("max_bytes", self.max_bytes),
                ("max_age", self.max_age_seconds),
            )
            if not value > 0
        ]
        if problems:
            raise ConfigurationError(problems)


DEFAULT_CACHE_BOUNDS = CacheBounds()


class KeysInUse(Protocol):
    """Knows which keys of an issuer count at a monotonic time; always None where there are none."""

    def current(self, now: float, /) -> KeySet | None:
        """Return the keys in use."""
        ...


class NoKeys:
    """What tokens hang on that no key verified: the issuer was asked about them."""

    def current(self, _now: float, /) -> None:
        """Return None."""


class Entry(msgspec.Struct, frozen=True, eq=False, gc=False):
    """A token with the keys that it hangs on, and when that ends on both clocks."""

    # nothing that is reachable from here leads back to the cache: there is no cycle to collect
    token: VerifiedToken
    keys: KeysInUse
    ends_wall: float
    ends_monotonic: float


def entry_bytes(token: VerifiedToken) -> int:
    """Return what a token takes in memory, by an estimate that is not too low."""
    names = len(token.subject) + len(token.issuer)
    return ENTRY_BYTES + len(token.payload) + _CHARACTER_BYTES * names


class TokenCache:
    """Verified tokens within the given bounds; `size_bytes` is what they take, by estimate."""

    def __init__(self, clock: Clock, bounds: CacheBounds = DEFAULT_CACHE_BOUNDS) -> None:
        self._wall, self._monotonic = clock.wall, clock.monotonic
        self._max_tokens = bounds.max_tokens
        self._max_bytes = bounds.max_bytes
        self._max_age_seconds = bounds.max_age_seconds
        self._entries: OrderedDict[bytes, Entry] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, digest: bytes) -> VerifiedToken | None:
        """Return the token with this digest if it is still good."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        now = self._monotonic()
        if (
            self._wall() < entry.ends_wall
            and now < entry.ends_monotonic
            and entry.keys.current(now) is entry.token.key_set
        ):
            self._entries.move_to_end(digest)
            return entry.token
        self._forget(digest)
        return None

    def remember(
        self,
        token: VerifiedToken,
        keys: KeysInUse,
        leeway_seconds: float,
        longest_seconds: float = math.inf,
    ) -> None:
        """Keep a token that was verified just now with these keys in use."""
        wall, now = self._wall(), self._monotonic()
        lifetime = min(
            token.expires_at + leeway_seconds - wall, self._max_age_seconds, longest_seconds
        )
        size = entry_bytes(token)
        if token.digest in self._entries:
            self._forget(token.digest)
        self._make_room(size, wall)
        if size <= self._max_bytes:
            self._entries[token.digest] = Entry(token, keys, wall + lifetime, now + lifetime)
            self.size_bytes += size

    def entries(self, keys: KeysInUse) -> Sequence[Entry]:
        """Return what hangs on these keys, that which was not used for the longest time first."""
        return [entry for entry in self._entries.values() if entry.keys is keys]

    def inherit(self, entries: Iterable[Entry], keys: KeysInUse) -> None:
        """Go on with what another cache held, as old as it is; now it hangs on these keys."""
        for entry in entries:
            longest = entry.ends_monotonic - self._monotonic()
            if longest > 0 and entry.token.digest not in self._entries:
                self.remember(entry.token, keys, 0, longest)

    def _make_room(self, size: int, wall: float) -> None:
        """Drop what was not used for the longest time while it has ended or takes the room."""
        entries = self._entries
        while entries:
            digest = next(iter(entries))
            if (
                len(entries) < self._max_tokens
                and self.size_bytes + size <= self._max_bytes
                and wall < entries[digest].ends_wall
            ):
                return
            self._forget(digest)

    def _forget(self, digest: bytes) -> None:
        self.size_bytes -= entry_bytes(self._entries.pop(digest).token)
