"""A process with workers that do as they are told, and its reports; made to be killed.

python -m support.supervised KIND WORKERS
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.logs import configure_logs
from gatepass.plugin.workers import supervisor
from gatepass.plugin.workers.supervisor import Plan, supervise

HEARD = (signal.SIGHUP, signal.SIGTERM)
SECONDS = 10.0


def report(*words: object) -> None:
    """Write one line in one piece: several processes share the pipe."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


class Work:
    """What every worker does, by its kind; the parent counts how many there have been."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __call__(self, ready: Callable[[], None], lifeline: int) -> None:
        report("started", os.getpid())
        self._begin()
        ready()
        while True:
            if select.select([lifeline], [], [], 0)[0]:
                report("orphaned", os.getpid())
                return
            heard = signal.sigtimedwait(HEARD, 0.02)
            if heard is None:
                continue
            report(signal.Signals(heard.si_signo).name, os.getpid())
            if heard.si_signo == signal.SIGTERM and self._kind != "stubborn":
                return

    def _begin(self) -> None:
        first = not Path("first").exists()
        Path("first").touch()
        if self._kind == "unusable" or (self._kind == "later unusable" and not first):
            raise ConfigurationError(["stores.database: cannot be written"])
        if self._kind == "faulty" or (self._kind == "faulty once" and first):
            raise RuntimeError("canary-of-a-bug")


def _refuse_the_first_fork() -> None:
    """Be on a machine that has no process left for a moment."""
    fork = os.fork

    def refuse() -> int:
        os.fork = fork
        raise BlockingIOError(11, "Resource temporarily unavailable")

    os.fork = refuse


def main(kind: str, workers: int) -> int:
    configure_logs("warning")
    supervisor.PATIENCE_SECONDS = 0.2
    if kind == "crowded":
        _refuse_the_first_fork()
    plan = Plan(
        work=Work(kind),
        ready=lambda: report("ready"),
        reload=lambda: kind != "unreloadable",
        leave=lambda: report("leaving"),
        is_cut_off=lambda: kind == "cut off" and Path("cut").exists(),
    )
    return supervise(workers, plan)


class Supervised:
    """The running parent, and what it and its workers have reported."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self._folder = folder

    @property
    def reports(self) -> list[list[str]]:
        return [line.split() for line in (self._folder / "stdout").read_text().splitlines()]

    @property
    def errors(self) -> list[str]:
        return (self._folder / "stderr").read_text().splitlines()

    def pids(self, word: str = "started") -> list[int]:
        return [int(number[0]) for name, *number in self.reports if name == word]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, (self.reports, self.errors)
            time.sleep(0.01)

    def wait_for_workers(self, number: int) -> list[int]:
        """Wait until so many were ever started, and the first of all is known to be ready."""
        self.wait_for(lambda: len(self.pids()) == number and ["ready"] in self.reports)
        return self.pids()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@contextmanager
def supervised(folder: Path, kind: str = "steady", workers: int = 3) -> Iterator[Supervised]:
    command = [sys.executable, "-m", "support.supervised", kind, str(workers)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder, env=environment)
    try:
        yield Supervised(process, folder)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
