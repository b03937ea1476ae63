"""A server that plays APISIX's control API and Admin API, as their documentation has them.

Nothing here was recorded from a real APISIX. One of the two is played at a time; `answers` holds
whole HTTP answers, as bytes, that stand in the place of a path's own.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from gatepass.plugin.gateways.apisix.declarative import Form, Surroundings, Way, declare
from gatepass.plugin.gateways.apisix.forward_auth import DecidingHeaders
from gatepass.plugin.gateways.upstreams import Service
from support.admin_server import hello, serving

PRIORITIES = {
    "real-ip": 23000,
    "request-id": 12015,
    "zipkin": 12011,
    "ext-plugin-pre-req": 12000,
    "serverless-pre-function": 10000,
    "cors": 4000,
    "jwt-auth": 2510,
    "forward-auth": 2002,
    "ai-proxy": 1040,
    "proxy-rewrite": 1008,
    "limit-count": 1002,
    "prometheus": 500,
    "http-logger": 410,
    "serverless-post-function": -2000,
    "ext-plugin-post-req": -3000,
    "ext-plugin-post-resp": -4000,
}
Entity = dict[str, Any]
HEADERS = DecidingHeaders(
    asked=["authorization"],
    identity=["x-gatepass-user", "x-gatepass-role"],
    spent=["authorization"],
)
AROUND = Surroundings("default", "http://127.0.0.1:8700", reports=True, headers=HEADERS)


def configured(way: Way = Way.RUNNER) -> Entity:
    """Return what `gatepass apisix config` writes for one service, as APISIX reads it."""
    text = declare([Service("llm", "http://llm:4000", ("/v1",))], way, Form.STANDALONE, AROUND)
    document: Entity = yaml.safe_load(text)
    return document


def item(kind: str, entity: Entity) -> Entity:
    """Return an entity as both APIs wrap it."""
    return {
        "key": f"/apisix/{kind}/{entity['id']}",
        "value": entity,
        "createdIndex": 7,
        "modifiedIndex": 7,
        "clean_handlers": {},
    }


@dataclass
class ApisixAdmin:
    """An APISIX as `gatepass apisix config` makes it, until a test changes something."""

    control: bool = True
    version: str = "3.17.0"
    server: str = "APISIX/{version}"
    key: str = ""
    priorities: dict[str, int] = field(default_factory=lambda: dict(PRIORITIES))
    services: list[Entity] = field(default_factory=lambda: configured()["services"])
    routes: list[Entity] = field(default_factory=lambda: configured()["routes"])
    plugin_configs: list[Entity] = field(default_factory=list)
    global_rules: list[Entity] = field(default_factory=list)
    empty: Any = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def plugins(self) -> Entity:
        """Return the plugins of the only service."""
        (service,) = self.services
        plugins: Entity = service["plugins"]
        return plugins

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a GET."""
        path = urlsplit(target).path
        if path in self.answers:
            return self.answers[path]
        answer = self._of_control(path) if self.control else self._of_admin(path)
        if answer is None:
            return self._write({"error_msg": "not found"}, 404)
        if not self.control and self.headers[-1].get("x-api-key", "") != self.key:
            return self._write({"description": "wrong apikey"}, 401)
        return self._write(answer)

    def _of_control(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        plugins = {name: self._plugin(name) for name in self.priorities}
        return {
            "/v1/schema": {"main": {}, "plugins": plugins, "stream_plugins": {}},
            "/v1/routes": self._items("routes", self.routes),
            "/v1/services": self._items("services", self.services),
        }.get(path)

    def _of_admin(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        lists = {
            "routes": self.routes,
            "services": self.services,
            "plugin_configs": self.plugin_configs,
            "global_rules": self.global_rules,
        }
        kind = path.removeprefix("/apisix/admin/")
        if kind == "plugins":
            return {name: self._plugin(name) for name in self.priorities}
        if kind not in lists:
            return None
        return {"total": len(lists[kind]), "list": self._items(kind, lists[kind])}

    def _items(self, kind: str, entities: list[Entity]) -> Any:  # noqa: ANN401 - the same
        return [item(kind, entity) for entity in entities] or self.empty

    def _plugin(self, name: str) -> Entity:
        return {"version": 0.1, "priority": self.priorities[name], "schema": {"type": "object"}}

    def _write(self, document: object, status: int = 200) -> bytes:
        body = json.dumps(document).encode()
        server = self.server.format(version=self.version)
        return hello(body, status, content_type="application/json", server=server)


@contextmanager
def apisix_admin() -> Iterator[ApisixAdmin]:
    """Run an API for the length of the block."""
    admin = ApisixAdmin()
    with serving(admin) as admin.url:
        yield admin
