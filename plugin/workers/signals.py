"""Signals as things to be waited for, for a process that has no event loop.

A signal that comes while nobody waits is there at the next wait. Between `forked` and the first
handler of its own a child has none of ours, and hears of no signal before it says so.
"""

import os
import select
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

HEARD = (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


class SignalQueue:
    """The signals of this process; made by `hearing`."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def wait(self, seconds: float | None, *others: int) -> frozenset[int]:
        """Wait for signals, or for other descriptors that can be read; None waits for ever."""
        ready, _, _ = select.select([self._incoming, *others], [], [], seconds)
        if self._incoming not in ready:
            return frozenset()
        return frozenset(os.read(self._incoming, 4096))

    def fork(self) -> int:
        """Fork; the child returns with signals blocked, their handlers as at a program's start."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        child = -1
        try:
            child = os.fork()
        finally:
            if child != 0:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if child == 0:
            _forget_handlers()
            self.close()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return child

    def close(self) -> None:
        """Hear nothing any more."""
        os.close(self._incoming)
        os.close(self._outgoing)


@contextmanager
def hearing() -> Iterator[SignalQueue]:
    """Hear the signals that concern a process with workers, in place of what they do else."""
    incoming, outgoing = os.pipe()
    os.set_blocking(incoming, False)
    os.set_blocking(outgoing, False)
    queue = SignalQueue(incoming, outgoing)
    signal.set_wakeup_fd(outgoing, warn_on_full_buffer=False)
    for number in HEARD:
        signal.signal(number, _heard)
    try:
        yield queue
    finally:
        _forget_handlers()
        queue.close()


def _heard(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number of the signal is in the queue by now."""
    del number, frame


def _forget_handlers(numbers: Collection[signal.Signals] = HEARD) -> None:
    signal.set_wakeup_fd(-1)
    for number in numbers:
        interrupt = number is signal.SIGINT
        signal.signal(number, signal.default_int_handler if interrupt else signal.SIG_DFL)
