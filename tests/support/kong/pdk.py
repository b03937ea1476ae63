"""kong.*: every method by its full name, with the phases in which Kong lets it be called."""

from collections.abc import Mapping
from copy import copy
from typing import Literal

from support.kong.errors import LuaError, NotSimulated
from support.kong.headers import FIRST_HEADERS, HeaderLines
from support.kong.pdk_request import CLIENT, NGINX, REQUEST, SERVICE_REQUEST, Function
from support.kong.pdk_response import (
    IP,
    LEVELS,
    LOG,
    NODE,
    RESPONSE,
    ROUTER,
    SERVICE_RESPONSE,
    SHARED,
)
from support.kong.schema import METHODS
from support.kong.state import RequestState

Phase = Literal["access", "log"]

FUNCTIONS: Mapping[str, Function] = {
    f"kong.{group}.{name}": function
    for group, functions in {
        "client": CLIENT,
        "ctx.shared": SHARED,
        "ip": IP,
        "log": LOG,
        "nginx": NGINX,
        "node": NODE,
        "request": REQUEST,
        "response": RESPONSE,
        "router": ROUTER,
        "service.request": SERVICE_REQUEST,
        "service.response": SERVICE_RESPONSE,
    }.items()
    for name, function in functions.items()
}

IN_LOG = frozenset(
    {
        *(f"kong.log.{name}" for name in (*LEVELS, "serialize", "set_serialize_value")),
        "kong.ctx.shared.get",
        "kong.ctx.shared.set",
        "kong.request.get_header",
        "kong.request.get_headers",
        "kong.response.get_status",
        "kong.response.get_header",
        "kong.response.get_headers",
        "kong.response.get_source",
        "kong.router.get_route",
        "kong.router.get_service",
        "kong.client.get_consumer",
        "kong.client.get_credential",
        "kong.node.get_id",
    }
)
"""The log phase runs in a timer, on a snapshot; everything else raises there."""

_ARGUMENTS = {"Empty": 0, "KV": 2, "ExitArgs": 3, "ConsumerSpec": 2, "AuthenticateArgs": 2}


def call(state: RequestState, phase: Phase, method: str, arguments: list[object]) -> object:
    """Run a method of the PDK. Raises LuaError as Lua does, Exited after an exit."""
    function = FUNCTIONS.get(method)
    if phase == "log" and method not in IN_LOG:
        raise LuaError(f"{method} cannot be called in log phase")
    if function is None:
        raise NotSimulated(method)
    takes = METHODS.get(method, ("Empty", ""))[0]
    if takes == "ListValue":
        return function(state, *arguments)
    wanted = 1 if method == "kong.request.get_raw_body" else _ARGUMENTS.get(takes, 1)
    padded = [*arguments, *[None] * wanted][:wanted]
    return function(state, *padded)


def snapshot(state: RequestState) -> RequestState:
    """Return the request as the log phase sees it: of the headers only the first 100 lines."""
    seen = copy(state)
    seen.headers = HeaderLines(list(state.headers)[:FIRST_HEADERS])
    return seen
