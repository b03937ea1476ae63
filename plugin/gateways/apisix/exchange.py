"""A call on one of APISIX's connections: question by question, to its end.

Rules: APISIX owes one answer at a time, and none while we think; what it says instead of an answer,
or cannot be read, fails the call; an answer that comes after its call has ended is dropped, so that
it is never the next call's, and a decision or a fault that comes after it is nobody's. A body that
is awaited takes its place until it has come or the connection has ended, also when nobody waits for
it any more. Nothing may be half there for ever. Which calls there are, how each of them ends, and
what a failure means for it is left to the connection.
"""

from collections.abc import Callable, Coroutine
from struct import Struct
from typing import TYPE_CHECKING, cast

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.apisix.draining import say_last
from gatepass.plugin.gateways.apisix.encoding import encode_question
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import EXTRA_INFO, read_extra_info
from gatepass.plugin.gateways.apisix.questions import (
    Conversation,
    Ending,
    Question,
    RequestBody,
    ResponseBody,
    Variable,
)
from gatepass.plugin.gateways.frames import FramedProtocol
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    import asyncio

    from gatepass.plugin.gateways.apisix.calls import Calls
    from gatepass.plugin.gateways.body_waits import Place

CALL_LIMIT = 2 * 1024 * 1024
"""More than nginx lets through of a request's head, many times over."""

_ANSWER_OVERHEAD = 1024
_HEAD = Struct(">I")
_LENGTH = 0xFFFFFF


def _payload_size(data: bytes, at: int) -> tuple[int]:
    """Return the length in the last three bytes of a head, as a tuple of one."""
    return (_HEAD.unpack_from(data, at)[0] & _LENGTH,)


class Exchange(FramedProtocol):
    """The call under way on a connection; `calls` is what all connections share."""

    read_size = staticmethod(_payload_size)
    first = 0
    limit = CALL_LIMIT

    def __init__(self, calls: "Calls") -> None:
        super().__init__()
        self._calls = calls
        self._transport = cast("asyncio.Transport", None)
        self._expect: Callable[[int, bytes], None] = self._take_call
        self._conversation: Conversation | None = None
        self._body_asked = False
        self._place: Place | None = None
        """The place of a body that is asked for, and then of one that is late."""

    def frame_begun(self) -> None:
        """Wait for the rest of a call no longer than APISIX itself would take."""
        if self._expect == self._take_call:
            self._calls.linger(self)

    def _take_call(self, kind: int, payload: bytes) -> None:
        """Begin with a call, or answer what is none."""
        raise NotImplementedError

    def _end(self, ending: Ending) -> None:
        """Say how the call ends, and be ready for the next one."""
        raise NotImplementedError

    def _fail(self, reason: Reason) -> None:
        """End a call that cannot be finished."""
        raise NotImplementedError

    def _fault(self, error: Exception) -> None:
        """End whatever runs after an exception that nobody expected."""
        raise NotImplementedError

    def _close(self) -> None:
        """Close the connection, on which nothing can be read any more."""
        raise NotImplementedError

    def _begin(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._calls.deciding += 1
        self._advance(None)

    def _leave(self) -> None:
        """End what a call is in the middle of; whatever it holds is let go."""
        if self._conversation is not None:
            self._conversation.close()
            self._conversation = None
            self._calls.deciding -= 1

    def _advance(self, value: object) -> None:
        """Take the call to its next step, with what the last one brought."""
        try:
            step = self._conversation.send(value)  # type: ignore[union-attr]
        except StopIteration as ended:
            self._end(ended.value)
            return
        if isinstance(step, (Variable, RequestBody, ResponseBody)):
            self._ask(step)
        else:
            self._calls.linger(self)
            self._calls.run(self._resume(step, self._conversation))

    def _ask(self, question: Question) -> None:
        self._expect = self._take_answer
        self._body_asked = not isinstance(question, Variable)
        self._calls.expect(self, slow=self._body_asked)
        if isinstance(question, Variable):
            self.limit = CALL_LIMIT
        elif isinstance(question, RequestBody):
            self.limit = self._calls.body_limit
            self._place = question.place
        else:
            self.limit = question.most_bytes + _ANSWER_OVERHEAD
        self._transport.write(encode_question(question))

    def _take_answer(self, kind: int, payload: bytes) -> None:
        self._expect = self._take_nothing
        if kind != EXTRA_INFO:
            self._fail(Reason.GATEWAY_ERROR)
            return
        try:
            answer = read_extra_info(payload)
        except Malformed:
            self._fail(Reason.GATEWAY_ERROR)
        else:
            self._advance(answer)

    def _take_large_answer(self) -> None:
        """Go on without an answer that is larger than what was asked for may be."""
        self._expect = self._take_nothing
        if self._body_asked:
            self._advance(BodyState.TOO_LARGE)
        else:
            self._fail(Reason.GATEWAY_ERROR)

    def _take_nothing(self, _kind: int, _payload: bytes) -> None:
        """Ignore what APISIX sends while it has nothing to say."""

    def _take_late_answer(self, kind: int, _payload: bytes) -> None:
        """Drop what was asked for a call that has ended meanwhile; behind it comes the next."""
        if kind == EXTRA_INFO:
            self._leave_place()
            self._be_idle()
        else:
            self._close()

    def _leave_place(self) -> None:
        if self._place is not None:
            self._place.leave()
            self._place = None

    async def _resume(
        self, step: Coroutine[object, None, object], conversation: Conversation | None
    ) -> None:
        try:
            value = await step
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            if self._conversation is conversation:
                self._fault(error)
            else:
                self._calls.fault(error)
            return
        if self._conversation is not conversation:  # nobody waits for the answer any more
            if isinstance(value, Allow):
                self._calls.release(value.request_id)
            return
        try:
            self._advance(value)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    def _be_idle(self, answer: bytes = b"") -> None:
        """Say what is said last of a call, and wait for the next one."""
        self._expect = self._take_call
        self.limit = CALL_LIMIT
        self._calls.rest(self)
        if self._kept or self._skip:
            self._calls.linger(self)
        if self._calls.stopping:
            say_last(self._transport, answer)
        else:
            self._transport.write(answer)

    def overdue(self) -> None:
        """End what has taken too long; a question that is still open ends the connection too."""
        if self._expect == self._take_call and not (self.deaf or self._kept or self._skip):
            self._calls.rest(self)  # what was half there has come
            return
        if self.deaf or self._expect in {self._take_call, self._take_late_answer}:
            self._transport.abort()
            return
        asked = self._expect == self._take_answer
        late = self._place.hand_on() if asked and self._place is not None else None
        self._fail(Reason.DEADLINE)
        if asked:
            self._place = late
            self._expect = self._take_late_answer
            self._calls.linger(self)

    def close_if_idle(self) -> None:
        """Close the connection unless a call runs on it, or has begun to arrive."""
        if self._expect == self._take_call and not self._kept:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection; a call that waits for our decision alone is refused before."""
        if self._conversation is not None and self._expect == self._take_nothing:
            self._fail(Reason.DEADLINE)  # which closes the connection of a runner that stops
        elif not self._transport.is_closing():
            self._transport.abort()
