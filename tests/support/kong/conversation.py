"""A recorded conversation taken apart into Kong's calls, and those into the clients' requests."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from support.kong.recordings import Line

Kind = Literal["start", "close", "access", "log"]
_EXIT = "kong.response.exit"


@dataclass
class Call:
    """A call of Kong's and all that went over its connection until the next one."""

    kind: Kind
    head: Line
    lines: list[Line] = field(default_factory=list)

    @property
    def config(self) -> str:
        """The configuration of a StartInstance."""
        content = self.head.content
        return str(content.get("config", content.get("Config")))

    @property
    def instance(self) -> int | None:
        """The instance that an event or a CloseInstance is for."""
        number = self.head.content.get("instance_id", self.head.content.get("InstanceId"))
        return number if isinstance(number, int) else None

    @property
    def started(self) -> int | None:
        """The instance that the server answered with."""
        for line in self.lines if self.kind == "start" else ():
            answer = line.decoded.get("instance_status", line.decoded.get("result"))
            if isinstance(answer, dict):
                number = answer.get("instance_id", answer.get("Id"))
                return number if isinstance(number, int) else None
        return None

    @property
    def exit_status(self) -> int | None:
        """The status that the server said to kong.response.exit; 0 if it said none."""
        for line in self.lines:
            result = line.decoded.get("result")
            data = result.get("Data") if isinstance(result, dict) else None
            if isinstance(data, dict) and data["Method"] == _EXIT:
                return int(data["Args"][0])
            if line.decoded.get("of") == _EXIT and isinstance(line.value, dict):
                return int(line.value.get("status", 0))
        return None

    @property
    def is_ended(self) -> bool:
        """Tell whether the server said that the event is over."""
        results = [line.decoded.get("result") for line in self.lines]
        return any(line.decoded.get("frame") == "RpcReturn" for line in self.lines) or any(
            isinstance(result, dict) and result.get("Data") == "ret" for result in results
        )

    @property
    def is_abandoned(self) -> bool:
        """Tell whether the server closed the connection without having decided anything."""
        if self.is_ended or self.exit_status is not None:
            return False
        closers = [line.sender for line in self.lines if line.event == "close"]
        errors = [line.decoded.get("error") for line in self.lines]
        return closers[:1] == ["plugin"] or any(errors)


@dataclass
class Request:
    """What Kong asked for one request of a client."""

    calls: list[Call] = field(default_factory=list)

    def of_kind(self, kind: Kind) -> list[Call]:
        return [call for call in self.calls if call.kind == kind]

    def last(self, kind: Kind) -> Call | None:
        """Return the last call of a kind, which for events is the one that counted."""
        return next(iter(self.of_kind(kind)[::-1]), None)


def calls(lines: Iterable[Line]) -> list[Call]:
    """Return the calls in the order in which they began."""
    begun: list[Call] = []
    current: dict[int, Call] = {}
    for line in lines:
        kind = _kind(line)
        if kind is not None:
            current[line.connection] = Call(kind, line)
            begun.append(current[line.connection])
        elif line.connection in current and line.event != "connect":
            current[line.connection].lines.append(line)
    return begun


def _kind(line: Line) -> Kind | None:
    text = json.dumps(line.decoded)
    if "cmd_start_instance" in line.decoded or '"plugin.StartInstance"' in text:
        return "start"
    if "cmd_close_instance" in line.decoded or '"plugin.CloseInstance"' in text:
        return "close"
    if "cmd_handle_event" in line.decoded or '"plugin.HandleEvent"' in text:
        return "access" if '"access"' in text else "log"
    return None


def requests(begun: Iterable[Call]) -> list[Request]:
    """Return the requests: each has its access event, repeated or not, and its log event."""
    found: list[Request] = []
    before: list[Call] = []
    for call in begun:
        if call.kind in {"start", "close"}:
            before.append(call)
            continue
        if call.kind == "log":
            waiting = [each for each in found if not each.of_kind("log")]
            fitting = [each for each in waiting if _belongs(call, each)] or waiting
            target = fitting[0] if fitting else None
        else:
            target = found[-1] if found and _is_to_be_repeated(found[-1]) else Request()
            if target not in found:
                found.append(target)
        if target is not None:
            target.calls += [*before, call]
        before = []
    return [*found, *([Request(before)] if before else [])]


def _is_to_be_repeated(request: Request) -> bool:
    return request.calls[-1].kind == "access" and request.calls[-1].is_abandoned


def _belongs(log: Call, request: Request) -> bool:
    """Tell whether a log event is a request's, by the target that both tell."""
    target = _reply(request.calls[-1], "kong.request.get_path_with_query")
    entry = _reply(log, "kong.log.serialize")
    if not isinstance(entry, str) or not isinstance(target, str):
        return True
    return bool(json.loads(entry)["request"]["uri"] == target)


def _reply(call: Call, method: str) -> object:
    for line in call.lines:
        if line.decoded.get("to") == method and isinstance(line.value, dict):
            return line.value.get("v")
    return None
