"""A plugin server that says again what was recorded, and notes what Kong answers this time."""

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from support.kong.conversation import Call, Request
from support.kong.recordings import Line
from support.kong.schema import METHODS
from support.kong.scripted import Ended, Peer, receive_rpc, send_rpc
from support.kong.shown import plain
from support.kong.wire import decode, encode, frame


@dataclass(frozen=True)
class Said:
    """One frame of the simulator's, decoded, beside the recorded one."""

    method: str
    ours: object
    recorded: object


class Script:
    """The recorded calls in their order, and what was said to each; one for both protocols."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.unexpected: list[object] = []
        self.before: list[int] = []
        """Instances that were started before the recording began, to be answered first."""
        self.started: set[int] = set()
        self.counts = True
        self.shift: int | None = None
        """How far the numbers of calls are from the recorded ones; None as long as any will do."""
        self._waiting: list[Call] = []
        self._playing: list[Call] = []
        self._changed = threading.Condition()

    def expect(self, request: Request) -> None:
        """Expect the calls of one more request."""
        with self._changed:
            self._waiting += request.calls

    def finished(self, call: Call) -> None:
        """Note that a call was played to its end, the closing of its connection included."""
        with self._changed:
            self._playing.remove(call)
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until nothing is being played."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._playing, 5.0)

    @property
    def waiting(self) -> Sequence[Call]:
        return tuple(self._waiting)

    def next_before(self) -> int:
        """Return the instance that a start from before the recording is answered with."""
        number = self.before.pop()
        self.started.add(number)
        return number

    def next(self, kind: str) -> Call:
        """Return the recorded call, which must be of this kind. Raises Ended."""
        with self._changed:
            if not self._waiting or self._waiting[0].kind != kind:
                self.unexpected.append(kind)
                raise Ended
            call = self._waiting.pop(0)
            self._playing.append(call)
            if call.started is not None:
                self.started.add(call.started)
            return call

    def count(self, ours: int, recorded: object) -> None:
        """Compare the number of a call; the numbers of a file begin anywhere."""
        assert isinstance(recorded, int)
        shift = ours - recorded
        if self.counts and self.shift not in {None, shift}:
            self.unexpected.append(f"number {ours} for {recorded}")
        self.shift = shift

    def note(self, method: str, ours: object, recorded: object) -> None:
        with self._changed:
            self.said.append(Said(method, ours, recorded))


def play_protobuf(script: Script, peer: Peer) -> None:
    """Serve one connection of ProtoBuf:1."""
    while True:
        asked = peer.next_call()
        kind = _kind(asked)
        if kind == "start" and script.before:
            peer.started(script.next_before())
            continue
        call = script.next(kind)
        script.count(peer.sequence, call.head.decoded["sequence"])
        script.note(kind, _readable(asked), _readable(plain(dict(call.head.decoded))))
        try:
            _play(script, peer, call)
        finally:
            script.finished(call)


def _play(script: Script, peer: Peer, call: Call) -> None:
    is_over = False
    for line in call.lines:
        if line.event == "close" and line.sender == "plugin":
            peer.close()
            raise Ended
        if line.event == "close" and is_over:
            return  # an idle connection, closed by Kong whenever it reloads
        if line.event == "close":
            script.unexpected.append(peer.receive())  # raises Ended when Kong closes, as it did
        elif line.sender == "kong":
            method = str(line.decoded.get("to", "kong.request.get_path"))
            _note_reply(script, method, peer.receive(), line)
        elif line.decoded.get("frame") == "RpcReturn":
            more = {key: value for key, value in line.decoded.items() if key == "instance_status"}
            _send(peer, peer.returned(**more))
            is_over = True
        else:
            _send(peer, _octets(line))


def _send(peer: Peer, octets: bytes) -> None:
    """Send, though Kong may have gone already: what it said before is still there to be read."""
    with suppress(BrokenPipeError, ConnectionResetError):
        peer.send(octets)


def _kind(asked: dict[str, object]) -> str:
    event = asked.get("cmd_handle_event")
    if isinstance(event, dict):
        return str(event["event_name"])
    return "start" if "cmd_start_instance" in asked else "close"


def _readable(message: object) -> object:
    """Return a call without its number, its configuration taken apart."""
    assert isinstance(message, dict)
    content: dict[str, object] = {
        key: value for key, value in message.items() if key not in {"sequence", "frame"}
    }
    start = content.get("cmd_start_instance")
    if isinstance(start, dict):
        content["cmd_start_instance"] = {**start, "config": json.loads(start["config"])}
    return content


def _note_reply(script: Script, method: str, payload: bytes, line: Line) -> None:
    gives = METHODS[method][1]
    recorded = decode(gives, line.payload) if line.payload is not None else line.value
    script.note(method, decode(gives, payload), recorded)


def _octets(line: Line) -> bytes:
    if line.octets is not None:
        return line.octets
    message = line.decoded["message"]
    return frame(encode(str(message), line.value))


def play_msgpack(script: Script, peer: Peer) -> None:
    """Serve one connection of MsgPack:1; a call's steps may come over any."""
    lines: list[Line] = []
    asked = ""
    for number, method, argument in receive_rpc(peer):
        if method.startswith("plugin.Step"):
            recorded = lines.pop(0)
            script.note(asked, argument, recorded.step)
            script.note("step", method, recorded.decoded["method"])
            script.count(number, recorded.decoded["msgid"])
        else:
            kind = _rpc_kind(method, argument)
            if kind == "start" and script.before:
                send_rpc(peer, number, {"Id": script.next_before()})
                continue
            call = script.next(kind)
            script.finished(call)
            script.count(number, call.head.decoded["msgid"])
            lines = list(call.lines)
            script.note(method, _taken_apart(argument), _taken_apart(call.head.step))
        answer = lines.pop(0).decoded
        asked = _asked(answer["result"])
        send_rpc(peer, number, answer["result"], answer["error"])


def _asked(result: object) -> str:
    """Return the method of the PDK that a response asks for."""
    data = result.get("Data") if isinstance(result, dict) else None
    return str(data["Method"]) if isinstance(data, dict) else ""


def _rpc_kind(method: str, argument: object) -> str:
    if isinstance(argument, dict) and "EventName" in argument:
        return str(argument["EventName"])
    return "start" if method == "plugin.StartInstance" else "close"


def _taken_apart(argument: object) -> object:
    if isinstance(argument, dict) and "Config" in argument:
        return {**argument, "Config": json.loads(argument["Config"])}
    return argument
