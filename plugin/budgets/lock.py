"""One process at a time: counters that live in a process are right only when it is the only one.

The lock is an exclusive flock on a file next to the database. The kernel releases it when the
process ends, however it ends; the file itself stays, because deleting it would let two processes
hold two files of the same name. A process that finds the lock taken waits a little for one that is
shutting down, as when a gateway starts the next process before it has ended the last; a holder that
knows of the next one lets go before it ends.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import ConfigurationError

DEFAULT_WAIT_SECONDS = 3.0
_POLL_SECONDS = 0.02


def _in_silence() -> None:
    """Nobody wants to know that somebody waits."""


def lock_path(database: Path) -> Path:
    """Return where the lock of a database file stands."""
    return database.with_name(f"{database.name}.lock")


class ProcessLock:
    """The lock on the file at `path`; as a context it is held inside.

    `wait_seconds` is how long another process may take to let go; `on_wait` is called once when it
    has to be waited for.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = SYSTEM_CLOCK,
        wait_seconds: float = DEFAULT_WAIT_SECONDS,
        on_wait: Callable[[], None] = _in_silence,
    ) -> None:
        self._path = path
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._on_wait = on_wait
        self._descriptor: int | None = None

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    async def acquire(self) -> None:
        """Take the lock; nothing happens when it is held already.

        Raises:
            ConfigurationError: another process holds it, or the file cannot be made.

        """
        if self._descriptor is not None:
            return
        if self._try():
            return
        deadline = self._clock.monotonic() + self._wait_seconds
        self._on_wait()
        while not self._try():
            if self._clock.monotonic() >= deadline:
                raise self._taken()
            await asyncio.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Let go of the lock; nothing happens when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        try:
            self._descriptor = _open_locked(self._path)
        except BlockingIOError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        return True

    def _taken(self) -> ConfigurationError:
        sentence = (
            f"stores: another process holds {self._path}; budgets are counted in process, so only "
            "one may run: stop the other one and run a single worker, or set budgets.engine: none, "
            "which refuses every caller with a limit"
        )
        return ConfigurationError([sentence])

    def _unusable(self, error: OSError) -> ConfigurationError:
        name = errno.errorcode.get(error.errno or 0, "unknown error")
        sentence = (
            f"stores: the lock file {self._path} cannot be used ({name}); its folder must exist "
            "and be writable, on a file system with locks"
        )
        return ConfigurationError([sentence])


def _open_locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
