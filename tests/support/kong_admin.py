"""A server that plays Kong's Admin API: our own description of what its documentation says.

Nothing here was recorded from a real Kong. `page_size` cuts lists into pages as `size` and `offset`
do; `answers` holds whole HTTP answers, as bytes, that stand in the place of a path's own.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gatepass.plugin.gateways.kong.lua import guard, usage_snippet
from support.admin_server import hello, serving

PRIORITIES = {
    "pre-function": 1_000_000,
    "correlation-id": 100_001,
    "cors": 2000,
    "jwt": 1450,
    "key-auth": 1250,
    "gatepass": 1005,
    "acl": 950,
    "rate-limiting": 910,
    "request-transformer": 801,
    "post-function": -1000,
}
Entity = dict[str, Any]


def instance(name: str, entity_id: str = "", **members: Any) -> Entity:  # noqa: ANN401 - members of any type
    """Return an instance of a plugin, as the Admin API writes one."""
    empty = {"service": None, "route": None, "consumer": None, "tags": None}
    return {"id": entity_id or name, "name": name, "enabled": True, "config": {}} | empty | members


def ours(**members: Any) -> Entity:  # noqa: ANN401 - the same
    return instance("gatepass", **({"config": {"profile": "default"}} | members))


def guarding(**members: Any) -> Entity:  # noqa: ANN401 - the same
    pieces = {"access": [guard()], "body_filter": [usage_snippet()], "log": []}
    return instance("post-function", **({"config": pieces} | members))


def route(name: str, service: str | None = "llm", **members: Any) -> Entity:  # noqa: ANN401 - the same
    leads_to = None if service is None else {"id": service}
    entity = {"id": f"id-{name}", "name": name, "service": leads_to, "paths": [f"/{name}"]}
    return entity | {"strip_path": False, "protocols": ["http", "https"]} | members


def _configuration() -> Entity:
    server = {
        "name": "gatepass",
        "socket": "/run/gatepass/kong.sock",
        "query_command": "/usr/local/bin/gatepass kong --dump",
        "protocol": "ProtoBuf:1",
    }
    return {
        "pluginservers": [server],
        "trusted_ips": {},
        "untrusted_lua": "sandbox",
        "nginx_http_lua_socket_read_timeout": "5s",
        "nginx_http_client_body_buffer_size": "1024k",
        "nginx_http_client_max_body_size": "1024k",
    }


@dataclass
class KongAdmin:
    """A Kong as `gatepass kong config` makes it, with a limit for bodies; tests change it."""

    version: str = "3.9.3"
    configuration: Entity = field(default_factory=_configuration)
    priorities: dict[str, int] = field(default_factory=lambda: dict(PRIORITIES))
    plugins: list[Entity] = field(default_factory=lambda: [ours(), guarding()])
    services: list[Entity] = field(
        default_factory=lambda: [{"id": "llm", "name": "llm", "read_timeout": 600_000}]
    )
    routes: list[Entity] = field(default_factory=lambda: [route("v1")])
    page_size: int = 1000
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a GET."""
        parts = urlsplit(target)
        if parts.path in self.answers:
            return self.answers[parts.path]
        lists = {"/plugins": self.plugins, "/services": self.services, "/routes": self.routes}
        if parts.path in lists:
            document = self._page(parts.path, lists[parts.path], parse_qs(parts.query))
        elif parts.path == "/":
            document = self._node()
        elif parts.path == "/plugins/enabled":
            document = {"enabled_plugins": sorted(self.priorities)}
        else:
            return self._write({"message": "Not found"}, 404)
        return self._write(document)

    def _write(self, document: Entity, status: int = 200) -> bytes:
        body = json.dumps(document).encode()
        server = f"kong/{self.version}"
        return hello(body, status, content_type="application/json; charset=utf-8", server=server)

    def _node(self) -> Entity:
        available = {
            name: {"version": "0.1.0", "priority": priority}
            for name, priority in self.priorities.items()
        }
        return {
            "tagline": "Welcome to kong",
            "version": self.version,
            "plugins": {"available_on_server": available, "enabled_in_cluster": []},
            "configuration": self.configuration,
        }

    def _page(self, path: str, entities: list[Entity], query: dict[str, list[str]]) -> Entity:
        start = int(query.get("offset", ["0"])[0])
        end = start + min(self.page_size, int(query.get("size", ["100"])[0]))
        page: Entity = {"data": entities[start:end], "next": None}
        if end < len(entities):
            page |= {"next": f"{path}?offset={end}", "offset": str(end)}
        return page


@contextmanager
def kong_admin() -> Iterator[KongAdmin]:
    """Run an Admin API for the length of the block."""
    admin = KongAdmin()
    with serving(admin) as admin.url:
        yield admin
