"""Child processes: started, watched until they answer, and surely ended.

Every child leads a session of its own, so that a Ctrl-C in the terminal reaches only us and we end
them all, in one place. While `Children` is open, SIGINT, SIGTERM and SIGHUP raise `Stopped` in the
main thread; a signal that arrives while a child is being started or ended waits until that is done,
because an exception between the start and the note of it would leave a process behind.
"""

import atexit
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import httpx

START_SECONDS = 20.0
"""How long a server may take until it answers."""

STOP_SECONDS = 5.0
"""How long the children may take to end by themselves, all of them together."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody wants this process to end; not an Exception, as KeyboardInterrupt is none."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


class ServerFailed(Exception):
    """The server `name` did not come up, or ended by itself; `log` holds its last lines.

    `starting` tells the one from the other.
    """

    def __init__(
        self, name: str, what: str, log: Sequence[str] = (), *, starting: bool = True
    ) -> None:
        super().__init__(f"{name} {what}")
        self.name = name
        self.log = tuple(log)
        self.starting = starting


@dataclass(frozen=True, slots=True)
class Child:
    """A running server and the file that it writes its log to."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def log_tail(self, lines: int = 15) -> list[str]:
        """Return the last lines of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]

    def check_running(self, *, starting: bool = False) -> None:
        """Raise ServerFailed when the process has ended."""
        if _has_ended(self.process):
            raise ServerFailed(self.name, "ended by itself", self.log_tail(), starting=starting)

    def wait_until_answers(self, url: str, *, statuses: range = range(200, 300)) -> None:
        """Return when a GET of `url` is answered with one of `statuses`.

        Raises:
            ServerFailed: the process ended, or it did not answer so within START_SECONDS.

        """
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(trust_env=False, timeout=2.0) as client:
            while time.monotonic() < deadline:
                self.check_running(starting=True)
                with suppress(httpx.TransportError):
                    if client.get(url).status_code in statuses:
                        return
                time.sleep(0.02)
        what = f"did not answer within {START_SECONDS:.0f} s"
        raise ServerFailed(self.name, what, self.log_tail())


class Children:
    """All child processes of a run; leaving the context ends every one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []
        self._shielded = False
        self._pending: int | None = None
        self._restore = ExitStack()

    def __enter__(self) -> Self:
        # for a signal in the very moment in which the context is left
        atexit.register(self._end)
        for number in _SIGNALS:
            # nohup asks for SIGHUP to be ignored, and means it
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                previous = signal.signal(number, self._on_signal)
                self._restore.callback(signal.signal, number, previous)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        atexit.unregister(self._end)
        self._restore.close()

    def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str] | None = None
    ) -> Child:
        """Start `command` in the folder of the run, with `environ` on top of our environment.

        Raises:
            ServerFailed: there is no such command.

        """
        path = self._folder / f"{name}.log"
        with self._shield(), path.open("wb") as log:
            try:
                process = subprocess.Popen(  # noqa: S603 - commands of this package, no shell
                    command,
                    cwd=self._folder,
                    env={**os.environ, **(environ or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServerFailed(name, "cannot be executed") from error
            child = Child(name, process, path)
            self._children.append(child)
        return child

    @contextmanager
    def _shield(self) -> Iterator[None]:
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._pending is not None:
            raise Stopped(self._pending)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._shielded:
            self._pending = number
        else:
            self._shielded = True  # a second Ctrl-C must not interrupt the ending
            raise Stopped(number)

    def _end(self) -> None:
        """End each child with all that it started: SIGTERM first, SIGKILL for what stays."""
        self._shielded = True
        running = [child.process for child in self._children if child.process.returncode is None]
        for process in running:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            while not _has_ended(process) and time.monotonic() < deadline:
                time.sleep(0.005)
            _signal_group(process, signal.SIGKILL)
            process.wait()


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Look without reaping: until the end the number must name this process and its group."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that are free now; all are held until all are known."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
