"""kong.response, kong.log, kong.ctx and the rest: what leaves Kong, and what is noted of it."""

from collections.abc import Callable, Mapping

from support.kong.errors import Exited, LuaError
from support.kong.headers import HeaderLines, lua_text
from support.kong.octets import octets_text
from support.kong.request import lua_json
from support.kong.serialize import serialized
from support.kong.state import Exit, RequestState, limit

Function = Callable[..., object]
LEVELS = ("alert", "crit", "debug", "err", "info", "notice", "warn")


def _exit(state: RequestState, status: object, body: object, headers: object) -> None:
    """End the event. Raises Exited, or LuaError for what Kong does not take."""
    if not isinstance(status, int | float) or not 100 <= status <= 599:
        raise LuaError("code must be a number between 100 and 599")
    lines = HeaderLines()
    if isinstance(headers, dict):
        lines.set_all({name: value for name, value in headers.items() if value is not False})
    elif headers is not None:
        raise LuaError("headers must be a nil or table")
    match body:
        case None | bytes():
            octets = body
        case str():
            octets = body.encode("utf-8", "surrogateescape")
        case dict() | list():
            octets = lua_json(body)
            if not lines.values("content-type"):
                lines.set("Content-Type", "application/json; charset=utf-8")
        case _:
            raise LuaError("body must be a nil, string or table")
    state.exit = Exit(int(status), octets, lines)
    raise Exited


def _log(level: str) -> Function:
    def note(state: RequestState, *parts: object) -> None:
        state.log_lines.append((level, "".join(lua_text(part) for part in parts)))

    return note


def _set_serialize_value(state: RequestState, key: object, value: object) -> None:
    if not isinstance(key, str) or not key:
        raise LuaError("key must be a string")
    *outer, last = key.split(".")
    place = state.log_values
    for name in outer:
        inner = place.setdefault(name, {})
        if not isinstance(inner, dict):
            raise LuaError("The key could not be used")
        place = inner
    place[last] = value


def _shared_set(state: RequestState, key: object, value: object) -> None:
    if value is None:
        state.shared.pop(str(key), None)
    else:
        state.shared[str(key)] = value


def _get_status(state: RequestState) -> int:
    return state.answered().status


RESPONSE: Mapping[str, Function] = {
    "add_header": lambda state, name, value: state.response_headers.add(name, value),
    "clear_header": lambda state, name: state.response_headers.clear(name),
    "exit": _exit,
    "get_header": lambda state, name: state.answered().headers.first_of_table(name),
    "get_headers": lambda state, most: state.answered().headers.table(limit(most)),
    "get_source": lambda state: state.answered().source,
    "get_status": _get_status,
    "set_header": lambda state, name, value: state.response_headers.set(name, value),
    "set_headers": lambda state, headers: state.response_headers.set_all(headers),
}

LOG: Mapping[str, Function] = {
    **{level: _log(level) for level in LEVELS},
    "serialize": lambda state: octets_text(lua_json(serialized(state))),
    "set_serialize_value": _set_serialize_value,
}

SHARED: Mapping[str, Function] = {
    "get": lambda state, key: state.shared.get(key),
    "set": _shared_set,
}

SERVICE_RESPONSE: Mapping[str, Function] = {"get_status": _get_status}

NODE: Mapping[str, Function] = {
    "get_id": lambda state: state.settings.node_id,
    "get_memory_stats": lambda _: {
        "lua_shared_dicts": {"kong": {"allocated_slabs": 40960, "capacity": 5242880}},
        "workers_lua_vms": [{"http_allocated_gc": 45862929, "pid": 9103}],
    },
}

ROUTER: Mapping[str, Function] = {
    "get_route": lambda state: state.settings.route.as_told(),
    "get_service": lambda state: {
        **state.settings.route.service.facts,
        "id": state.settings.route.service.id,
    },
}

IP: Mapping[str, Function] = {
    "is_trusted": lambda state, address: state.settings.trusts(address),
}
