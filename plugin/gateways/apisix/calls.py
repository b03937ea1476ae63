"""What all connections of the runner share: who decides, the configurations, how much may run."""

import asyncio
from typing import TYPE_CHECKING

from gatepass.plugin.gateways.apisix.access import access
from gatepass.plugin.gateways.apisix.draining import DrainingConnections
from gatepass.plugin.gateways.apisix.responses import Responses
from gatepass.plugin.gateways.apisix.verdict import to_stop
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.connections import Patience, Timed
from gatepass.plugin.refusals import refuse_for

if TYPE_CHECKING:
    from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
    from gatepass.plugin.gateways.apisix.messages import HttpReqCall
    from gatepass.plugin.gateways.apisix.questions import Conversation, Stop
    from gatepass.plugin.gateways.apisix.tokens import ConfTokens
    from gatepass.plugin.gateways.bookkeeper import Bookkeeper
    from gatepass.plugin.gateways.decider import Judge
    from gatepass.plugin.reasons import Reason

MAX_CALLS = 4096
"""Decisions that are under way at one time; a request beyond is refused at once."""

_BODY_OVERHEAD = 1024


class Calls(DrainingConnections):
    """The shared state of one runner; `deciding` counts the calls that have no answer yet."""

    def __init__(
        self, judge: "Judge", books: "Bookkeeper", door: "ApisixDoor", tokens: "ConfTokens"
    ) -> None:
        super().__init__(judge)
        self._books = books
        self._door = door
        self._waits = BodyWaits()
        self._unreadable = Patience()
        self.tokens = tokens
        self.responses = Responses(books, reads=door.read_responses)
        self.body_limit = door.max_body_bytes + _BODY_OVERHEAD
        self.deciding = 0

    @property
    def overloaded(self) -> bool:
        """Tell whether one more decision would be too many."""
        return self.deciding >= MAX_CALLS

    def begin(self, profile: str, call: "HttpReqCall") -> "Conversation":
        """Return the conversation of a request."""
        return access(self._judge, self._door, profile, call, self._loop.time, self._waits)

    def expect(self, connection: Timed, *, slow: bool) -> None:
        """Note that APISIX was asked; a `slow` answer waits for the client's body."""
        seconds = self._door.body_seconds if slow else self._door.deadline_seconds
        self.due[connection] = self._loop.time() + seconds

    def refusal(self, reason: "Reason") -> "Stop":
        """Return the answer for a request that cannot be judged, and let the log know."""
        refusal = refuse_for(reason)
        self._judge.note(refusal)
        return to_stop(refusal)

    def release(self, request_id: str) -> None:
        """Give back what was reserved for a request that is over before it began."""
        self.run(self._books.release(request_id))

    def close_soon(self, transport: asyncio.Transport) -> asyncio.TimerHandle | None:
        """Close a connection on which nothing can be read; see `close_after`."""
        return self.close_after(transport, self._unreadable)
