"""The part of `gatepass kong doctor` about the node: version, protocol, timeouts, kong.conf."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.commands.kong_doctor_picture import Picture
from gatepass.plugin.commands.kong_doctor_scopes import coverage_of
from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME

CLOSED_SINCE = (3, 8)
"""The first version that refuses a request when its ProtoBuf server fails."""

PROTOBUF, MSGPACK = "ProtoBuf:1", "MsgPack:1"

_PATIENCE = range(3, 31)
"""Seconds that Kong may wait for us: longer than our deadline, and not for ever."""

_DEFAULT_READ_MS = 60_000
_SMALL_BUFFER = 64 * 1024
_NARROW_ENOUGH = {4: 8, 6: 16}
"""The shortest prefix of a network that may be one's own, by the version of IP."""

_SECONDS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600}
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def fails_closed(picture: Picture) -> bool:
    """Answer whether Kong is known to refuse requests by itself when we cannot answer."""
    return picture.version >= CLOSED_SINCE and protocol_of(picture.configuration) == PROTOBUF


def fails_open(picture: Picture) -> bool:
    """Answer whether Kong is known to let requests through when we cannot answer."""
    too_old = picture.version != () and picture.version < CLOSED_SINCE
    return too_old or protocol_of(picture.configuration) == MSGPACK


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
        return note("version", "not known", "compare it with docs/gateways/kong.md yourself")
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
    return note(
        "protocol",
        "not shown by this Kong",
        "see that pluginserver_gatepass_query_cmd prints ProtoBuf:1",
    )


def _conf(configuration: Mapping[str, object]) -> Iterator[Finding]:
    trusted = configuration.get("trusted_ips")
    if isinstance(trusted, list):
        yield from _trusted(map(str, trusted))
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
        yield note(
            "client_body_buffer_size",
            "longer bodies are written to files that only Kong's account can read",
            "set nginx_http_client_body_buffer_size to doors.kong.max_body",
        )
    if not _quantity(configuration, "client_max_body_size", _SIZES):
        yield note(
            "client_max_body_size",
            "no limit: a body without an announced length is read to its end, then refused",
            "set nginx_http_client_max_body_size, above the largest file that clients upload",
        )


def _trusted(entries: Iterable[str]) -> Iterator[Finding]:
    networks = [network for entry in entries if (network := _network(entry)) is not None]
    subject, advice = "trusted_ips", "name the addresses of your load balancers, or leave it empty"
    if any(network.prefixlen == 0 for network in networks):
        yield Finding(
            subject,
            ok=False,
            found="holds everybody: each client says itself where it comes from",
            advice=advice,
        )
        return
    wide = [net for net in networks if net.prefixlen < _NARROW_ENOUGH[net.version]]
    if wide:
        found = "clients in it say themselves where they come from"
        yield note(subject, f"very wide: {listed(map(str, wide))}; {found}", advice)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None  # `unix:`


def _lua_timeout(seconds: float | None) -> Finding:
    subject = "lua_socket_read_timeout"
    if seconds is None or seconds > _PATIENCE[-1]:
        return note(
            subject,
            f"Kong waits {60 if seconds is None else seconds:g}s for a plugin server that hangs",
            "set nginx_http_lua_socket_read_timeout to 3 seconds above doors.kong.deadline",
        )
    if seconds < _PATIENCE[0]:
        return note(
            subject,
            f"{seconds:g}s: Kong may give up before Gatepass does, which then says nothing",
            "set nginx_http_lua_socket_read_timeout to 3 seconds above doors.kong.deadline",
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
        yield note(
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
        yield note(
            "read_timeout",
            f"a model that thinks for longer than a minute is cut off: {listed(hasty)}",
            "set read_timeout: 600000 on the service",
        )
