"""One nginx worker of APISIX with one runner behind it.

`handle` takes a request through pre-req, post-req, the upstream and post-resp, as far as its route
has them, in the caller's thread; any number of threads may do so at once. What APISIX does when the
runner fails stands in `rpc` and `caller`; what becomes of the request then is decided here:

1. a failed call ends with 503, or with `allow_degradation` the request goes on without a decision.
2. so it does when the answer holds no action that APISIX knows.
3. what APISIX itself stumbles over ends with 500, whatever the route allows.
"""

from dataclasses import replace
from pathlib import Path
from typing import Self

from support.apisix.caller import Answer, Caller, Make
from support.apisix.errors import CallFailed, LuaError
from support.apisix.messages import RequestAnswer, ResponseAnswer, ResponseCall, Rewrite, Stop
from support.apisix.pages import page
from support.apisix.post_resp import (
    calls_upstream_again,
    changed_answer,
    leaking_answer,
    response_call,
)
from support.apisix.proxying import (
    bad_gateway,
    fetching_request,
    proxied_answer,
    stop_answer,
    upstream_request,
)
from support.apisix.request import ApisixSettings, ClientRequest, Phase, Route
from support.apisix.results import Answered, Exchange, Proxied, Upstream, UpstreamDown, answers_ok
from support.apisix.rpc import request_questions
from support.apisix.state import RequestState
from support.kong.connection import Transcript
from support.kong.results import UpstreamReply
from support.raw_http import RawRequest

DEFAULT_ROUTE = Route()
DEFAULT_SETTINGS = ApisixSettings()
_FIRST_VERSION = 1795408721
_BEFORE_UPSTREAM: tuple[Phase, ...] = ("pre-req", "post-req")


class ApisixWorker:
    """An APISIX whose runner listens at `path`; `allow_degradation` is that of its own route."""

    def __init__(  # noqa: PLR0913 - each is one setting of APISIX's
        self,
        path: Path | str,
        route: Route = DEFAULT_ROUTE,
        *,
        allow_degradation: bool = False,
        settings: ApisixSettings = DEFAULT_SETTINGS,
        read_timeout: float = 60.0,
        transcript: bool = True,
    ) -> None:
        self.route = replace(route, allow_degradation=True) if allow_degradation else route
        self.settings = settings
        self.version = _FIRST_VERSION
        """What a change of the configuration raises; it is part of every key."""
        self._path = path
        self._read_timeout = read_timeout
        self._transcript = Transcript(keeps=transcript)
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        number = self.settings.worker_number
        self._caller = Caller(self._path, self._read_timeout, self._transcript, number)

    @property
    def events(self) -> list[dict[str, object]]:
        """Every frame, in the style of the recordings: conn, from, decoded."""
        return self._transcript.entries

    @property
    def tokens(self) -> dict[str, int]:
        """The tokens that APISIX has kept, by their keys."""
        return self._caller.tokens

    def key(self, route: Route, phase: Phase) -> str:
        """Return the name of a configuration, which is another one after every change."""
        return f"route#{route.id}#ext-plugin-{phase}#{self.version}"

    def post_config(self, route: Route | None = None) -> None:
        """Take a new configuration: every route is prepared anew at its next use."""
        self.route = route or self.route
        self.version += 1

    def restart(self) -> None:
        """Begin as a new gateway does: no token, no connection, and the next call is number 0."""
        self.close()
        self._start()

    def close(self) -> None:
        """Close the idle connections."""
        self._caller.close()

    def handle(
        self, request: ClientRequest, upstream: Upstream = answers_ok, route: Route | None = None
    ) -> Exchange:
        """Take a request from the client to its response. Raises Unreadable for nginx's 400."""
        exchange = self.access(request, route)
        if isinstance(exchange.result, Proxied):

            def noted(sent: RawRequest) -> UpstreamReply:
                reply = upstream(sent)
                exchange.upstream_requests.append(sent)
                return reply

            exchange.response = self._respond(exchange, noted)
        return exchange

    def access(self, request: ClientRequest, route: Route | None = None) -> Exchange:
        """Run the phases before the upstream; what follows is the caller's."""
        exchange = Exchange(RequestState(self.settings, route or self.route, request))
        ended = self._before_upstream(exchange)
        if ended is not None:
            exchange.result = exchange.response = ended
        return exchange

    def _before_upstream(self, exchange: Exchange) -> Answered | None:
        state = exchange.state
        decisions: list[bool] = []
        for phase in _BEFORE_UPSTREAM:
            if phase == "post-req" and state.route.proxy_rewrite is not None:
                state.path = state.route.proxy_rewrite.encode()
            if state.route.conf(phase) is None:
                continue
            try:
                said = self._call(exchange, phase, state.call, RequestAnswer)
            except LuaError:
                return page(500)
            except CallFailed:
                if not state.route.allow_degradation:
                    return page(503)
                said = RequestAnswer()
            if isinstance(said.action, Stop):
                return stop_answer(state, said.action)
            if isinstance(said.action, Rewrite):
                state.rewrite(said.action)
            decisions.append(said.action is not None)
        is_decided = bool(decisions) and all(decisions)
        exchange.result = Proxied(upstream_request(state), is_decided)
        return None

    def _respond(self, exchange: Exchange, upstream: Upstream) -> Answered:
        state = exchange.state
        try:
            if state.route.post_resp is None:
                return proxied_answer(state, upstream(exchange.proxied))
            reply = upstream(fetching_request(state))
            try:
                said = self._judged(exchange, reply)
            except LuaError:
                return page(500)
            except CallFailed:
                return leaking_answer(state, reply)
            if calls_upstream_again(state, said, reply):
                return proxied_answer(state, upstream(upstream_request(state)))
        except UpstreamDown:
            return bad_gateway(state)
        return changed_answer(state, said, reply)

    def _judged(self, exchange: Exchange, reply: UpstreamReply) -> ResponseAnswer:
        def make(number: int, token: int) -> ResponseCall:
            return response_call(reply, number, token)

        try:
            return self._call(exchange, "post-resp", make, ResponseAnswer, reply)
        except CallFailed:
            if not exchange.state.route.allow_degradation:
                raise
            return ResponseAnswer()

    def _call(
        self,
        exchange: Exchange,
        phase: Phase,
        make: Make,
        expected: type[Answer],
        reply: UpstreamReply | None = None,
    ) -> Answer:
        route = exchange.state.route
        key = self.key(route, phase)
        questions = request_questions(exchange.state, reply)
        try:
            return self._caller.call(key, route.conf(phase) or (), make, expected, questions)
        except (CallFailed, LuaError) as error:
            exchange.errors.append(f"{phase}: {error}")
            raise
