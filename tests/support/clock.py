"""A clock that tests move by hand."""

import time


class ManualClock:
    """Wall time starts at the real one, so that freshly made tokens are valid."""

    def __init__(self, wall: float | None = None, monotonic: float = 1000.0) -> None:
        self._wall = time.time() if wall is None else wall
        self._monotonic = monotonic

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._wall += seconds
        self._monotonic += seconds

    def jump_wall(self, seconds: float) -> None:
        """Move the wall clock alone, as a correction of the system's time would."""
        self._wall += seconds
