"""The part of `gatepass kong doctor` about the node: version, protocol, timeouts, kong.conf."""

import re
from collections.abc import Iterator, Mapping

from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.kong_doctor_picture import Picture
from gatepass.plugin.commands.kong_doctor_scopes import coverage_of, listed
from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME

CLOSED_SINCE = (3, 8)
"""The first version that refuses a request when its ProtoBuf server fails."""

PROTOBUF, MSGPACK = "ProtoBuf:1", "MsgPack:1"

_PATIENCE = range(3, 31)
"""Seconds that Kong may wait for us: longer than our deadline, and not for ever."""

_DEFAULT_READ_MS = 60_000
_SMALL_BUFFER = 64 * 1024
_EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})
_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def fails_closed(picture: Picture) -> bool:
    """Answer whether Kong is known to refuse requests by itself when we cannot answer."""
    return picture.version >= CLOSED_SINCE and protocol_of(picture.configuration) == PROTOBUF


def protocol_of(configuration: Mapping[str, object] | None) -> str:
    """Return the protocol that Kong was told, as far as its configuration shows it, or ""."""
    servers = (configuration or {}).get("pluginservers")
    for server in servers if isinstance(servers, list) else []:
        if not isinstance(server, dict):
            continue
        asked = str(server.get("query_command", ""))
        if server.get("name") != PLUGIN_NAME and PLUGIN_NAME not in asked:
            continue
        told = server.get("protocol")
        if told in (PROTOBUF, MSGPACK):
            return str(told)
        if "--dump" in asked:
            return MSGPACK if "msgpack" in asked else PROTOBUF
    return ""


def node_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about the node."""
    yield _version(picture)
    yield _protocol(picture)
    if picture.configuration is not None:
        yield from _conf(picture.configuration)
    yield from _upstreams(picture)


def _version(picture: Picture) -> Finding:
    if not picture.version:
        return _note("version", "not known", "compare it with docs/gateways/kong.md yourself")
    text = ".".join(map(str, picture.version))
    if picture.version < CLOSED_SINCE:
        return Finding(
            "version",
            ok=False,
            found=f"{text}: requests pass while the plugin server is dead or hung",
            advice="upgrade to 3.8 or later; until then only the guard keeps this Kong closed",
        )
    return Finding("version", ok=True, found=text)


def _protocol(picture: Picture) -> Finding:
    told = protocol_of(picture.configuration)
    if told == MSGPACK and picture.version >= CLOSED_SINCE:
        return Finding(
            "protocol",
            ok=False,
            found=f"{told}: requests pass while the plugin server is dead or hung",
            advice="take `--protocol msgpack` out of pluginserver_gatepass_query_cmd",
        )
    if told:
        return Finding("protocol", ok=True, found=told)
    return _note(
        "protocol",
        "not shown by this Kong",
        "see that pluginserver_gatepass_query_cmd prints ProtoBuf:1",
    )


def _conf(configuration: Mapping[str, object]) -> Iterator[Finding]:
    trusted = configuration.get("trusted_ips")
    if isinstance(trusted, list) and not _EVERYBODY.isdisjoint(map(str, trusted)):
        yield Finding(
            "trusted_ips",
            ok=False,
            found="holds everybody: each client says itself where it comes from",
            advice="name the addresses of your load balancers, or leave it empty",
        )
    if configuration.get("untrusted_lua") == "off":
        yield Finding(
            "untrusted_lua",
            ok=False,
            found="off: Kong does not run the guard",
            advice="leave it at sandbox",
        )
    yield _lua_timeout(_quantity(configuration, "lua_socket_read_timeout", _SECONDS))
    buffer = _quantity(configuration, "client_body_buffer_size", _SIZES)
    if buffer is None or buffer < _SMALL_BUFFER:
        yield _note(
            "client_body_buffer_size",
            "longer bodies are written to files that only Kong's account can read",
            "set nginx_http_client_body_buffer_size to doors.kong.max_body",
        )
    if not _quantity(configuration, "client_max_body_size", _SIZES):
        yield _note(
            "client_max_body_size",
            "Kong takes in bodies of any length before Gatepass sees them",
            "set nginx_http_client_max_body_size",
        )


def _lua_timeout(seconds: float | None) -> Finding:
    subject = "lua_socket_read_timeout"
    if seconds is None or seconds > _PATIENCE[-1]:
        return _note(
            subject,
            f"Kong waits {60 if seconds is None else seconds:g}s for a plugin server that hangs",
            "set nginx_http_lua_socket_read_timeout to 5s",
        )
    if seconds < _PATIENCE[0]:
        return _note(
            subject,
            f"{seconds:g}s: Kong may give up before Gatepass does, which then says nothing",
            "set nginx_http_lua_socket_read_timeout above doors.kong.deadline",
        )
    return Finding(subject, ok=True, found=f"{seconds:g}s")


def _quantity(
    configuration: Mapping[str, object], name: str, units: Mapping[str, float]
) -> float | None:
    """Return a directive's value in seconds or bytes; None when it is not set, or not readable."""
    text = str(configuration.get(f"nginx_http_{name}", "")).lower()
    match = re.fullmatch(r"([0-9]{1,12})([a-z]{0,2})", text)
    return None if match is None or match[2] not in units else int(match[1]) * units[match[2]]


def _upstreams(picture: Picture) -> Iterator[Finding]:
    judged = [state.route for state in coverage_of(picture) if state.ours is not None]
    stripped = [route.title for route in judged if route.strip_path and route.paths]
    if stripped:
        yield _note(
            "strip_path",
            f"the upstream gets another path than the one that was judged: {listed(stripped)}",
            "set strip_path: false, or write the rules for the path that the client sends",
        )
    reached = {route.service.id for route in judged if route.service is not None}
    hasty = [
        service.name or service.id
        for service in picture.services
        if service.id in reached and service.read_timeout <= _DEFAULT_READ_MS
    ]
    if hasty:
        yield _note(
            "read_timeout",
            f"a model that thinks for longer than a minute is cut off: {listed(hasty)}",
            "set read_timeout: 600000 on the service",
        )


def _note(subject: str, found: str, advice: str) -> Finding:
    return Finding(subject, ok=True, found=found, advice=advice, note=True)
