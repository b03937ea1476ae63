"""The phase after the upstream: what the runner is told of a response, and what it makes of it.

APISIX has fetched the response by itself then. When the runner gives headers, all others are lost;
when it gives none they stay, but for the content type and its like. Nothing of the body is lost,
not even when the runner failed. A response without body, to which the runner adds none, is thrown
away, and the request is proxied once more: its headers come twice then.
"""

from support.apisix.headers import HeaderLines
from support.apisix.messages import ResponseAnswer, ResponseCall
from support.apisix.proxying import answer
from support.apisix.results import Answered
from support.apisix.state import IGNORED, RequestState, set_response_headers
from support.kong.results import UpstreamReply

_WITHOUT_BODY = frozenset({204, 304})


def response_call(reply: UpstreamReply, number: int, token: int) -> ResponseCall:
    """Return what a runner is told of a response: names as they came, repeated ones together."""
    names = list(dict.fromkeys(name.lower() for name, _ in reply.headers))
    headers = tuple(
        (key.encode("latin-1"), value.encode("latin-1"))
        for name in names
        for key, value in reply.headers
        if key.lower() == name
    )
    return ResponseCall(number, reply.status, headers, token)


def calls_upstream_again(state: RequestState, said: ResponseAnswer, reply: UpstreamReply) -> bool:
    """Tell whether the request is proxied once more, and note the headers that then stay."""
    has_body = reply.status not in _WITHOUT_BODY and state.request.method != "HEAD"
    if said.body or has_body:
        return False
    state.response_headers = _headers(said, reply)
    return True


def changed_answer(state: RequestState, said: ResponseAnswer, reply: UpstreamReply) -> Answered:
    """Return what the client gets of a response that the runner has seen."""
    status, body = said.status or reply.status, said.body or reply.body
    return answer(state, status, _headers(said, reply), body, from_runner=True)


def _headers(said: ResponseAnswer, reply: UpstreamReply) -> HeaderLines:
    if said.headers:
        return set_response_headers(said.headers)
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    return HeaderLines(line for line in lines if line[0].lower() not in IGNORED)


def leaking_answer(state: RequestState, reply: UpstreamReply) -> Answered:
    """Return what the client gets when the runner failed: a status of ours, the body of theirs."""
    return answer(state, 503, HeaderLines(), reply.body, from_runner=False)
