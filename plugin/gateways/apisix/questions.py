"""What is asked of APISIX in a call and how a call ends, and a call as a conversation."""

from collections.abc import Coroutine, Generator
from typing import Any, NamedTuple

from gatepass.plugin.headers import Header


class Variable(NamedTuple):
    """Asks for a variable; the answer is its octets, None when there is none."""

    name: bytes


class RequestBody(NamedTuple):
    """Asks for the request's body; the answer is as for a variable."""


class Stop(NamedTuple):
    """APISIX answers the client; nothing goes upstream."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Rewrite(NamedTuple):
    """APISIX goes on, with these headers taken away and these set.

    `request_id` is told the upstream, and whoever reports what the call used.
    """

    removed: tuple[bytes, ...]
    headers: tuple[Header, ...]
    request_id: str


Ending = Stop | Rewrite
Question = Variable | RequestBody
Step = Question | Coroutine[object, None, object]
Conversation = Generator[Step, Any, Ending]
"""A call: yields questions and is sent the answers, or something to await and gets its value."""

REAL_REQUEST_URI = Variable(b"real_request_uri")
SERVER_PROTOCOL = Variable(b"server_protocol")
BODY = RequestBody()
