"""A decision service that comes and goes, behind a gateway that keeps its configuration."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.listener import Address
from support.doors import PASS, Bounds, LoopThread, ScriptedDecider, serving
from support.echo import EchoUpstream
from support.raw_http import Reply, ask
from support.servers import ServerProcess, accepts_connections, free_port


@dataclass
class MortalService:
    """One port, on which the service lives, is dead, or hangs."""

    port: int = field(default_factory=free_port)
    decider: ScriptedDecider = field(default_factory=ScriptedDecider)

    @contextmanager
    def alive(self) -> Iterator[ScriptedDecider]:
        """Answer questions as the script says: yes, until it says otherwise."""
        self.decider.answer = PASS
        loop = LoopThread()
        app = decision_app(self.decider, Bounds())
        try:
            with serving(app, Address("127.0.0.1", self.port), loop):
                yield self.decider
        finally:
            loop.close()
        assert app.faults == 0

    @contextmanager
    def in_a_process(self) -> Iterator[ServerProcess]:
        """Say yes from a process of its own."""
        with TemporaryDirectory(prefix="gatepass-killable-") as name:
            process = ServerProcess(
                [sys.executable, "-m", "support.killable", str(self.port)],
                Path(name),
                {"PYTHONPATH": str(Path(__file__).parents[1])},
            )
            try:
                process.wait_until(lambda: accepts_connections(self.port))
                yield process
            finally:
                process.kill()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Accept every connection and never answer."""
        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", self.port)))
            silent: list[socket.socket] = []
            thread = threading.Thread(target=_accept_all, args=(listener, silent), daemon=True)
            thread.start()
            yield
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in silent:
                connection.close()


def _accept_all(listener: socket.socket, silent: list[socket.socket]) -> None:
    try:
        while True:
            silent.append(listener.accept()[0])
    except OSError:
        return  # the listener was shut down


@dataclass(frozen=True)
class FrailGateway:
    """A running gateway whose decision service may fail."""

    port: int
    service: MortalService
    upstream: EchoUpstream

    def get(self, *, timeout: float = 10.0) -> Reply:
        self.upstream.received.clear()
        return ask(self.port, "GET", "/v1/models", timeout=timeout)

    def get_refused(self) -> int:
        """Return the status of a request that must not reach the upstream."""
        reply = self.get()
        assert self.upstream.received == []
        return reply.status

    def ask_until(self, end: threading.Event, statuses: list[int]) -> None:
        """Ask again and again, and note what was answered."""
        while not end.is_set():
            statuses.append(ask(self.port, "GET", "/v1/models").status)

    def get_allowed(self) -> None:
        assert self.get().status == 200
        assert len(self.upstream.received) == 1
