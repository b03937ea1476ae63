"""The process that holds the sockets while workers answer: it starts, replaces and stops them.

Rules, in order:

1. The first worker starts alone: what keeps it from starting would keep the others from it too, is
   told once, and ends the whole. So does a worker that cannot start at its first time.
2. A worker that dies is replaced at once; one that keeps dying right after its start, after a delay
   that grows. Whoever it had not accepted yet is served by the others.
3. SIGHUP reaches every worker, if what it shall adopt can be adopted at all.
4. SIGTERM and SIGINT end all workers; whoever takes too long is killed. So does being cut off,
   which is looked for every second once they answer, and is a failure.

There is no event loop and no thread here, because a forked process would get half of them.
"""

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from gatepass.plugin.workers.cut_off import LOOK_SECONDS, STATUS
from gatepass.plugin.workers.signals import SignalQueue, hearing
from gatepass.plugin.workers.worker import CANNOT_START, Work, Worker

PATIENCE_SECONDS = 12.0
"""Longer than any door takes to finish what is under way."""

_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do when: `ready` when the first worker is, `reload` on SIGHUP, `leave` at the end.

    `reload` answers whether the workers shall hear of it, `leave` returns when they may go,
    `is_cut_off` answers whether all of them shall end because nobody gets to them.
    """

    work: Work
    ready: Callable[[], None]
    reload: Callable[[], bool]
    leave: Callable[[], None]
    is_cut_off: Callable[[], bool]


def supervise(workers: int, plan: Plan) -> int:
    """Run so many workers until told to stop; return the exit status."""
    lifeline = os.pipe()
    try:
        with hearing() as signals:
            return _Supervisor(workers, plan, signals, lifeline).run()
    finally:
        for descriptor in lifeline:
            os.close(descriptor)


class _Supervisor:
    def __init__(
        self, workers: int, plan: Plan, signals: SignalQueue, lifeline: tuple[int, int]
    ) -> None:
        self._plan = plan
        self._signals = signals
        self._lifeline = lifeline
        self._announced = False
        self._first, *self._others = (Worker(number) for number in range(1, workers + 1))

    def run(self) -> int:
        try:
            while True:
                self._start_who_is_due()
                heard = self._wait()
                if self._is_hopeless():
                    return CANNOT_START
                if heard & _ENDING:
                    self._plan.leave()
                    return 0
                if signal.SIGHUP in heard and self._plan.reload():
                    self._pass_on(signal.SIGHUP)
                if self._first.was_ready and not self._announced:
                    self._plan.ready()
                    self._announced = True
                if self._announced and self._plan.is_cut_off():
                    self._plan.leave()
                    return STATUS
        finally:
            self._end_all()

    @property
    def _wanted(self) -> list[Worker]:
        return [self._first, *self._others] if self._first.was_ready else [self._first]

    def _start_who_is_due(self) -> None:
        now = time.monotonic()
        for worker in self._wanted:
            if not worker.runs and worker.due <= now:
                worker.start(self._plan.work, self._signals, self._lifeline)

    def _wait(self) -> frozenset[int]:
        """Wait for a signal, for a worker that gets ready, or for the time to start one."""
        dues = [worker.due for worker in self._wanted if not worker.runs]
        seconds = min(dues, default=math.inf) - time.monotonic()
        if self._announced:
            seconds = min(seconds, LOOK_SECONDS)
        unready = [worker.ready_at for worker in self._wanted if worker.ready_at is not None]
        heard = self._signals.wait(None if seconds == math.inf else max(0.0, seconds), *unready)
        for worker in self._wanted:
            worker.hear()
        return heard

    def _is_hopeless(self) -> bool:
        """Look who has died; answer whether one of them could never start."""
        for worker in self._wanted:
            code = worker.reap()
            if code == CANNOT_START and not worker.was_ready:
                return True
            if code is not None:
                worker.tell_of_death(code)
        return False

    def _pass_on(self, number: signal.Signals) -> None:
        for worker in self._wanted:
            worker.signal(number)

    def _end_all(self) -> None:
        self._pass_on(signal.SIGTERM)
        until = time.monotonic() + PATIENCE_SECONDS
        while self._anybody_left() and time.monotonic() < until:
            self._signals.wait(until - time.monotonic())
        self._pass_on(signal.SIGKILL)
        while self._anybody_left():
            self._signals.wait(None)

    def _anybody_left(self) -> bool:
        for worker in self._wanted:
            worker.reap()
        return any(worker.runs for worker in self._wanted)
