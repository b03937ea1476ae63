"""A real `gatepass serve` in a process of its own, and one that is not able to start."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from support.gates import ann, chat_body, settings_file
from support.ports import free_port
from support.raw_http import NoReply, Reply, ask

SECONDS = 20.0
Doors = dict[str, object]


class Served:
    """A running service; `errors` is what it wrote to stderr so far."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    @property
    def errors(self) -> str:
        return self._log.read_text()

    def ask(self, bearer: bytes | None = None, body: bytes | None = None, **more: str) -> Reply:
        """Ask as Envoy does."""
        bearer = ann() if bearer is None else bearer
        headers = [(b"authorization", b"Bearer " + bearer), (b"content-type", b"application/json")]
        target = f"/envoy/default{more.get('target', '/v1/chat/completions')}"
        content = chat_body() if body is None else body
        return ask(self.port, "POST", target, headers, content)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + SECONDS
        while text not in self.errors:
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.01)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def start(path: Path, *options: str, command: str = "serve") -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "gatepass.plugin", command, "-c", str(path), *options]
    with (path.parent / "stderr").open("w") as log:
        return subprocess.Popen(words, stdout=log, stderr=log, text=True, cwd=path.parent)


@contextmanager
def serving(folder: Path, *options: str, **sections: object) -> Iterator[Served]:
    """Run the service from its readiness to the end of the block."""
    port = free_port()
    doors = {"http": {"listen": f"127.0.0.1:{port}"}} | cast("Doors", sections.pop("doors", {}))
    path = settings_file(folder, doors=doors, **sections)
    process = start(path, *options)
    served = Served(process, port, folder / "stderr")
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            assert process.poll() is None, served.errors
            assert time.monotonic() < deadline, served.errors
            try:
                ask(port, target="/healthz")
                break
            except (OSError, NoReply):
                time.sleep(0.01)
        yield served
    finally:
        process.kill()
        process.wait()


def refused(path: Path, command: str = "serve") -> str:
    """Start what cannot start and return its only sentences."""
    process = start(path, command=command)
    assert process.wait(SECONDS) == 2
    errors = (path.parent / "stderr").read_text()
    assert errors.startswith("gatepass: ")
    assert "Traceback" not in errors
    return errors
