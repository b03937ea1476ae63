"""When a server that nobody can reach any more says so and ends.

A second server can take the path of a gateway's socket, and end. The first one is then alive, and
the gateway is refused for ever; ended with a status that says failure, it is started anew by
whoever started it. Some seconds are given to a second server that is being restarted.
"""

import logging
import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
CUT_OFF_SECONDS = 3.0
STATUS = 1
"""The exit status of a server that was cut off."""

_log = logging.getLogger("gatepass.serve")


class CutOff:
    """Answers, again and again, whether to end; `cut_off` names the paths that lead nowhere."""

    def __init__(
        self, cut_off: Callable[[], list[str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._cut_off = cut_off
        self._now = now
        self._since: float | None = None

    def __call__(self) -> bool:
        """Answer whether a path has led nowhere for so long that waiting is over, and log it."""
        paths = self._cut_off()
        if not paths:
            self._since = None
            return False
        now = self._now()
        if self._since is None:
            self._since = now
        if now - self._since < CUT_OFF_SECONDS:
            return False
        _log.error(
            "the socket is not ours any more, and whoever took it has ended: this server can be "
            "reached by nobody and ends, to be started anew",
            extra={"settings": paths},
        )
        return True


def never() -> bool:
    """Answer for a process that looks after no path."""
    return False
