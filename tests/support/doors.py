"""The decision service on a real socket, in a thread of this process, so that tests can look in."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TypeVar

import uvloop
from starlette.types import ASGIApp

from gatepass.plugin.decision import Allow, Decision
from gatepass.plugin.gateways.certificates import CertificateHeader
from gatepass.plugin.gateways.decider import Decider
from gatepass.plugin.gateways.http_door import DecisionApp, DoorBounds, decision_app
from gatepass.plugin.gateways.listener import Address, listening
from gatepass.plugin.gateways.peers import Network
from gatepass.plugin.gateways.server import server_for
from gatepass.plugin.gateways.usage_reports import UsageReports
from gatepass.plugin.request import Request

Result = TypeVar("Result")

MAX_BODY_BYTES = 1024 * 1024
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass(frozen=True)
class Bounds:
    """What a door is bound by, in the small."""

    trusted_proxies: tuple[Network, ...] = LOOPBACK
    max_body_bytes: int = MAX_BODY_BYTES
    deadline_seconds: float = 0.5
    client_certificate: CertificateHeader | None = None


PASS = Allow(request_id="r-1", caller=None, set_headers=(), remove_headers=frozenset())


@dataclass
class ScriptedDecider:
    """Gives the answer it was told to give, and notes what it was asked.

    An exception as `answer` is raised; None means that the answer never comes.
    """

    answer: Decision | Exception | None = PASS
    warm: bool = True
    ready: bool = True
    requests: list[Request] = field(default_factory=list)

    async def is_ready(self) -> bool:
        return self.ready

    def decide_warm(self, request: Request) -> Decision | None:
        if not self.warm or self.answer is None:
            return None
        return self._give(request)

    async def decide(self, request: Request) -> Decision:
        if self.answer is None:
            self.requests.append(request)
            await asyncio.Event().wait()
        return self._give(request)

    def _give(self, request: Request) -> Decision:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return self.answer


class Recording:
    """A decider that asks another one and keeps what was asked and answered."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self.requests: list[Request] = []
        self.decisions: list[Decision] = []

    def forget(self) -> None:
        self.requests.clear()
        self.decisions.clear()

    async def is_ready(self) -> bool:
        return await self._decider.is_ready()

    def decide_warm(self, request: Request) -> Decision | None:
        decision = self._decider.decide_warm(request)
        return None if decision is None else self._note(request, decision)

    async def decide(self, request: Request) -> Decision:
        return self._note(request, await self._decider.decide(request))

    def _note(self, request: Request, decision: Decision) -> Decision:
        self.requests.append(request)
        self.decisions.append(decision)
        return decision


class LoopThread:
    """An event loop of the kind that the service runs on, in a thread of its own."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20.0)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def serving(app: ASGIApp, address: Address, loop: LoopThread) -> Iterator[Address]:
    """Serve an application and give the address where it really listens."""
    with listening(address) as listener:
        server = server_for(app)
        ended = asyncio.run_coroutine_threadsafe(server.serve([listener]), loop._loop)
        try:
            name = listener.getsockname()
            yield address if address.path is not None else Address(address.host, name[1])
        finally:
            server.should_exit = True
            ended.result(20.0)


@dataclass(frozen=True)
class Door:
    """A running decision service."""

    app: DecisionApp
    port: int


@contextmanager
def running_door(
    decider: Decider,
    bounds: DoorBounds = Bounds(),
    loop: LoopThread | None = None,
    reports: UsageReports | None = None,
) -> Iterator[Door]:
    """Run the decision service on a free port of 127.0.0.1."""
    own_loop = loop or LoopThread()
    try:
        app = decision_app(decider, bounds, reports)
        with serving(app, Address("127.0.0.1", 0), own_loop) as address:
            yield Door(app, address.port)
    finally:
        if loop is None:
            own_loop.close()
