"""What an operator learns of reports that come without the token: that there are, and how many.

Whoever reports usage, APISIX's http-logger above all, tells nobody of a 401, and costs would be
estimated for ever. One warning a minute at most, with nothing of what was sent (SEC-60).
"""

import logging

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock

QUIET_SECONDS = 60.0

_log = logging.getLogger("gatepass.usage")


class RefusedReports:
    """Remembers when it was last warned of them, and how many there were since."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._quiet_until: float | None = None
        self._times = 0

    def note(self) -> None:
        """Log a refused report, or count it until the next line."""
        self._times += 1
        now = self._clock.monotonic()
        if self._quiet_until is not None and now < self._quiet_until:
            return
        _log.warning(
            "usage reports are refused: their Authorization is not `Bearer ` and "
            "doors.http.usage_token",
            extra={"times": self._times},
        )
        self._quiet_until = now + QUIET_SECONDS
        self._times = 0
