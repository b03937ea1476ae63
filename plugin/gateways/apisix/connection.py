"""One of APISIX's connections.

APISIX sends a call, answers our questions, and takes the answer; then the next call may come, of
any route and any phase. Rules: every call gets an explicit answer. To a request it is a Stop or a
Rewrite in a frame of its own type, or an error in a frame of type 0, because anything else lets it
through; to a response, of which APISIX sends the body whatever we say, it is that response as it
came. A request whose token nobody was given gets the error that makes APISIX prepare anew; what is
no frame of the protocol closes the connection, which APISIX takes for a failure.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from gatepass.plugin.gateways.apisix.encoding import (
    encode_as_it_came,
    encode_rewrite,
    encode_stop,
)
from gatepass.plugin.gateways.apisix.exchange import Exchange
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import (
    HTTP_REQ_CALL,
    HTTP_RESP_CALL,
    PREPARE_CONF,
    prepared,
    read_call_id,
    read_http_req_call,
    read_http_resp_call,
    read_prepare_conf,
    refused,
    token_unknown,
)
from gatepass.plugin.gateways.apisix.questions import AsItCame, Bill, Ending, Stop
from gatepass.plugin.gateways.apisix.responses import as_it_came
from gatepass.plugin.gateways.frames import HEAD_BYTES
from gatepass.plugin.gateways.profile_numbers import NO_PROFILE
from gatepass.plugin.reasons import Reason

if TYPE_CHECKING:
    from gatepass.plugin.gateways.apisix.calls import Calls


class ApisixConnection(Exchange):
    """Answers the calls of one connection; `calls` is what all connections share."""

    def __init__(self, calls: "Calls") -> None:
        super().__init__(calls)
        self._call_id = 0
        self._closing: asyncio.TimerHandle | None = None
        self._response: AsItCame | None = None
        """What a response that is under way came as; None while the call is a request."""

    # -- the stream ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._calls.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        """Forget the call."""
        self.deaf = True
        self._calls.closed(self)
        self._leave()
        self._leave_place()
        if self._closing is not None:
            self._closing.cancel()

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
                self._take_large_answer()
            elif self._expect == self._take_late_answer:
                self._leave_place()
                self._be_idle()
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            self._fault(error)

    # -- how a call begins -----------------------------------------------------------------------

    def _take_call(self, kind: int, payload: bytes) -> None:
        if kind == HTTP_REQ_CALL:
            self._take_request(payload)
        elif kind == PREPARE_CONF:
            self._be_idle(self._prepare(payload))
        elif kind == HTTP_RESP_CALL:
            self._take_response(payload)
        else:
            self._close()

    def _prepare(self, payload: bytes) -> bytes:
        try:
            token = self._calls.tokens.prepare(read_prepare_conf(payload).conf)
        except Malformed:
            token = None
        return refused() if token is None else prepared(token)

    def _take_request(self, payload: bytes) -> None:
        self._expect = self._take_nothing
        try:
            call = read_http_req_call(payload)
        except Malformed:
            self._call_id = read_call_id(payload)
            self._fail(Reason.GATEWAY_ERROR)
            return
        self._call_id = call.call_id
        profile = self._calls.tokens.profile(call.conf_token)
        if profile is None or profile == NO_PROFILE:
            self._be_idle(token_unknown())
        elif self._calls.overloaded:
            self._fail(Reason.OVERLOADED)
        else:
            self._begin(self._calls.begin(profile, call))

    def _take_response(self, payload: bytes) -> None:
        """Begin with a response; no profile says anything of it, so any token will do."""
        self._expect = self._take_nothing
        self._response = AsItCame(0, [])
        try:
            call = read_http_resp_call(payload)
        except Malformed:
            self._call_id = read_call_id(payload)
            self._fail(Reason.GATEWAY_ERROR)
            return
        self._call_id = call.call_id
        self._response = as_it_came(call)
        self._begin(self._calls.responses.begin(call))

    # -- how a call ends -------------------------------------------------------------------------

    def _end(self, ending: Ending) -> None:
        self._leave()
        if isinstance(ending, Stop):
            self._be_idle(encode_stop(self._call_id, ending))
        elif isinstance(ending, AsItCame):
            self._response = None
            self._be_idle(encode_as_it_came(self._call_id, ending))
            if ending.bill is not None:
                self._calls.run(self._settle(ending.bill))
        elif self._transport.is_closing():  # APISIX has gone, and its request with it
            self._calls.release(ending.request_id)
            self._be_idle()
        else:
            self._be_idle(encode_rewrite(self._call_id, ending))

    async def _settle(self, bill: Bill) -> None:
        """Settle behind the response, which waits for no store."""
        try:
            await self._calls.responses.settle(bill)
        except Exception as error:  # noqa: BLE001 - it is counted; the reservation stays
            self._calls.fault(error)

    def _fail(self, reason: Reason) -> None:
        self._end(self._response or self._calls.refusal(reason))

    def _fault(self, error: Exception) -> None:
        self._calls.fault(error)
        if self.deaf:
            return
        if self._expect == self._take_call:
            self._close()
        else:
            self._fail(Reason.INTERNAL)

    def _close(self) -> None:
        """Close the connection, later each time."""
        self.deaf = True
        self._calls.linger(self)
        self._closing = self._calls.close_soon(self._transport)
