"""The messages of APISIX's runner protocol, by their tables and slots (its schema since 0.6.1).

What is read: PrepareConf, HTTPReqCall, HTTPRespCall, and the answers to our questions. What is
written: the answers to those, and questions. A frame is one octet for its type, three for the
length of its payload, and the payload.
"""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from gatepass.plugin.gateways.apisix.building import (
    Block,
    Field,
    entries,
    finished,
    passing_entries,
    table,
    text,
)
from gatepass.plugin.gateways.apisix.flatbuffers import Entry, Malformed, first_octets, root

ERROR = 0
PREPARE_CONF = 1
HTTP_REQ_CALL = 2
EXTRA_INFO = 3
HTTP_RESP_CALL = 4

METHODS = (
    "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND",
    "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE",
)  # fmt: skip
"""By their numbers."""

_BYTE = Struct("<B")
_SHORT = Struct("<H")
_LONG = Struct("<I")

_BAD_REQUEST, _CONF_TOKEN_NOT_FOUND = 0, 2
_STOP, _REWRITE = 1, 2
_VAR, _REQUEST_BODY, _RESPONSE_BODY = 1, 2, 3


class PrepareConf(NamedTuple):
    """APISIX has a configuration: the plugins' names with their texts."""

    conf: list[Entry]


class HttpReqCall(NamedTuple):
    """A request; `path` is decoded and cleaned, `headers` are at most the first hundred.

    `source_ip` is four or sixteen octets.
    """

    call_id: int
    source_ip: bytes
    method: str
    path: bytes
    headers: list[Entry]
    conf_token: int


class HttpRespCall(NamedTuple):
    """A response, before it goes to the client."""

    call_id: int
    status: int
    headers: list[Entry]
    conf_token: int


def read_prepare_conf(payload: bytes) -> PrepareConf:
    """Read a PrepareConf.

    Raises:
        Malformed: it is none.

    """
    return PrepareConf(root(payload).entries(0))


def read_call_id(payload: bytes) -> int:
    """Read the id of a call of either kind, 0 where even that cannot be read."""
    try:
        return root(payload).number(0, _LONG)
    except Malformed:
        return 0


def read_http_req_call(payload: bytes) -> HttpReqCall:
    """Read an HTTPReqCall.

    Raises:
        Malformed: it is none, or of a method that the protocol does not know.

    """
    call = root(payload)
    method = call.number(2, _BYTE)
    if method >= len(METHODS):
        raise Malformed
    return HttpReqCall(
        call.number(0, _LONG),
        call.octets(1) or b"",
        METHODS[method],
        call.octets(3) or b"",
        call.entries(5),
        call.number(6, _LONG),
    )


def read_http_resp_call(payload: bytes) -> HttpRespCall:
    """Read an HTTPRespCall.

    Raises:
        Malformed: it is none.

    """
    call = root(payload)
    return HttpRespCall(
        call.number(0, _LONG), call.number(1, _SHORT), call.entries(2), call.number(3, _LONG)
    )


def read_extra_info(payload: bytes) -> bytes | None:
    """Read the answer to a question; None is APISIX's nil.

    Raises:
        Malformed: it is none.

    """
    return first_octets(payload)


def framed(kind: int, payload: bytes) -> bytes:
    """Return a frame."""
    return bytes((kind,)) + len(payload).to_bytes(3, "big") + payload


def prepared(conf_token: int) -> bytes:
    """Answer a PrepareConf."""
    return framed(PREPARE_CONF, finished(table(conf_token)))


def refused() -> bytes:
    """Answer anything with an error of APISIX's own, which lets nothing through."""
    return framed(ERROR, finished(table(_BAD_REQUEST)))


def token_unknown() -> bytes:
    """Ask APISIX to prepare its configuration anew."""
    return framed(ERROR, finished(table(_CONF_TOKEN_NOT_FOUND)))


@lru_cache(maxsize=16)
def question_for_variable(name: bytes) -> bytes:
    """Ask for a variable of APISIX's."""
    return framed(EXTRA_INFO, finished(table(_VAR, table(text(name)))))


def question_for_body() -> bytes:
    """Ask for the request's body."""
    return framed(EXTRA_INFO, finished(table(_REQUEST_BODY, table())))


def question_for_response_body() -> bytes:
    """Ask for the response's body."""
    return framed(EXTRA_INFO, finished(table(_RESPONSE_BODY, table())))


def stop(status: int, headers: list[Entry], body: bytes) -> Block:
    """Return the action that answers the client."""
    return table(status, entries(headers), text(body))


def rewrite(headers: list[Entry]) -> Block:
    """Return the action that lets a request through with changed headers."""
    return table(None, entries(headers) if headers else None)


def answered(call_id: int, action: Block, *, stops: bool) -> bytes:
    """Answer an HTTPReqCall with an action."""
    fields: tuple[Field, ...] = (call_id, _STOP if stops else _REWRITE, action)
    return framed(HTTP_REQ_CALL, finished(table(*fields)))


def response_answered(call_id: int, status: int, headers: list[Entry], body: bytes | None) -> bytes:
    """Answer an HTTPRespCall: all that is not given here is lost, but for the upstream's body."""
    given = passing_entries(headers) if headers else None
    fields: tuple[Field, ...] = (call_id, status, given, None if body is None else text(body))
    return framed(HTTP_RESP_CALL, finished(table(*fields)))
