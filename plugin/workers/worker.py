"""One worker: a forked process, known by its number, and what is known of how it fares.

The child runs the work that it is given and leaves with 0, with 2 and our sentences when the
settings cannot be used, else with 1 and the type of the fault alone. Its lifeline can be read when
the parent has ended, however it ended.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.workers.signals import SignalQueue

Work = Callable[[Callable[[], None], int], None]
"""What a worker does, given how to say that it is ready, and its lifeline."""

CANNOT_START = 2
_FAULT = 1
_STEADY_SECONDS = 5.0
_SHORTEST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 10.0

_log = logging.getLogger("gatepass.workers")


class Worker:
    """A place for a worker: one process after the other.

    `ready_at` can be read when the running one is ready or dead; None when it has been.
    `was_ready` says whether any of them ever was, `due` when the next one may start, in monotonic
    seconds.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._pid: int | None = None
        self._began = 0.0
        self._early_deaths = 0
        self.due = 0.0
        self.ready_at: int | None = None
        self.was_ready = False

    @property
    def runs(self) -> bool:
        """Answer whether there is a process, as far as is known."""
        return self._pid is not None

    def start(self, work: Work, signals: SignalQueue, lifeline: tuple[int, int]) -> None:
        """Fork; the child never returns from here. `lifeline` is the pipe: to read, to write."""
        self._began = time.monotonic()
        try:
            pid, ready_at, tell = _fork(signals)
        except OSError as error:  # no process or descriptor is left, which may pass
            self._plan()
            _log.warning("a worker cannot be started", extra={"why": error.strerror})
            return
        if pid == 0:
            os.close(lifeline[1])
            os.close(ready_at)
            _live(work, tell, lifeline[0])
        os.close(tell)
        os.set_blocking(ready_at, False)
        self._pid, self.ready_at = pid, ready_at

    def hear(self) -> None:
        """Note it if the process has become ready, or died before it was."""
        if self.ready_at is None:
            return
        with suppress(BlockingIOError):
            self.was_ready = bool(os.read(self.ready_at, 1)) or self.was_ready
            os.close(self.ready_at)
            self.ready_at = None

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on, if there is anybody."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)

    def reap(self) -> int | None:
        """Return the exit code if the process has ended, and plan when the next one may start."""
        if self._pid is None:
            return None
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid == 0:
            return None
        self._pid = None
        self.hear()
        self._plan()
        return os.waitstatus_to_exitcode(status)

    def tell_of_death(self, code: int) -> None:
        """Write the one line about it; a negative code is the signal that killed it."""
        delay = max(0.0, self.due - time.monotonic())
        facts = {"worker": self._number, "exit": code, "next_in_seconds": round(delay, 1)}
        _log.warning("a worker died; another one takes its place", extra=facts)

    def _plan(self) -> None:
        now = time.monotonic()
        if now - self._began >= _STEADY_SECONDS:
            self._early_deaths = 0
            self.due = now
            return
        self._early_deaths += 1
        doubled = _SHORTEST_DELAY_SECONDS * 2.0 ** (self._early_deaths - 2)
        delay = 0.0 if self._early_deaths == 1 else min(doubled, _LONGEST_DELAY_SECONDS)
        self.due = now + delay


def _fork(signals: SignalQueue) -> tuple[int, int, int]:
    """Return the process id, 0 in the child, and a pipe: to read, to write."""
    ready_at, tell = os.pipe()
    try:
        return signals.fork(), ready_at, tell
    except OSError:
        os.close(ready_at)
        os.close(tell)
        raise


def _live(work: Work, tell: int, lifeline: int) -> None:
    def ready() -> None:
        with suppress(BrokenPipeError):  # the parent has ended; the lifeline says so
            os.write(tell, b".")
        os.close(tell)

    code = _FAULT
    try:
        work(ready, lifeline)
        code = 0
    except GatepassError as error:
        sys.stderr.write(f"gatepass: {error}\n")
        code = CANNOT_START
    except BaseException as bug:  # noqa: BLE001 - nothing may return into what the parent was doing
        _log.error("internal fault in a worker", extra={"fault": type(bug).__name__})
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
