"""How often keys are loaded and how old they may get, in seconds; plain numbers, no clock.

1. Keys are fresh for `refresh_seconds`, or for less where their server says so (Cache-Control), but
   then for `min_refresh_seconds`: many an issuer says `no-cache`, and would be asked all the time.
2. The next load is due a little before they stop being fresh, at another moment in every process.
3. After failures the wait doubles from `min_refetch_seconds`, up to half a minute.
"""

import math
from dataclasses import dataclass
from typing import Final

from gatepass.jwks.errors import ConfigurationError

MAX_BACKOFF_SECONDS: Final = 30.0
_MAX_DOUBLINGS: Final = 20
_LATEST: Final = 0.95
_JITTER: Final = 0.05


@dataclass(frozen=True, slots=True)
class Freshness:
    """The times of one issuer's keys.

    `min_refetch_seconds` lie between two loads that tokens ask for; `max_stale_seconds` after the
    last good load nothing of it is used any more.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    refresh_seconds: float = 300.0
    min_refetch_seconds: float = 1.0
    max_stale_seconds: float = 3600.0
    min_refresh_seconds: float = 60.0

    def __post_init__(self) -> None:
        problems = []
        if not self.min_refetch_seconds > 0:
            problems.append("min_refetch: must be positive")
        if not self.min_refetch_seconds <= self.refresh_seconds:
            problems.append("refresh: must not be shorter than min_refetch")
        if not self.refresh_seconds <= self.max_stale_seconds < math.inf:
            problems.append("max_stale: must not be shorter than refresh")
        if not self.min_refresh_seconds >= 0:
            problems.append("min_refresh: must not be negative")
        if problems:
            raise ConfigurationError(problems)

    def lifetime(self, said: float | None) -> float:
        """Return for how long a key set is fresh; `said` is what its server says about that."""
        if said is None:
            return self.refresh_seconds
        least = max(self.min_refresh_seconds, self.min_refetch_seconds)
        return min(max(said, least), self.refresh_seconds)

    def backoff(self, failures: int) -> float:
        """Return how long to wait after that many failures in a row, one at least."""
        wait = self.min_refetch_seconds * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        longest = min(MAX_BACKOFF_SECONDS, self.refresh_seconds)
        return min(wait, max(longest, self.min_refetch_seconds))


def due(seconds: float, chance: float) -> float:
    """Return when to act so that it is done before the time is over; `chance` is from 0 to 1."""
    return seconds * (_LATEST - _JITTER * chance)


DEFAULT_FRESHNESS = Freshness()
