"""Tokens that were verified before, found again by the digest of their bytes (SEC-49, SEC-50).

A verdict is good only while everything that it depended on holds:

1. The wall clock is before the token's end, leeway included.
2. So is the monotonic clock: a wall clock that is set back makes no token live longer (SEC-66).
3. The issuer's keys in use are the very set that verified it, and not past their lifetime: a key
   that is withdrawn takes its tokens with it.

Refusals are never remembered: who makes up tokens fills nothing. The tokens themselves are not kept
either, so that a memory dump holds no credentials.
"""

from collections import OrderedDict

import msgspec

from gatepass.jwks.clock import Clock
from gatepass.jwks.keeper import Keeper
from gatepass.jwks.token import VerifiedToken


class _Entry(msgspec.Struct, frozen=True, eq=False):
    token: VerifiedToken
    keeper: Keeper
    ends_wall: float
    ends_monotonic: float


class TokenCache:
    """At most `max_entries` verified tokens; the one that came first goes first."""

    def __init__(self, clock: Clock, max_entries: int) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, digest: bytes) -> VerifiedToken | None:
        """Return the token with this digest if it is still good."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        now = self._clock.monotonic()
        if (
            self._clock.wall() < entry.ends_wall
            and now < entry.ends_monotonic
            and entry.keeper.current(now) is entry.token.key_set
        ):
            return entry.token
        del self._entries[digest]
        return None

    def remember(self, token: VerifiedToken, keeper: Keeper, leeway_seconds: float) -> None:
        """Keep a token that was verified just now with keys of this keeper."""
        wall, now = self._clock.wall(), self._clock.monotonic()
        ends = token.expires_at + leeway_seconds
        self._entries.pop(token.digest, None)
        self._make_room(wall)
        self._entries[token.digest] = _Entry(token, keeper, ends, now + (ends - wall))

    def _make_room(self, wall: float) -> None:
        """Drop the oldest entry while it has expired or there is no room for another one."""
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if len(self._entries) < self._max_entries and wall < oldest.ends_wall:
                return
            self._entries.popitem(last=False)
