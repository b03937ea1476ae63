"""How often an issuer is asked about tokens: a flood of made-up ones must not become its flood.

Rules, in order:

1. After a failure that concerns every token, nothing is asked for a while, which doubles with each
   failure (`Freshness.backoff`); then one question goes out, and its answer opens the way again.
2. A server that stumbles over one token is no reason to keep the others waiting. When it stumbles
   over `STUMBLES` of them and answers for none in between, that is such a failure; strangers alone
   cannot bring it about for tokens that were good lately.
3. So many questions are under way at most.
4. So many are begun in a second at most; who asked for nothing has one second's worth in hand.
5. Half of both, rounded down, is kept for tokens that were good lately: strangers, however many
   somebody makes up, do not keep these from being asked about again.

A token that is not asked about is not refused, its request is: nobody knows whether it is good.
"""

import math
from typing import Final

from gatepass.jwks.freshness import Freshness

RESTING: Final = "not asked again yet"
TOO_MANY_AT_ONCE: Final = "too many at once"
TOO_MANY_PER_SECOND: Final = "too many per second"

STUMBLES: Final = 10
"""So many tokens in a row without a usable answer are no longer a matter of the tokens."""


class Pace:
    """Counts the questions to one issuer; times are in seconds on the monotonic clock.

    A token is `known` when it was good lately.
    """

    def __init__(self, per_second: int, in_flight: int, freshness: Freshness) -> None:
        self._per_second = per_second
        self._max_in_flight = in_flight
        self._freshness = freshness
        self._in_hand = float(per_second)
        self._counted_at = math.inf
        self._resting_until = -math.inf
        self._known_rest = False
        self._stumbled: dict[bool, set[bytes]] = {True: set(), False: set()}
        self.failures = 0
        self.in_flight = 0

    def begin(self, now: float, *, known: bool) -> str | None:
        """Count a question that begins; what is returned says why it must not."""
        rests = self.failures and (self._known_rest or not known)
        if rests and (now < self._resting_until or self.in_flight):
            return RESTING
        if self.in_flight >= self._max_in_flight - (0 if known else self._max_in_flight // 2):
            return TOO_MANY_AT_ONCE
        earned = max(0.0, now - self._counted_at) * self._per_second
        self._in_hand = min(self._in_hand + earned, float(self._per_second))
        self._counted_at = now
        if self._in_hand < 1 + (0 if known else self._per_second // 2):
            return TOO_MANY_PER_SECOND
        self._in_hand -= 1
        self.in_flight += 1
        return None

    def end(self) -> None:
        """Count a question that is over, one way or the other."""
        self.in_flight -= 1

    def answered(self) -> None:
        """Note that the server answers."""
        self.failures = 0
        self._resting_until = -math.inf
        for digests in self._stumbled.values():
            digests.clear()

    def stumbled(self, digest: bytes, now: float, *, known: bool) -> None:
        """Note that the server has nothing of use to say about this token."""
        digests = self._stumbled[known]
        if len(digests) < STUMBLES:
            digests.add(digest)
        self._known_rest = len(self._stumbled[True]) == STUMBLES
        if self._known_rest or len(self._stumbled[False]) == STUMBLES:
            self._rest(now)
        else:
            self.failures = 0  # it answers, if badly

    def failed(self, now: float) -> None:
        """Note that the server does not answer; of all that waited for it the first counts."""
        self._rest(now)
        self._known_rest = True

    def _rest(self, now: float) -> None:
        if now >= self._resting_until:
            self.failures += 1
            self._resting_until = now + self._freshness.backoff(self.failures)
