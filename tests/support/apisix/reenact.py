"""A recording once more: the simulated APISIX before a runner that says what was recorded.

Where the client's requests were recorded one after the other, each is sent again, and everything
can be compared. Where many ran at once, or where only their calls were recorded, each call is made
again by a request of which a runner would be told the same.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.apisix.implied import (
    Recorded,
    implied_request,
    route_of,
    sent_request,
    upstream_reply,
)
from support.apisix.messages import (
    PREPARE,
    REQUEST,
    RESPONSE,
    Message,
    Prepare,
    RequestAnswer,
    Rewrite,
    Stop,
    encode,
    frame,
)
from support.apisix.pages import NGINX, NOT_FOUND, page
from support.apisix.recordings import Line, load, recorded_octets
from support.apisix.request import ApisixSettings, Phase, Route
from support.apisix.results import Answered, Exchange, UpstreamDown
from support.apisix.scripted import Ended, Peer, scripted_runner
from support.apisix.worker import ApisixWorker
from support.kong.nginx import Refused
from support.kong.results import UpstreamReply
from support.raw_http import RawRequest

FROM_CALLS = frozenset(
    ("body_http2", "concurrent_20", "concurrent_60", "keepalive_client", "metering", "runner_hangs")
)
_READ_TIMEOUT = 0.05
_LAB_PORT = 18150
_PHASES: Mapping[str, Phase] = {
    "ext-plugin-pre-req": "pre-req",
    "ext-plugin-post-req": "post-req",
    "ext-plugin-post-resp": "post-resp",
}


@dataclass(frozen=True)
class Said:
    """One frame of the simulator's beside the recorded one, and what it answers."""

    octets: bytes
    line: Line
    question: str


@dataclass
class Script:
    """The frames of one request, in their order."""

    lines: list[Line] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    unexpected: list[bytes] = field(default_factory=list)
    question: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held from a frame to the end of its answer, the closing of the connection included."""

    def serve(self, peer: Peer) -> None:
        """Serve one connection; every request has its own lines."""
        while True:
            kind, payload = peer.receive()
            with self.turn:
                self._note(frame(kind, payload))
                self._answer(peer)

    def _note(self, octets: bytes) -> None:
        if not self.lines or self.lines[0].sender != "apisix":
            self.unexpected.append(octets)
            raise Ended
        self.said.append(Said(octets, self.lines.pop(0), self.question))

    def _answer(self, peer: Peer) -> None:
        while self.lines and self.lines[0].sender == "runner":
            line = self.lines.pop(0)
            if line.event == "close":
                self.lines = [each for each in self.lines if each.event != "close"]
                peer.close()
                raise Ended
            self.question = str(line.decoded.get("name", line.decoded.get("info_type")))
            peer.send(_octets(line))


@dataclass(frozen=True)
class Reenacted:
    """One request of the recording, and what came of it this time."""

    recorded: Recorded
    script: Script
    response: Answered
    exchange: Exchange | None
    """None for what nginx refuses, and where no route is."""


def reenact(name: str, folder: Path) -> Iterator[Reenacted]:
    """Play a recording, request by request."""
    script = Script()
    path = folder / "socket"
    settings = ApisixSettings(port=_LAB_PORT)
    with (
        scripted_runner(path, script.serve),
        ApisixWorker(path, settings=settings, read_timeout=_READ_TIMEOUT) as worker,
    ):
        for recorded in _requests(name):
            script.said, script.unexpected, script.lines = [], [], _frames(recorded)
            if recorded.runner_is_down:
                worker.close()
                path.rename(folder / "away")
            response, exchange = _play(name, recorded, worker)
            with script.turn:
                played = replace(script, said=script.said, lines=list(script.lines))
            if recorded.runner_is_down:
                (folder / "away").rename(path)
            yield Reenacted(recorded, played, response, exchange)


def _requests(name: str) -> Sequence[Recorded]:
    """Cut a recording into its requests."""
    lines = load(name)
    if name in FROM_CALLS:
        return _calls(lines)
    starts = [number for number, line in enumerate(lines) if line.sender == "client"]
    ends = [*starts[1:], len(lines)]
    return [Recorded(lines[start:end]) for start, end in zip(starts, ends, strict=True)]


def _calls(lines: Sequence[Line]) -> list[Recorded]:
    """Return every call with what its connection carried until the next one."""
    calls: list[list[Line]] = []
    of_connection: dict[object, list[Line]] = {}
    for line in lines:
        kind = line.decoded.get("type")
        if line.sender == "apisix" and kind in {"HTTPReqCall", "HTTPRespCall"}:
            of_connection[line.connection] = [line]
            calls.append(of_connection[line.connection])
        elif line.connection in of_connection and kind != "PrepareConf":
            of_connection[line.connection].append(line)
    return [Recorded(each) for each in calls]


def _frames(recorded: Recorded) -> list[Line]:
    """Return what the script needs: all frames, and where the runner closes by itself."""
    lines: list[Line] = []
    closed: set[object] = set()
    for line in recorded.lines:
        if line.sender == "apisix" and line.event == "close":
            closed.add(line.connection)
        is_close = line.sender == "runner" and line.event == "close"
        is_part = line.sender == "runner" and line.octets is not None
        if line.is_frame or is_part or (is_close and line.connection not in closed):
            lines.append(line)
    return lines


def _play(name: str, recorded: Recorded, worker: ApisixWorker) -> tuple[Answered, Exchange | None]:
    try:
        if name in FROM_CALLS:
            request = implied_request(recorded, 2.0 if name == "body_http2" else 1.1)
        else:
            request = sent_request(recorded)
    except Refused as refusal:
        return page(refusal.status, NGINX), None
    route = route_of(request)
    if route is None:
        return NOT_FOUND, None
    route = _prepared(recorded, worker, route)
    exchange = worker.handle(request, lambda sent: _upstream(recorded, sent), route)
    return exchange.response, exchange


def _upstream(recorded: Recorded, _sent: RawRequest) -> UpstreamReply:
    response = recorded.response
    if response is not None and response.entry.get("status") == 502:
        raise UpstreamDown
    return upstream_reply(recorded)


def _prepared(recorded: Recorded, worker: ApisixWorker, route: Route) -> Route:
    """Return the route with what is prepared here; APISIX has the other tokens already."""
    known: dict[Phase, int] = {}
    prepared: set[Phase] = set()
    calls = 0
    for line in recorded.of("apisix"):
        if line.is_frame and line.kind == PREPARE:
            message = line.message
            assert isinstance(message, Prepare)
            plugin, version = (message.key or b"").decode().split("#")[2:]
            worker.version = int(version)
            phase = _PHASES[plugin]
            prepared.add(phase)
            conf = tuple((name.decode(), (text or b"").decode()) for name, text in message.conf)
            route = route.configured(phase, conf)
        elif line.is_frame and line.kind in {REQUEST, RESPONSE}:
            phase = _phase(route, line.kind, is_first=not calls)
            calls += 1
            if phase not in prepared:
                known.setdefault(phase, int(str(line.decoded["conf_token"])))
    for phase, token in known.items():
        worker.tokens[worker.key(route, phase)] = token
    return route


def _phase(route: Route, kind: int, *, is_first: bool) -> Phase:
    if kind == RESPONSE:
        return "post-resp"
    return (
        "pre-req" if route.pre_req is not None and (is_first or not route.post_req) else "post-req"
    )


def _octets(line: Line) -> bytes:
    """Return a frame of the runner's; of one that was cut the long text is put together again."""
    if line.octets is not None:
        return line.octets
    said = line.decoded
    if said["action"] == "Stop":
        stop = said["stop"]
        assert isinstance(stop, dict)
        action: Message = Stop(stop["status"], (), recorded_octets(stop["body"]))
        return frame(REQUEST, encode(RequestAnswer(0, 1, action)))
    rewrite = said["rewrite"]
    assert isinstance(rewrite, dict)
    action = Rewrite(body=recorded_octets(rewrite["body"]))
    return frame(REQUEST, encode(RequestAnswer(0, 2, action)))
