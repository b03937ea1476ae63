"""Kong's older protocol, MsgPack:1, for Kongs before 3.8.

Kong asks with one MessagePack-RPC request for each step of an event, over any of its connections;
the answer names the next function to run, or the end. So everything goes out one by one, and an
event lives in a table of all connections, by a number that nobody can guess. Kong lets a request
through whenever this protocol fails in any way: only the guard of `gatepass kong config` closes
that, and the log says so. An event that never comes back is forgotten in the end.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, cast

import msgpack

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.kong.calls import Batch, Conversation, Ending, Exit, Kind, Question
from gatepass.plugin.gateways.kong.messagepack_values import (
    END,
    BadValue,
    Function,
    read_answer,
    to_exit_function,
    to_functions,
    to_question,
)
from gatepass.plugin.reasons import Reason

if TYPE_CHECKING:
    from gatepass.plugin.gateways.kong.events import Events

_RESPONSE = 1
_MAX_MESSAGE_BYTES = 64 * 1024
_FIRST_BYTES = b"\x94\x00"
_UNKNOWN_INSTANCE = "no plugin instance"


def is_messagepack(first: bytes) -> bool:
    """Tell whether a connection speaks MsgPack, by its first three bytes.

    A request is an array of four that starts with 0 and a number that is not 0; read as the length
    of a ProtoBuf call, that would be more than 64 KiB.
    """
    return first.startswith(_FIRST_BYTES) and first[2] != 0


class MessagePackConnection(asyncio.Protocol):
    """Answers the requests of one connection; `events` is what all connections share."""

    def __init__(self, events: "Events") -> None:
        self._events = events
        self._transport = cast("asyncio.Transport", None)
        limit = events.body_limit + _MAX_MESSAGE_BYTES
        self._unpacker = msgpack.Unpacker(raw=True, max_buffer_size=limit, strict_map_key=True)
        self._answering = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, and say what this protocol is worth."""
        self._transport = cast("asyncio.Transport", transport)
        self._events.opened(self)
        self._events.warn_of_messagepack()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        """Forget the connection; its events may go on over another one."""
        self._events.closed(self)

    def pause_writing(self) -> None:
        """Read no more while Kong does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Take what arrived and answer every request that is complete."""
        try:
            self._unpacker.feed(data)
            for message in self._unpacker:
                self._take(message)
        except (ValueError, TypeError, msgpack.UnpackException):  # bounds, and what is no request
            self._transport.pause_reading()
            self._events.close_soon(self._transport, unknown_instance=False)

    def overdue(self) -> None:
        """Close: nothing can be waited for here that takes time."""
        self._transport.abort()

    def abort(self) -> None:
        """Close the connection, whatever runs on it."""
        self._transport.abort()

    def close_if_idle(self) -> None:
        """Close unless an answer is due or an event runs, whose next step may come over here."""
        if not self._answering and not self._events.messagepack_events:
            self._transport.close()

    def _take(self, message: object) -> None:
        match message:
            case [0, int() as number, b"plugin.HandleEvent", [dict() as call]]:
                self._answering += 1
                self._begin(number, call)
            case [0, int() as number, b"plugin.StartInstance", [dict() as call]]:
                config = call.get(b"Config")
                started = self._events.instances.start(config if type(config) is bytes else b"")
                self._respond(number, {"Name": call.get(b"Name"), "Id": started, "Config": {}})
            case [0, int() as number, bytes() as method, [dict() as call]] if method.startswith(
                b"plugin.Step"
            ):
                self._answering += 1
                event_id = call.get(b"EventId")
                event = (
                    self._events.messagepack_events.get(event_id) if type(event_id) is int else None
                )
                if event is None:  # forgotten, or another process's
                    self.answer(number, 0, to_exit_function(self._refusal()))
                else:
                    event.step(self, number, call.get(b"Data"))
            case [0, int() as number, bytes() as method, list()]:
                if method == b"plugin.HandleEvent" or method.startswith(b"plugin.Step"):
                    self._answering += 1
                    self.answer(number, 0, to_exit_function(self._refusal()))
                else:
                    self._respond(number, {})
            case _:
                raise ValueError("not a request")

    def _begin(self, number: int, call: dict[bytes, object]) -> None:
        instance, phase = call.get(b"InstanceId"), call.get(b"EventName")
        profile = self._events.instances.profile(instance) if type(instance) is int else ""
        conversation = None
        if profile is None:
            self._answering -= 1
            self._respond(number, None, _UNKNOWN_INSTANCE)
            return
        if type(phase) is bytes and not (self._events.overloaded and phase == b"access"):
            conversation = self._events.begin(phase, profile)
        if conversation is None:
            refused = END if phase == b"log" else to_exit_function(self._refusal())
            self.answer(number, 0, refused)
            return
        event = MessagePackEvent(self._events, conversation, in_access=phase != b"log")
        event.begin(self, number)

    def _refusal(self) -> Exit:
        overloaded = self._events.overloaded
        return self._events.refusal(Reason.OVERLOADED if overloaded else Reason.GATEWAY_ERROR)

    def answer(self, number: int, event_id: int, function: Function | str) -> None:
        """Answer a step of an event with the next function, or with its end."""
        self._answering -= 1
        data = function if isinstance(function, str) else function._asdict()
        self._respond(number, {"EventId": event_id, "Data": data})
        if self._events.stopping and not self._events.messagepack_events:
            self._events.close_idle()

    def _respond(self, number: int, result: object, error: str | None = None) -> None:
        # strings go out in the old format, which every Kong reads and which may hold any bytes
        packed: bytes = msgpack.packb([_RESPONSE, number, error, result], use_bin_type=False)
        self._transport.write(packed)


class MessagePackEvent:
    """One event, from request to request."""

    def __init__(self, events: "Events", conversation: Conversation, *, in_access: bool) -> None:
        self._events = events
        self._conversation = conversation
        self._in_access = in_access
        self._id = secrets.randbits(52) + 1
        self._questions: tuple[Question, ...] = ()
        self._answers: list[object] = []
        self._functions: list[Function] = []
        self._asked: tuple[MessagePackConnection, int] | None = None

    def begin(self, connection: MessagePackConnection, number: int) -> None:
        """Answer the request that began the event."""
        self._events.messagepack_events[self._id] = self
        self._asked = (connection, number)
        self._advance(None)

    def step(self, connection: MessagePackConnection, number: int, value: object) -> None:
        """Take what the last function returned, and answer with the next."""
        if self._asked is not None:  # a step that nobody asked for
            connection.answer(number, self._id, self._refusal(Reason.GATEWAY_ERROR))
            return
        self._asked = (connection, number)
        if not self._questions:
            self._next_function()
            return
        try:
            answer = read_answer(self._questions[len(self._answers)].kind, value)
        except BadValue:
            self._refuse(Reason.GATEWAY_ERROR)
            return
        self._answers.append(answer)
        if len(self._answers) == len(self._questions):
            self._questions, answers = (), self._answers
            self._advance(answers)
        else:
            self._question()

    def overdue(self) -> None:
        """Forget the event: Kong has given it up, or gone on."""
        self._forget()

    def _advance(self, value: object) -> None:
        try:
            step = self._conversation.send(value)
        except StopIteration as ended:
            self._end(ended.value)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)
        else:
            if isinstance(step, Batch):
                self._questions, self._answers = step.questions, []
                self._question()
            else:
                self._events.run(self._resume(step))

    async def _resume(self, step: Coroutine[object, None, object]) -> None:
        try:
            value = await step
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)
            return
        if self._id in self._events.messagepack_events:
            self._advance(value)
        elif isinstance(value, Allow):  # nobody waits for the answer any more
            self._events.release(value.request_id)

    def _end(self, ending: Ending) -> None:
        if isinstance(ending, Exit):
            self._forget()
            self._answer(to_exit_function(ending))
            return
        self._functions = to_functions(ending)
        self._next_function()

    def _next_function(self) -> None:
        if self._functions:
            self._answer(self._functions.pop(0))
            return
        self._forget()
        self._answer(END)

    @property
    def _waits_for_body(self) -> bool:
        return any(question.kind is Kind.BODY for question in self._questions)

    def _question(self) -> None:
        self._answer(to_question(self._questions[len(self._answers)], self._events.max_body_bytes))

    def _answer(self, function: Function | str) -> None:
        if self._asked is not None:
            connection, number = self._asked
            self._asked = None
            if self._id in self._events.messagepack_events:
                # what Kong does not come back from in time was given up, by a Lua error for example
                self._events.expect(self, slow=self._waits_for_body)
            connection.answer(number, self._id, function)

    def _fault(self, error: Exception) -> None:
        self._events.fault(error)
        self._refuse(Reason.INTERNAL)

    def _refuse(self, reason: Reason) -> None:
        refusal = self._refusal(reason)
        self._forget()
        self._answer(refusal)

    def _refusal(self, reason: Reason) -> Function | str:
        """Return what refuses a request, or in the log phase ends the event."""
        return to_exit_function(self._events.refusal(reason)) if self._in_access else END

    def _forget(self) -> None:
        self._conversation.close()
        self._events.messagepack_events.pop(self._id, None)
        self._events.due.pop(self, None)
