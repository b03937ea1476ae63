"""One of APISIX's connections.

APISIX sends a call, answers our questions, and takes the answer; then the next call may come, of
any route. Rules: every call gets an explicit answer, a Stop or a Rewrite in a frame of its own
type, or an error in a frame of type 0, because anything else lets the request through; a call whose
token nobody was given gets the error that makes APISIX prepare anew; what is no frame of the
protocol closes the connection, which APISIX takes for a failure. An answer of APISIX's that comes
after its call has ended is dropped.
"""

import asyncio
from collections.abc import Callable, Coroutine
from struct import Struct
from typing import TYPE_CHECKING, cast

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.apisix.encoding import encode_rewrite, encode_stop
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import (
    EXTRA_INFO,
    HTTP_REQ_CALL,
    HTTP_RESP_CALL,
    PREPARE_CONF,
    prepared,
    question_for_body,
    question_for_variable,
    read_call_id,
    read_extra_info,
    read_http_req_call,
    read_prepare_conf,
    refused,
    token_unknown,
)
from gatepass.plugin.gateways.apisix.questions import (
    Conversation,
    Ending,
    Question,
    RequestBody,
    Stop,
    Variable,
)
from gatepass.plugin.gateways.frames import HEAD_BYTES, FramedProtocol
from gatepass.plugin.gateways.profile_numbers import NO_PROFILE
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    from gatepass.plugin.gateways.apisix.calls import Calls

CALL_LIMIT = 2 * 1024 * 1024
"""More than nginx lets through of a request's head, many times over."""

_HEAD = Struct(">I")
_LENGTH = 0xFFFFFF
_BODY_QUESTION = question_for_body()


def _payload_size(data: bytes, at: int) -> tuple[int]:
    """Return the length in the last three bytes of a head, as a tuple of one."""
    return (_HEAD.unpack_from(data, at)[0] & _LENGTH,)


class ApisixConnection(FramedProtocol):
    """Answers the calls of one connection; `calls` is what all connections share."""

    read_size = staticmethod(_payload_size)
    first = 0
    limit = CALL_LIMIT

    def __init__(self, calls: "Calls") -> None:
        super().__init__()
        self._calls = calls
        self._transport = cast("asyncio.Transport", None)
        self._expect: Callable[[int, bytes], None] = self._take_call
        self._conversation: Conversation | None = None
        self._call_id = 0
        self._body_asked = False

    # -- the stream ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._calls.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        """Forget the call."""
        self.deaf = True
        self._calls.closed(self)
        self._leave_conversation()

    def pause_writing(self) -> None:
        """Read no more while APISIX does not read."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def frames_received(self, messages: list[bytes]) -> None:
        """Take frames, heads included, as what is expected next."""
        try:
            for message in messages:
                if self.deaf:
                    return
                self._expect(message[0], message[HEAD_BYTES:])
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    def frame_too_large(self) -> None:
        """Take note of a frame that is larger than what is expected next may be."""
        try:
            if self._expect == self._take_call:
                self._close()
            elif self._expect == self._take_answer:
                self._expect = self._take_nothing
                if self._body_asked:
                    self._advance(BodyState.TOO_LARGE)
                else:
                    self._refuse(Reason.GATEWAY_ERROR)
            elif self._expect == self._take_late_answer:
                self._be_idle()
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    # -- calls -----------------------------------------------------------------------------------

    def _take_call(self, kind: int, payload: bytes) -> None:
        if kind == HTTP_REQ_CALL:
            self._begin(payload)
        elif kind == PREPARE_CONF:
            self._transport.write(self._prepare(payload))
            self._be_idle()
        elif kind == HTTP_RESP_CALL:
            self._transport.write(refused())  # we are no guard of responses
            self._be_idle()
        else:
            self._close()

    def _prepare(self, payload: bytes) -> bytes:
        try:
            token = self._calls.tokens.prepare(read_prepare_conf(payload).conf)
        except Malformed:
            token = None
        return refused() if token is None else prepared(token)

    def _begin(self, payload: bytes) -> None:
        self._expect = self._take_nothing
        try:
            call = read_http_req_call(payload)
        except Malformed:
            self._call_id = read_call_id(payload)
            self._refuse(Reason.GATEWAY_ERROR)
            return
        self._call_id = call.call_id
        profile = self._calls.tokens.profile(call.conf_token)
        if profile is None or profile == NO_PROFILE:
            self._transport.write(token_unknown())
            self._be_idle()
        elif self._calls.overloaded:
            self._refuse(Reason.OVERLOADED)
        else:
            self._conversation = self._calls.begin(profile, call)
            self._calls.deciding += 1
            self._advance(None)

    def _leave_conversation(self) -> None:
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
        if isinstance(step, (Variable, RequestBody)):
            self._ask(step)
        else:
            self._calls.linger(self)
            self._calls.run(self._resume(step, self._conversation))

    def _ask(self, question: Question) -> None:
        self._expect = self._take_answer
        self._body_asked = isinstance(question, RequestBody)
        self._calls.expect(self, slow=self._body_asked)
        self.limit = self._calls.body_limit if self._body_asked else CALL_LIMIT
        self._transport.write(
            question_for_variable(question.name)
            if isinstance(question, Variable)
            else _BODY_QUESTION
        )

    def _take_answer(self, kind: int, payload: bytes) -> None:
        self._expect = self._take_nothing
        if kind != EXTRA_INFO:
            self._refuse(Reason.GATEWAY_ERROR)
            return
        try:
            answer = read_extra_info(payload)
        except Malformed:
            self._refuse(Reason.GATEWAY_ERROR)
        else:
            self._advance(answer)

    def _take_nothing(self, _kind: int, _payload: bytes) -> None:
        """Ignore what APISIX sends while it has nothing to say."""

    def _take_late_answer(self, kind: int, _payload: bytes) -> None:
        """Drop what was asked for a call that has ended meanwhile; behind it comes the next."""
        if kind == EXTRA_INFO:
            self._be_idle()
        else:
            self._close()

    async def _resume(
        self, step: Coroutine[object, None, object], conversation: Conversation | None
    ) -> None:
        try:
            value = await step
            if self._conversation is conversation:
                self._advance(value)
            elif isinstance(value, Allow):  # nobody waits for the answer any more
                self._calls.release(value.request_id)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    # -- how a call ends -------------------------------------------------------------------------

    def _end(self, ending: Ending) -> None:
        self._leave_conversation()
        if isinstance(ending, Stop):
            self._transport.write(encode_stop(self._call_id, ending))
        elif self._transport.is_closing():  # APISIX has gone, and its request with it
            self._calls.release(ending.request_id)
        else:
            self._transport.write(encode_rewrite(self._call_id, ending))
        self._be_idle()

    def _be_idle(self) -> None:
        self._expect = self._take_call
        self.limit = CALL_LIMIT
        self._calls.rest(self)
        if self._calls.stopping:
            self._transport.close()

    def overdue(self) -> None:
        """End what has taken too long; a question that is still open ends the connection too."""
        if self.deaf or self._expect in {self._take_call, self._take_late_answer}:
            self._transport.abort()
            return
        asked = self._expect == self._take_answer
        self._refuse(Reason.DEADLINE)
        if asked:
            self._expect = self._take_late_answer
            self._calls.linger(self)

    def close_if_idle(self) -> None:
        """Close the connection unless a call runs on it, or has begun to arrive."""
        if self._expect == self._take_call and not self._kept:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection; a call that waits for our decision alone is refused before."""
        if self._conversation is not None and self._expect == self._take_nothing:
            self._refuse(Reason.DEADLINE)  # which closes the connection of a runner that stops
        elif not self._transport.is_closing():
            self._transport.abort()

    def _refuse(self, reason: Reason) -> None:
        self._end(self._calls.refusal(reason))

    def _fault(self, error: Exception) -> None:
        self._calls.fault(error)
        if self.deaf:
            return
        if self._expect == self._take_call:
            self._close()
        else:
            self._refuse(Reason.INTERNAL)

    def _close(self) -> None:
        """Close the connection, later each time."""
        self.deaf = True
        self._calls.linger(self)
        self._calls.close_soon(self._transport)
