"""kong.request, kong.service.request, kong.client, kong.nginx: the client's side of the PDK."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from support.kong.errors import LuaError
from support.kong.octets import octets_text
from support.kong.paths import nginx_uri, raw_path
from support.kong.query import query_argument, query_table
from support.kong.state import RequestState, limit

Function = Callable[..., object]


def _get_var(state: RequestState, name: object) -> object:
    request = state.request
    target = octets_text(request.origin_form)
    known: dict[object, object] = {
        "uri": octets_text(nginx_uri(request.origin_form)),
        "request_uri": target,
        "upstream_uri": state.upstream_path,
        "remote_addr": state.forwarded_ip,
        "realip_remote_addr": request.peer,
        "request_method": request.method,
        "args": state.query,
        "host": request.host,
        "scheme": "http",
        "request_id": state.request_id,
    }
    if isinstance(name, str) and name.startswith("http_"):
        return state.headers.first(name.removeprefix("http_"))
    return known.get(name)


def _forwarded_host(state: RequestState) -> str:
    told = state.forwarded("host")
    if told is None:
        return state.request.host
    return told.rpartition("@")[2].partition(":")[0].lower()


def _forwarded_port(state: RequestState) -> int:
    told = state.forwarded("port") or ""
    return int(told) if told.isdecimal() else state.settings.port


def _forwarded_path(state: RequestState) -> str:
    return state.forwarded("path") or state.kong_path


def _get_raw_body(state: RequestState, _most: object = None) -> bytes | Path:
    return state.body.read()


def _set_raw_body(state: RequestState, octets: object) -> None:
    if not isinstance(octets, bytes):
        raise LuaError("body must be a string")
    state.body.replace(octets)
    state.headers.clear("transfer-encoding")
    state.headers.set("Content-Length", len(octets))


def _set(name: str) -> Function:
    def change(state: RequestState, value: object) -> None:
        if not isinstance(value, str):
            raise LuaError(f"{name} must be a string")
        setattr(state, name, value)

    return change


def _authenticate(state: RequestState, consumer: object, credential: object) -> None:
    if consumer is None and credential is None:
        raise LuaError("either credential or consumer must be provided")
    state.consumer = consumer if isinstance(consumer, dict) else None
    state.credential = credential if isinstance(credential, dict) else None


def _load_consumer(_state: RequestState, name: object, by_username: object) -> None:
    if not by_username:
        try:
            uuid.UUID(str(name))
        except ValueError as error:
            raise LuaError("consumer_id must be an uuid") from error


def _set_ctx(state: RequestState, key: object, value: object) -> None:
    state.ctx[str(key)] = value


REQUEST: Mapping[str, Function] = {
    "get_forwarded_host": _forwarded_host,
    "get_forwarded_path": _forwarded_path,
    "get_forwarded_port": _forwarded_port,
    "get_forwarded_scheme": lambda state: state.forwarded("proto") or "http",
    "get_header": lambda state, name: state.headers.first(name),
    "get_headers": lambda state, most: state.headers.table(limit(most)),
    "get_host": lambda state: state.request.host,
    "get_http_version": lambda state: state.request.http_version,
    "get_method": lambda state: state.request.method,
    "get_path": lambda state: state.kong_path,
    "get_path_with_query": lambda state: octets_text(state.request.origin_form),
    "get_port": lambda state: state.settings.port,
    "get_query": lambda state, most: query_table(state.query, limit(most)),
    "get_query_arg": lambda state, name: query_argument(state.query, name),
    "get_raw_body": _get_raw_body,
    "get_raw_path": lambda state: octets_text(raw_path(state.request.origin_form)),
    "get_raw_query": lambda state: state.query,
    "get_scheme": lambda _: "http",
    "get_uri_captures": lambda _: {"named": {}, "unnamed": {}},
}

SERVICE_REQUEST: Mapping[str, Function] = {
    "add_header": lambda state, name, value: state.headers.add(name, value),
    "clear_header": lambda state, name: state.headers.clear(name),
    "set_header": lambda state, name, value: state.headers.set(name, value),
    "set_headers": lambda state, headers: state.headers.set_all(headers),
    "set_method": _set("method"),
    "set_path": _set("path"),
    "set_raw_body": _set_raw_body,
    "set_raw_query": _set("query"),
}

CLIENT: Mapping[str, Function] = {
    "authenticate": _authenticate,
    "get_consumer": lambda state: state.consumer,
    "get_credential": lambda state: state.credential,
    "get_forwarded_ip": lambda state: state.forwarded_ip,
    "get_forwarded_port": _forwarded_port,
    "get_ip": lambda state: state.request.peer,
    "get_port": lambda _: 40000,
    "get_protocol": lambda *_: "http",
    "load_consumer": _load_consumer,
}

NGINX: Mapping[str, Function] = {
    "get_ctx": lambda state, key: state.ctx.get(key),
    "get_subsystem": lambda _: "http",
    "get_tls1_version_str": lambda _: None,
    "get_var": _get_var,
    "req_start_time": lambda state: state.started,
    "set_ctx": _set_ctx,
}
