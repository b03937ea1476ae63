"""How often an issuer is asked about tokens: a flood of made-up ones must not become its flood.

Rules, in order:

1. After a failure that concerns every token, nothing is asked for a while, which doubles with each
   failure (`Freshness.backoff`); then one question goes out, and its answer opens the way again.
2. So many questions are under way at most.
3. So many are begun in a second at most; who asked for nothing has one second's worth in hand.

A token that is not asked about is not refused, its request is: nobody knows whether it is good. A
server that stumbles over one token is no reason to keep the others waiting.
"""

import math
from typing import Final

from gatepass.jwks.freshness import Freshness

RESTING: Final = "not asked again yet"
TOO_MANY_AT_ONCE: Final = "too many at once"
TOO_MANY_PER_SECOND: Final = "too many per second"


class Pace:
    """Counts the questions to one issuer; times are in seconds on the monotonic clock."""

    def __init__(self, per_second: int, in_flight: int, freshness: Freshness) -> None:
        self._per_second = per_second
        self._max_in_flight = in_flight
        self._freshness = freshness
        self._in_hand = float(per_second)
        self._counted_at = math.inf
        self._resting_until = -math.inf
        self.failures = 0
        self.in_flight = 0

    def begin(self, now: float) -> str | None:
        """Count a question that begins; what is returned says why it must not."""
        if self.failures and (now < self._resting_until or self.in_flight):
            return RESTING
        if self.in_flight >= self._max_in_flight:
            return TOO_MANY_AT_ONCE
        earned = max(0.0, now - self._counted_at) * self._per_second
        self._in_hand = min(self._in_hand + earned, float(self._per_second))
        self._counted_at = now
        if self._in_hand < 1:
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

    def failed(self, now: float) -> None:
        """Note that the server does not answer; of all that waited for it the first counts."""
        if now >= self._resting_until:
            self.failures += 1
            self._resting_until = now + self._freshness.backoff(self.failures)
