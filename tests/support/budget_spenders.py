"""Processes that spend until they are killed, and what they say was settled."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.directories import Where, url_of

_SCRIPT = Path(__file__).with_name("budget_spender.py")


class Spender:
    """A process that spends, and what it says was settled."""

    def __init__(self, output: Path, *words: str) -> None:
        self._output = output.open("ab")
        self.path = output
        self._process = subprocess.Popen([sys.executable, _SCRIPT, *words], stdout=self._output)

    def wait_for(self, lines: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.settled()) < lines:
            assert time.monotonic() < deadline
            assert self._process.poll() is None
            time.sleep(0.005)

    def settled(self) -> list[str]:
        """Return the ids whose settlements have returned; a line that was cut off is none."""
        return self.path.read_text().split("\n")[:-1]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._output.close()


@contextmanager
def spending(
    engine: str, where: Where, folder: Path, prefix: str, *redis: str
) -> Iterator[Spender]:
    """Let a process spend until the end of the block, and kill it then."""
    words = engine, url_of(where), prefix, *redis
    spender = Spender(folder / f"{prefix}.txt", *words)
    try:
        yield spender
    finally:
        spender.kill()
