"""Kong's side of an event without a socket, and the other things that an event needs."""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.bookkeeper import Bookkeeper
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import Batch, Conversation, Ending
from gatepass.plugin.gateways.kong.connection import ProtobufConnection
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.gateways.kong.instances import Instances
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, Request
from support.doors import ScriptedDecider
from support.kong_wire import framed, frames_in

DOOR = KongDoor(Path("/nowhere"))


def reason_in(status: int, body: bytes) -> Reason:
    """Return the reason of a refusal's body."""
    reason = REASON_BY_CODE[json.loads(body)["error"]["code"]]
    assert reason.status == status
    assert refuse_for(reason).body == body
    return reason


class Wire(asyncio.Transport):
    """Keeps what is written and notes how the connection ended."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.aborted = False
        self.reading = True

    def write(self, data: Any) -> None:  # noqa: ANN401 - the shape of the library
        if not self.closed:
            self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        written = bytes(self.written)
        self.written.clear()
        return written


class Line:
    """One of Kong's connections, speaking ProtoBuf."""

    def __init__(self, events: Events) -> None:
        self.wire = Wire()
        self.connection = ProtobufConnection(events)
        self.connection.connection_made(self.wire)

    def say(self, *messages: bytes) -> list[bytes]:
        """Send messages in one read and return the frames that came back."""
        self.connection.data_received(framed(*messages))
        return self.heard()

    def heard(self) -> list[bytes]:
        return frames_in(self.wire.taken())

    def lose(self) -> None:
        self.connection.connection_lost(None)


@dataclass
class Books:
    """Remembers the reservations that it was told of, and notes what became of them."""

    known: set[str] = field(default_factory=set)
    done: list[tuple[str, str, object]] = field(default_factory=list)

    def may_be_settled(self, request_id: str) -> bool:
        return request_id in self.known

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        return self._note("settle", request_id, usage)

    async def settle_cost(
        self, request_id: str, cost_nano: int, usage: Usage | None = None
    ) -> Settlement:
        value: object = cost_nano if usage is None else (cost_nano, usage)
        return self._note("settle_cost", request_id, value)

    async def settle_estimate(self, request_id: str) -> Settlement:
        return self._note("settle_estimate", request_id, None)

    async def release(self, request_id: str) -> Settlement:
        return self._note("release", request_id, None)

    def _note(self, what: str, request_id: str, value: object) -> Settlement:
        self.done.append((what, request_id, value))
        return Settlement.SETTLED


class WantsBody(ScriptedDecider):
    """Needs the body before it gives its answer."""

    def _give(self, request: Request) -> Decision:
        if request.body is BodyState.NOT_READ:
            self.requests.append(request)
            return refuse_for(Reason.BODY_NOT_SHOWN)
        return super()._give(request)


def new_events(
    decider: Decider | None = None,
    books: Bookkeeper | None = None,
    door: KongDoor = DOOR,
    profiles: Collection[str] = ("default",),
) -> Events:
    """Return the shared state of a server; must be called in a running loop."""
    judge = Judge(decider or ScriptedDecider())
    return Events(judge, books or Books(), door, Instances(lambda: profiles))


async def settled() -> None:
    """Let what was started run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def play(
    conversation: Conversation, answers: Mapping[str, object]
) -> tuple[Ending, list[tuple[str, object]]]:
    """Play an event to its end; return how it ends and the functions that were asked for.

    Answers are looked up as `function argument` first, then as `function`.
    """
    asked: list[tuple[str, object]] = []
    value: object = None
    while True:
        try:
            step = conversation.send(value)
        except StopIteration as ended:
            ending: Ending = ended.value
            return ending, asked
        if isinstance(step, Batch):
            asked += [(question.function, question.argument) for question in step.questions]
            value = [_answer(answers, *pair) for pair in asked[-len(step.questions) :]]
        else:
            value = await step


def _answer(answers: Mapping[str, object], function: str, argument: object) -> object:
    precise = f"{function} {argument.decode()}" if isinstance(argument, bytes) else function
    return answers[precise] if precise in answers else answers[function]
