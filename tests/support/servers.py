"""Real servers for tests: started, polled until they answer, surely ended, their logs kept."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

FolderFactory = Callable[[], Path]

START_SECONDS = 20.0
STOP_SECONDS = 5.0
_POLL_SECONDS = 0.003


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NotStarted(Exception):
    """A server ended, or did not answer in time; carries the end of its log."""


class ServerProcess:
    """A child process in a session of its own, writing to a log of its own."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env={**os.environ, "HOME": str(folder), **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Return as soon as `answers()` is true."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                if answers():
                    return
            time.sleep(_POLL_SECONDS)
        raise NotStarted(self.log.read_text(errors="replace")[-4000:])

    def stop(self, patience_seconds: float = STOP_SECONDS) -> None:
        """End the process and all that it started: SIGTERM first, then SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    answers: Callable[[], bool],
    *,
    environ: Mapping[str, str] | None = None,
    patience_seconds: float = STOP_SECONDS,
) -> Iterator[ServerProcess]:
    """Run a server from the moment in which it answers until the end of the block."""
    server = ServerProcess(command, folder, environ)
    try:
        server.wait_until(answers)
        yield server
    finally:
        server.stop(patience_seconds)


def wait_until(happens: Callable[[], bool]) -> None:
    """Return as soon as `happens()` is true; fail the test if that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(_POLL_SECONDS)


def accepts_connections(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 1.0):
        return True
