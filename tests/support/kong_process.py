"""A real `gatepass kong` as Kong starts it, with umask 0 and no environment, and its callers."""

import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.gates import settings_file

SECONDS = 20.0
_SEQUENCE = b"\x08\x05"
GET_PLUGIN_NAMES = _SEQUENCE + b"\xfa\x01\x00"


def call(connection: socket.socket) -> None:
    """Make the smallest call of Kong's protocol and read its answer; an OSError says why not."""
    connection.sendall(struct.pack("=I", len(GET_PLUGIN_NAMES)) + GET_PLUGIN_NAMES)
    (length,) = struct.unpack("=I", _read(connection, 4))
    assert _read(connection, length).startswith(_SEQUENCE)


def _read(connection: socket.socket, length: int) -> bytes:
    octets = b""
    while len(octets) < length:
        more = connection.recv(length - len(octets))
        if not more:
            raise ConnectionResetError("closed in the middle of an answer")
        octets += more
    return octets


def connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(SECONDS)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def ask_once(path: Path) -> None:
    with connected(path) as connection:
        call(connection)


@dataclass
class Hammer:
    """Connects and calls, again and again, and keeps what went wrong."""

    path: Path
    calls: int = 0
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, threads: int = 2) -> None:
        self._threads = [threading.Thread(target=self._strike) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _strike(self) -> None:
        while not self._over.is_set():
            try:
                ask_once(self.path)
            except OSError as error:
                self.failures.append(repr(error))
            self.calls += 1

    def wait_for_more(self, number: int = 20) -> None:
        enough = self.calls + number
        deadline = time.monotonic() + SECONDS
        while self.calls < enough:
            assert time.monotonic() < deadline
            time.sleep(0.001)


class KongServed:
    """A running plugin server; `errors` is what it wrote so far."""

    def __init__(self, process: subprocess.Popen[str], path: Path, log: Path) -> None:
        self.process = process
        self.path = path
        self._log = log

    @property
    def errors(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + SECONDS
        while self.errors.count(text) < times:
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.005)

    def wait_until_it_answers(self) -> None:
        self.wait_for("gatepass: answering at unix:")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@contextmanager
def hammering(served: KongServed) -> Iterator[Hammer]:
    """Hammer the server, or whoever is at its path, from its readiness to the end of the block."""
    served.wait_until_it_answers()
    hammer = Hammer(served.path)
    hammer.begin()
    try:
        yield hammer
    finally:
        hammer.end()


@contextmanager
def kong_process(
    folder: Path,
    *inside: str,
    command: str = "kong",
    log: str = "stderr",
    **sections: object,
) -> Iterator[KongServed]:
    """Start a server on kong.sock in the folder; several of them share folder and database.

    `inside` is a command that runs the server in surroundings of its own.
    """
    socket_path = folder / "kong.sock"
    settings = settings_file(folder, **{"doors": {"kong": {"socket": str(socket_path)}}} | sections)
    words = [*inside, sys.executable, "-m", "gatepass.plugin", command, "-c", str(settings)]
    with (folder / log).open("w") as out:
        process = subprocess.Popen(
            words, stdout=out, stderr=out, text=True, cwd="/", umask=0, env={"LC_CTYPE": "C.UTF-8"}
        )
    try:
        yield KongServed(process, socket_path, folder / log)
    finally:
        process.kill()
        process.wait()


def workers_of(parent: int) -> set[int]:
    """Return the running children of a process."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, ppid = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(ppid) == parent and state != "Z":
                found.add(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    """Answer whether a process does anything any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def open_sockets(pid: int) -> int:
    """Return how many sockets a process has."""
    number = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            number += str(descriptor.readlink()).startswith("socket:")
    return number
