"""What is asked of APISIX in a call and how a call ends, and a call as a conversation."""

from collections.abc import Coroutine, Generator
from typing import Any, NamedTuple

from gatepass.plugin.gateways.apisix.flatbuffers import Entry
from gatepass.plugin.gateways.body_waits import Place
from gatepass.plugin.headers import Header
from gatepass.plugin.metering.prices import Usage


class Variable(NamedTuple):
    """Asks for a variable; the answer is its octets, None when there is none."""

    name: bytes


class RequestBody(NamedTuple):
    """Asks for the request's body; the answer is as for a variable.

    `place` is that of the client who is waited for.
    """

    place: Place


class ResponseBody(NamedTuple):
    """Asks for the response's body, which APISIX holds back until it has all of it.

    What is longer than `most_bytes` is not kept, and the answer is BodyState.TOO_LARGE.
    """

    most_bytes: int


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


class Bill(NamedTuple):
    """What a response says that its call used; None where it says nothing, or cost nothing."""

    request_id: str
    usage: Usage | None
    cost_nothing: bool = False


class AsItCame(NamedTuple):
    """The client gets what the upstream answered; status 0 is whatever that was.

    `body` stands for that of a response which has none, and no client sees it; None is the
    upstream's own. `bill` is settled behind the answer, None where nobody knows what to settle.
    """

    status: int
    headers: list[Entry]
    body: bytes | None = None
    bill: Bill | None = None


Ending = Stop | Rewrite | AsItCame
Question = Variable | RequestBody | ResponseBody
Step = Question | Coroutine[object, None, object]
Conversation = Generator[Step, Any, Ending]
"""A call: yields questions and is sent the answers, or something to await and gets its value."""

CLIENT_CERTIFICATE = Variable(b"ssl_client_raw_cert")
REAL_REQUEST_URI = Variable(b"real_request_uri")
REQUEST_METHOD = Variable(b"request_method")
SERVER_PROTOCOL = Variable(b"server_protocol")
