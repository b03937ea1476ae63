"""One of Kong's connections, speaking ProtoBuf:1.

A connection carries one call at a time, and one event from its beginning to its end. Rules: every
event gets an answer, and whatever goes wrong in the access phase is `kong.response.exit` with 503,
never a closed connection, because Kong repeats the event of a connection that closes, for ever;
only an unknown instance and a call that cannot be read close it. After an exit Kong reads no more
of the event and closes. A decision for which Kong did not wait is released; once our commands are
sent nobody knows whether Kong went on, and the reservation stays for the log phase to settle.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, cast

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.frames import HEADERS_LIMIT, FramedProtocol
from gatepass.plugin.gateways.kong.calls import (
    BODY,
    Batch,
    Conversation,
    Ending,
    Exit,
)
from gatepass.plugin.gateways.kong.pdk import (
    Decoder,
    decoders,
    encode_batch,
    encode_commands,
    encode_exit,
    encode_marker,
)
from gatepass.plugin.gateways.kong.protobuf import Malformed, frame
from gatepass.plugin.gateways.kong.rpc import (
    HandleEvent,
    StartInstance,
    read_call,
    returned,
    returned_instance,
)
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    from gatepass.plugin.gateways.kong.events import Events

_END_OF_EVENT = frame(b"")


class ProtobufConnection(FramedProtocol):
    """Answers the calls of one connection; `events` is what all connections share."""

    def __init__(self, events: "Events") -> None:
        super().__init__()
        self._events = events
        self._transport = cast("asyncio.Transport", None)
        self._expect: Callable[[list[bytes], int], int] = self._take_call
        self._sequence = 0
        self._conversation: Conversation | None = None
        self._in_access = False
        self._body_asked = False
        self._decoders: tuple[Decoder, ...] = ()
        self._answers: list[Any] = []
        self._replies_due = 0

    # -- the stream ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._events.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        """Forget the event."""
        self.deaf = True
        self._events.closed(self)
        self._leave_conversation()

    def pause_writing(self) -> None:
        """Read no more while Kong does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def frames_received(self, messages: list[bytes]) -> None:
        """Take frames, as what is expected next."""
        try:
            at, end = 0, len(messages)
            while at < end and not self.deaf:
                at = self._expect(messages, at)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    def frame_too_large(self) -> None:
        """Take note of a frame that is larger than what is expected next may be."""
        try:
            if self._expect == self._take_call:
                self._close(unknown_instance=False)
            elif self._expect == self._take_replies:
                self._take_replies([b""], 0)
            elif self._expect == self._take_answers:
                self._answers.append(BodyState.TOO_LARGE)
                if self._body_asked:
                    self._expect = self._take_nothing
                    self._advance(self._answers)
                else:
                    self._refuse(Reason.GATEWAY_ERROR)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    # -- calls -----------------------------------------------------------------------------------

    def _take_call(self, messages: list[bytes], at: int) -> int:
        try:
            self._sequence, call = read_call(messages[at])
        except Malformed:
            self._close(unknown_instance=False)
            return at + 1
        if isinstance(call, HandleEvent):
            self._begin(call)
        elif isinstance(call, StartInstance):
            number = self._events.instances.start(call.config)
            self._transport.write(frame(returned_instance(self._sequence, number)))
        else:
            self._transport.write(frame(returned(self._sequence, call.answer)))
        return at + 1

    def _begin(self, event: HandleEvent) -> None:
        self._in_access = event.phase != b"log"
        self._expect = self._take_nothing
        profile = self._events.instances.profile(event.instance_id)
        if profile is None:
            self._close(unknown_instance=True)
        elif self._in_access and self._events.overloaded:
            self._refuse(Reason.OVERLOADED)
        elif (conversation := self._events.begin(event.phase, profile)) is None:
            self._refuse(Reason.GATEWAY_ERROR)
        else:
            self._conversation = conversation
            self._events.deciding += 1
            self._advance(None)

    def _leave_conversation(self) -> None:
        """End what an event is in the middle of; whatever it holds is let go."""
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None
            self._events.deciding -= 1

    # -- an event --------------------------------------------------------------------------------

    def _advance(self, value: object) -> None:
        """Take the event to its next step, with what the last one brought."""
        try:
            step = self._conversation.send(value)  # type: ignore[union-attr]
        except StopIteration as ended:
            self._end(ended.value)
            return
        if isinstance(step, Batch):
            self._ask(step)
        else:
            self._expect = self._take_nothing
            self._events.linger(self)
            self._events.run(self._resume(step))

    def _ask(self, batch: Batch) -> None:
        self._decoders = decoders(batch)
        self._body_asked = batch is BODY
        self._answers = []
        self._expect = self._take_answers
        self._events.expect(self, slow=self._body_asked)
        self.limit = self._events.body_limit if self._body_asked else HEADERS_LIMIT
        self._transport.write(encode_batch(batch))

    def _take_answers(self, messages: list[bytes], at: int) -> int:
        answers, decoders = self._answers, self._decoders
        due = len(decoders) - len(answers)
        for message in messages[at : at + due]:
            at += 1
            try:
                answers.append(decoders[len(answers)](message))
            except Malformed:
                answers.append(None)
                self._refuse(Reason.GATEWAY_ERROR)
                return at
        if len(answers) == len(decoders):
            self._expect = self._take_nothing
            self._advance(answers)
        return at

    async def _resume(self, step: Coroutine[object, None, object]) -> None:
        try:
            value = await step
            if not self.deaf:
                self._advance(value)
            elif isinstance(value, Allow):  # nobody waits for the answer any more
                self._events.release(value.request_id)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    def _end(self, ending: Ending) -> None:
        """Say how the event ends, and be ready for the next call."""
        self._leave_conversation()
        if isinstance(ending, Exit):
            self._transport.write(encode_exit(ending))
            self._become_deaf()
            return
        frames = encode_commands(ending.commands)
        commands = len(ending.commands)
        if ending.request_id is not None:
            frames += encode_marker(ending.request_id)
            commands += 1
        self._finish(frames, commands)

    def _finish(self, frames: bytes, replies_due: int) -> None:
        self._transport.write(frames + _END_OF_EVENT + frame(returned(self._sequence)))
        self._replies_due = replies_due
        self.limit = HEADERS_LIMIT
        if replies_due:
            self._expect = self._take_replies
            self._events.linger(self)
        else:
            self._be_idle()

    def _take_replies(self, messages: list[bytes], at: int) -> int:
        taken = min(self._replies_due, len(messages) - at)
        self._replies_due -= taken
        if not self._replies_due:
            self._be_idle()
        return at + taken

    def _be_idle(self) -> None:
        self._expect = self._take_call
        self._events.due.pop(self, None)
        if self._events.stopping:
            self._transport.close()

    def _take_nothing(self, messages: list[bytes], _at: int) -> int:
        """Ignore what Kong sends while it has nothing to say."""
        return len(messages)

    # -- when something goes wrong ---------------------------------------------------------------

    def overdue(self) -> None:
        """End what has taken too long."""
        if self.deaf or self._expect == self._take_replies:
            self._transport.abort()
        else:
            self._refuse(Reason.DEADLINE)

    def close_if_idle(self) -> None:
        """Close the connection unless an event runs on it."""
        if self._expect == self._take_call:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection, whatever runs on it."""
        self._transport.abort()

    def _fault(self, error: Exception) -> None:
        self._events.fault(error)
        if self._expect == self._take_call:
            self._close(unknown_instance=False)
        elif not self.deaf:
            self._refuse(Reason.INTERNAL)

    def _refuse(self, reason: Reason) -> None:
        """End the event: in the access phase with a refusal, else by doing nothing."""
        if self._in_access:
            self._end(self._events.refusal(reason))
            return
        unanswered = 0
        if self._expect == self._take_answers:
            unanswered = len(self._decoders) - len(self._answers)
        self._leave_conversation()
        self._finish(b"", unanswered)

    def _close(self, *, unknown_instance: bool) -> None:
        """Close the connection, soon or later; see Events.close_soon."""
        self._become_deaf()
        self._events.close_soon(self._transport, unknown_instance=unknown_instance)

    def _become_deaf(self) -> None:
        self.deaf = True
        self._expect = self._take_nothing
        self._events.linger(self)
