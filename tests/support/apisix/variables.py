"""What APISIX says of a request when it is asked for a variable by name (ExtraInfo, Var)."""

import json
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from support.apisix.query import arguments, escaped_path
from support.apisix.state import RequestState

Read = Callable[[RequestState], str | bytes | None]


def variable(state: RequestState, name: bytes) -> bytes | None:
    """Return a variable as bytes, None for one that is not known or has no value."""
    told = name.decode("latin-1")
    value: str | bytes | None = None
    if told in _NAMED:
        value = _NAMED[told](state)
    else:
        for prefix, read in _PREFIXED.items():
            if told.startswith(prefix):
                value = read(state, told.removeprefix(prefix))
                break
    return value.encode() if isinstance(value, str) else value


def _header(state: RequestState, name: str) -> bytes | None:
    values = state.headers.folded(name.encode("latin-1"))
    return (b"; " if name.lower() == "cookie" else b", ").join(values) if values else None


def _argument(state: RequestState, name: str) -> bytes | None:
    values = arguments(state.query).get(name.encode("latin-1"))
    return (values[0] or b"") if values else None


def _cookie(state: RequestState, name: str) -> str | None:
    try:
        cookies = SimpleCookie((_header(state, "cookie") or b"").decode("latin-1"))
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None


def _field(state: RequestState, name: str) -> str | None:
    """One member of a JSON body; what is no scalar comes as the address of a Lua table."""
    try:
        value = json.loads(state.read_body() or b"")[name.partition("[")[0]]
    except (ValueError, LookupError, TypeError):
        return None
    return "table: 0x7f0000000000" if isinstance(value, list | dict) else str(value)


def _request_uri(state: RequestState) -> bytes:
    return state.uri + (b"?" + state.query if state.query else b"")


def _upstream_uri(state: RequestState) -> bytes:
    if state.path is None:
        return b""
    return escaped_path(state.path) + (b"?" + state.query if state.query else b"")


def _protocol(state: RequestState) -> str:
    return f"HTTP/{state.request.http_version:.1f}"


_NAMED: Mapping[str, Read] = {
    "real_request_uri": lambda state: state.request.origin_form,
    "request_uri": _request_uri,
    "uri": lambda state: state.uri,
    "document_uri": lambda state: state.uri if state.path is None else state.path,
    "upstream_uri": _upstream_uri,
    "args": lambda state: state.query or None,
    "query_string": lambda state: state.query or None,
    "is_args": lambda state: b"?" if state.query else b"",
    "remote_addr": lambda state: state.remote_addr,
    "realip_remote_addr": lambda state: state.request.peer,
    "binary_remote_addr": lambda state: ip_address(state.remote_addr).packed,
    "remote_port": lambda _: "50000",
    "server_addr": lambda _: "127.0.0.1",
    "server_port": lambda state: str(state.settings.port),
    "server_protocol": _protocol,
    "scheme": lambda _: "http",
    "host": lambda state: state.host,
    "request_method": lambda state: state.request.method,
    "method": lambda state: state.request.method,
    "request_id": lambda state: state.request_id,
    "apisix_request_id": lambda state: state.request_id,
    "request_body": lambda state: (state.body or None) if state.body_was_read else None,
    "content_length": lambda state: _header(state, "content-length"),
    "content_type": lambda state: _header(state, "content-type"),
    "request_length": lambda _: "100",
    "msec": lambda _: f"{time.time():.3f}",
    "time_iso8601": lambda _: time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
    "connection": lambda _: "1",
    "connection_requests": lambda _: "1",
    "route_id": lambda state: state.route.id,
    "tcpinfo_rtt": lambda _: "20",
    "hostname": lambda _: "gateway",
    "pid": lambda _: "1",
    "nginx_version": lambda _: "1.27.1",
    "upstream_host": lambda state: _header(state, "host"),
    "upstream_scheme": lambda _: "http",
    "request_llm_model": lambda _: "",
}
_PREFIXED: Mapping[str, Callable[[RequestState, str], str | bytes | None]] = {
    "http_": _header,
    "arg_": _argument,
    "cookie_": _cookie,
    "post_arg.": _field,
}
