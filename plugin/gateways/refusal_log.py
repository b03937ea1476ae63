"""What an operator learns of refusals: codes and counts, never anything of a request (SEC-60).

A refusal that is our side's fault (503: a wrong profile, an unknown proxy, an issuer or a store
that is away) is a warning, at most one a code in `QUIET_SECONDS`, with how many there were since;
so a flood or an outage does not fill the log. Any other refusal is one line at level info, and
costs nothing where that level is off.
"""

import logging
from typing import TYPE_CHECKING

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.decision import Deny

if TYPE_CHECKING:
    from gatepass.plugin.reasons import Reason

QUIET_SECONDS = 10.0

_log = logging.getLogger("gatepass.decisions")
_OURS = 503


class RefusalLog:
    """Remembers when each code was last warned of."""

    __slots__ = ("_clock", "_held", "_quiet_until")

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._quiet_until: dict[Reason, float] = {}
        self._held: dict[Reason, int] = {}

    def note(self, refusal: Deny) -> None:
        """Log a refusal, or count it until the next line about its code."""
        reason = refusal.reason
        if reason.status != _OURS:
            if _log.isEnabledFor(logging.INFO):
                _log.info("refused", extra={"code": reason.code, "status": reason.status})
            return
        held = self._held.get(reason, 0) + 1
        now = self._clock.monotonic()
        if now < self._quiet_until.get(reason, now):
            self._held[reason] = held
            return
        self._held[reason] = 0
        self._quiet_until[reason] = now + QUIET_SECONDS
        _log.warning(
            "cannot decide: %s", reason.sentence, extra={"code": reason.code, "times": held}
        )
