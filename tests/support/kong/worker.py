"""One nginx worker of Kong with one plugin server behind it.

`handle` takes a request through the access phase, the upstream and the log phase, in the caller's
thread; any number of threads may do so at once. What Kong does when the server fails:

1. a clean close anywhere in an event: all instances are forgotten, and the whole event is repeated,
   which a real Kong does for ever; here it ends with EndlessLoop after `most_attempts`.
2. an instance that cannot be started: 500, in both protocols.
3. every other failure: ProtoBuf:1 answers 500, MsgPack:1 lets the request through, unless the guard
   (Kong's bundled post-function) stops it with 503.
"""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from support.kong import pdk
from support.kong.connection import Pool, Transcript
from support.kong.errors import CallFailed, EndlessLoop, Exited, LuaError
from support.kong.instances import Instances
from support.kong.msgpack import MsgPackRpc
from support.kong.protobuf import ProtoBufRpc
from support.kong.proxying import exit_answer, kong_answer, proxied_answer, upstream_request
from support.kong.request import ClientRequest, KongSettings, PluginEntity
from support.kong.results import Answered, Proxied, Shared, Upstream, answers_ok
from support.kong.state import RequestState
from support.raw_http import RawRequest

Protocol = Literal["ProtoBuf:1", "MsgPack:1"]
Guard = Callable[[Shared], bool]
DEFAULT_ENTITY = PluginEntity()
DEFAULT_SETTINGS = KongSettings()


@dataclass
class Exchange:
    """One request and what came of it."""

    state: RequestState
    entity: PluginEntity
    result: Answered | Proxied = field(init=False)
    response: Answered = field(init=False)
    """What the client got: the answer, or the upstream's response."""
    attempts: int = 0
    """How often the access event was begun; 1 unless the server closed its connection."""
    access_error: str | None = None
    log_error: str | None = None

    @property
    def answered(self) -> Answered:
        assert isinstance(self.result, Answered), self.result
        return self.result

    @property
    def proxied(self) -> RawRequest:
        assert isinstance(self.result, Proxied), self.result
        return self.result.request


class KongWorker:
    """A Kong whose plugin server listens at `path`."""

    def __init__(  # noqa: PLR0913 - each is one setting of Kong's
        self,
        path: Path | str,
        entity: PluginEntity = DEFAULT_ENTITY,
        *,
        protocol: Protocol = "ProtoBuf:1",
        settings: KongSettings = DEFAULT_SETTINGS,
        guard: Guard | None = None,
        phases: Iterable[pdk.Phase] = ("access", "log"),
        read_timeout: float = 60.0,
        claim_seconds: float = 10.0,
        most_attempts: int = 50,
        transcript: bool = True,
    ) -> None:
        self.entity = entity
        self.settings = settings
        self.sequence = 1
        """Kong's __seq__: what every POST /config raises."""
        self._path = str(path)
        self._protocol = protocol
        self._guard = guard
        self._phases = frozenset(phases)
        self._read_timeout = read_timeout
        self._claim_seconds = claim_seconds
        self._most_attempts = most_attempts
        self._transcript = Transcript(keeps=transcript)
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        self._pool = Pool(self._path, self._read_timeout, self._transcript)
        self._rpc = (
            ProtoBufRpc(self._pool) if self._protocol == "ProtoBuf:1" else MsgPackRpc(self._pool)
        )
        self._instances = Instances(self._rpc, self._claim_seconds)

    @property
    def events(self) -> list[dict[str, object]]:
        """Every frame, in the style of the recordings: conn, from, decoded."""
        return self._transcript.entries

    def post_config(self, entity: PluginEntity | None = None) -> None:
        """Take a new configuration: every instance is started anew at its next use."""
        self.entity = entity or self.entity
        self.sequence += 1

    def reload(self) -> None:
        """Begin as a new nginx worker does: nothing is known, no connection is open."""
        self.close()
        self._start()

    def reset_instances(self) -> None:
        """Forget every instance, as when another nginx worker lost its connection."""
        self._instances.reset()

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def handle(
        self,
        request: ClientRequest,
        upstream: Upstream = answers_ok,
        entity: PluginEntity | None = None,
    ) -> Exchange:
        """Take a request from the client to the log. Raises EndlessLoop."""
        exchange = self.access(request, entity)
        try:
            if isinstance(exchange.result, Proxied):
                reply = upstream(exchange.result.request, exchange.state.shared)
                exchange.response = proxied_answer(exchange.state, reply)
        finally:
            exchange.state.body.remove()
        self.log(exchange)
        return exchange

    def access(self, request: ClientRequest, entity: PluginEntity | None = None) -> Exchange:
        """Run the access phase; what follows is the caller's. Raises EndlessLoop."""
        state = RequestState(self.settings, request)
        exchange = Exchange(state, entity or self.entity)
        try:
            exchange.result = self._after_plugins(exchange)
        except BaseException:
            state.body.remove()
            raise
        if isinstance(exchange.result, Answered):
            exchange.response = exchange.result
        return exchange

    def _after_plugins(self, exchange: Exchange) -> Answered | Proxied:
        state = exchange.state
        try:
            if "access" in self._phases:
                self._run("access", exchange)
        except LuaError as error:
            exchange.access_error = str(error)
            return kong_answer(state, 500, "An unexpected error occurred")
        except Exited:
            assert state.exit is not None
            return exit_answer(state, state.exit)
        if self._guard is not None and not self._guard(state.shared):
            return kong_answer(state, 503, "no decision")
        return Proxied(upstream_request(state))

    def log(self, exchange: Exchange) -> None:
        """Run the log phase, when the response has ended. Raises EndlessLoop."""
        if "log" not in self._phases:
            return
        try:
            self._run("log", exchange)
        except (LuaError, Exited) as error:
            exchange.log_error = str(error)

    def _run(self, phase: pdk.Phase, exchange: Exchange) -> None:
        state = pdk.snapshot(exchange.state) if phase == "log" else exchange.state

        def call(method: str, arguments: list[object]) -> object:
            return pdk.call(state, phase, method, arguments)

        for attempt in itertools.count(1):
            if attempt > self._most_attempts:
                raise EndlessLoop
            if phase == "access":
                exchange.attempts = attempt
            try:
                number = self._instances.number_of(exchange.entity, self.sequence)
                self._rpc.handle_event(number, phase, call)
            except CallFailed as error:
                if self._rpc.retries(error.text):
                    self._instances.reset()
                    continue
                if not self._rpc.fails_open:
                    raise LuaError(error.text) from error
                if phase == "access":
                    exchange.access_error = error.text
                else:
                    exchange.log_error = error.text
            return
