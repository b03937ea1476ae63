"""A complete configuration of Kong without a database, and the lines of kong.conf beside it.

Our plugin, its guard and its usage snippet stand at the top, for every route of this Kong: a route
that is added later is closed until Gatepass lets it be called. A more specific instance of either
plugin replaces the one at the top. `gatepass kong config` prints the text; examples/kong/ holds it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.lua import guard, usage_snippet
from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME
from gatepass.plugin.gateways.upstreams import Service

LONGER_THAN_US_SECONDS = 3
"""How much longer Kong waits for us than we take: our own 503 comes before Kong's 500."""

READ_TIMEOUT_MS = 600_000
"""A model may think for minutes before its first byte."""

_INDENT = " " * 10


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where things are on the machine: our door, its settings file, and the program's path."""

    door: KongDoor
    settings: PurePath
    program: PurePath


def declare(services: Sequence[Service], profile: str, around: Surroundings) -> str:
    """Return the YAML, with the lines of kong.conf as comments at its top."""
    lines = [
        "# Kong's configuration for Gatepass, printed by `gatepass kong config`.",
        "#",
        "# It belongs to these lines of kong.conf:",
        "#",
        *(f"#   {line}".rstrip() for line in kong_conf(around)),
        "",
        '_format_version: "3.0"',
        "",
        "services:",
        *(line for service in services for line in _service(service)),
        "",
        "plugins:",
        "  # global: a route that is added later is closed until the profile opens it",
        f"  - name: {PLUGIN_NAME}",
        f"    config: {{profile: {_scalar(profile)}}}",
        "",
        "  # Kong runs one instance per request: another post-function on a route needs these two",
        "  # pieces as well",
        "  - name: post-function",
        "    config:",
        "      access:",
        *_block(guard()),
        "      body_filter:",
        *_block(usage_snippet()),
    ]
    return "\n".join(lines) + "\n"


def kong_conf(around: Surroundings) -> list[str]:
    """Return the lines of kong.conf, explained by its own comments."""
    door, prefix = around.door, f"pluginserver_{PLUGIN_NAME}"
    wait = int(door.deadline_seconds) + LONGER_THAN_US_SECONDS
    return [
        f"plugins = bundled,{PLUGIN_NAME}",
        f"pluginserver_names = {PLUGIN_NAME}",
        f"{prefix}_socket = {door.socket}",
        f"{prefix}_query_cmd = {around.program} kong --dump",
        "",
        "# Run the server beside Kong: a systemd unit, a container. Kong can start it as well, but",
        "# Kong 3.9 then answers GET / of its Admin API with 500, on which its Ingress Controller",
        "# does not start:",
        f"# {prefix}_start_cmd = {around.program} kong -c {around.settings}",
        "",
        "# How long Kong waits for a plugin server that hangs, and at any other Lua socket without",
        f"# its own timeout; 60s by default. doors.kong.deadline is {door.deadline_seconds:g}s.",
        f"nginx_http_lua_socket_read_timeout = {wait}s",
        "",
        "# A longer body is written to a file that only Kong's own account can read. As large as",
        "# doors.kong.max_body, so that no judged body is.",
        f"nginx_http_client_body_buffer_size = {door.max_body_bytes // 1024}k",
        "# 0, Kong's default, sets no limit. With one Kong itself refuses longer bodies (413), on",
        "# all routes, also those that clients upload files to:",
        f"# nginx_http_client_max_body_size = {door.max_body_bytes // 1024}k",
        "",
        "# Behind a load balancer: its addresses. Never 0.0.0.0/0, with which every client says",
        "# itself where it comes from.",
        "# trusted_ips = 10.0.0.0/8",
    ]


def _service(service: Service) -> Iterator[str]:
    yield f"  - name: {_scalar(service.name)}"
    yield f"    url: {_scalar(service.url)}"
    yield "    connect_timeout: 5000"
    yield "    write_timeout: 60000"
    yield f"    read_timeout: {READ_TIMEOUT_MS} # between two reads: a model may think for minutes"
    yield "    routes:"
    yield f"      - name: {_scalar(service.name)}"
    yield f"        paths: [{', '.join(map(_scalar, service.paths))}]"
    yield "        # decisions are about the path that the client sent, and so are their rules;"
    yield "        # with true the upstream gets another one, without the prefix"
    yield "        strip_path: false"


def _scalar(text: str) -> str:
    """Return text as YAML that is read as text: a plain name may also look like a number."""
    return f'"{text}"'


def _block(lua: str) -> Iterator[str]:
    yield "        - |"
    for line in lua.splitlines():
        yield f"{_INDENT}{line}".rstrip()
