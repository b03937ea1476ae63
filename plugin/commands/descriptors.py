"""File descriptors: as many as this process may have, and a word before they run out.

At the limit the event loop closes what it accepts without a word, and the gateway sees a broken
pipe. So a look now and then tells of it. A new descriptor gets the lowest free number: a number
above nine tenths of the limit is given out only while all below it are taken, which is cheap to
know even where there are a hundred thousand.
"""

import errno
import logging
import os
import resource
import socket
import time
from collections.abc import Callable

_QUIET_SECONDS = 60.0
_NEARLY_ALL = 0.9
_FIRST_OF_OURS = 3
_MOST_OF_OTHERS = 65_536

_log = logging.getLogger("gatepass.serve")


def raise_limit() -> None:
    """Raise the soft limit to the hard one, or note that it stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # a hard limit beyond what the system gives to anybody
        _log.warning("the limit on open descriptors stays as it is", extra={"limit": soft})


def close_inherited() -> None:
    """Close what a gateway that starts us leaves open: sockets and logs of its own.

    To be called before anything is opened here; only the three standard streams stay.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    os.closerange(_FIRST_OF_OURS, soft if soft != resource.RLIM_INFINITY else _MOST_OF_OTHERS)


class DescriptorWatch:
    """Tells the log that descriptors run out, and that they have, each once a minute at most."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._quiet_until: dict[str, float] = {}

    def look(self) -> None:
        """Look how many are left."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        finding = _finding(limit)
        now = self._now()
        if finding is not None and self._quiet_until.get(finding, now) <= now:
            self._quiet_until[finding] = now + _QUIET_SECONDS
            _log.warning(finding, extra={"limit": limit})


def _finding(limit: int) -> str | None:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            number = probe.fileno()
    except OSError as error:
        if error.errno == errno.ENFILE:
            return "the machine has no descriptors left: connections are closed unanswered"
        return (
            "no descriptors left: connections are closed unanswered; raise the limit, as with "
            "LimitNOFILE= of systemd or ulimit -n"
        )
    if limit != resource.RLIM_INFINITY and number >= _NEARLY_ALL * limit:
        return (
            "nine tenths of the descriptors are in use; at the limit connections are closed "
            "unanswered: raise it, as with LimitNOFILE= of systemd or ulimit -n"
        )
    return None
