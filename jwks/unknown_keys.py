"""Names of keys that tokens gave and that the issuer did not have when it was asked (SEC-24).

Rules, in order:

1. A name that a load did not bring may cause the next one only after a while, which doubles with
   each time up to half a minute. What another name or the timer loads serves it all the same.
2. So many names are kept and no more; the oldest goes first. The names are a stranger's, so nothing
   of them is ever shown.
3. A new key set forgets them all.
4. Tokens that are refused without asking are counted, and told of once per flood.

That loads of any kind keep their distance is for the keeper to see to.
"""

import logging
import math
from collections import OrderedDict
from typing import Final

import msgspec

_log = logging.getLogger(__name__)

MAX_NAMES: Final = 1024
MAX_WAIT_SECONDS: Final = 30.0
FLOOD: Final = 100
"""From so many refused tokens on, none a minute after the one before, it is a flood."""

QUIET_SECONDS: Final = 60.0


class _Missed(msgspec.Struct, frozen=True, gc=False):
    until: float
    wait: float


class UnknownKeys:
    """The names for one issuer; times are in seconds on the monotonic clock.

    `first_wait_seconds` is how long a name waits when it was missed for the first time.
    """

    def __init__(self, issuer: str, first_wait_seconds: float) -> None:
        self._issuer = issuer
        self._first_wait = first_wait_seconds
        self._missed: OrderedDict[str, _Missed] = OrderedDict()
        self._last_refused = -math.inf
        self._in_a_row = 0
        self.refused = 0

    def __len__(self) -> int:
        return len(self._missed)

    def may_ask(self, kid: str, now: float) -> bool:
        """Return whether a token with this name may cause a load."""
        missed = self._missed.get(kid)
        return missed is None or now >= missed.until

    def miss(self, kid: str, now: float) -> None:
        """Note that a load did not bring the key; of all that waited for it the first counts."""
        before = self._missed.pop(kid, None)
        if before is not None and now < before.until:
            self._missed[kid] = before
            return
        longest = max(MAX_WAIT_SECONDS, self._first_wait)
        wait = self._first_wait if before is None else min(before.wait * 2, longest)
        self._missed[kid] = _Missed(now + wait, wait)
        if len(self._missed) > MAX_NAMES:
            self._missed.popitem(last=False)

    def refuse(self, now: float) -> None:
        """Count a token that the issuer was not asked about."""
        self.refused += 1
        if now - self._last_refused > QUIET_SECONDS:
            self._in_a_row = 0
        self._last_refused = now
        self._in_a_row += 1
        if self._in_a_row == FLOOD:
            _log.warning(
                "issuer %s: a flood of tokens that name keys which it does not publish; they are "
                "refused without asking it each time",
                self._issuer,
            )

    def forget(self) -> None:
        """Let every name ask anew: the issuer has other keys now."""
        self._missed.clear()
