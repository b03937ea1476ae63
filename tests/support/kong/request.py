"""What a client sent, and how Kong is set up: all that a PDK method may be asked about."""

import ipaddress
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.kong.octets import octets_text
from support.kong.paths import escaped, kong_path, raw_path, split_target

WORKSPACE = "0dc6f45b-8f8d-40d2-a504-473544ee190b"
NODE = "8cbcc0f9-f528-49eb-91a8-4349a23453e6"
VERSION = "kong/3.9.3"
HeaderLine = tuple[str | bytes, str | bytes]


def identifier(name: str) -> str:
    """Return the UUID that an entity of this name has in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def as_text(text: str | bytes) -> str:
    """Return what Lua sees; bytes that are not UTF-8 become surrogate escapes."""
    return text if isinstance(text, str) else octets_text(text)


@dataclass(frozen=True)
class ClientRequest:
    """A request that nginx accepted; `peer` is the address of the TCP connection."""

    method: str = "GET"
    target: str | bytes = "/"
    headers: tuple[HeaderLine, ...] = (("Host", "api.example.test"),)
    body: bytes = b""
    peer: str = "127.0.0.1"
    http_version: float = 1.1

    @property
    def octets(self) -> bytes:
        """The target as sent; text is taken for Latin-1."""
        target = self.target
        return target.encode("latin-1") if isinstance(target, str) else target

    @property
    def origin_form(self) -> bytes:
        return split_target(self.octets)[1]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """The header lines as Lua sees them; nginx drops names that it does not like."""
        return [(as_text(name), as_text(value)) for name, value in self.headers]

    @property
    def is_chunked(self) -> bool:
        return any(name.lower() == "transfer-encoding" for name, _ in self.lines)

    @property
    def host(self) -> str:
        """The host in small letters and without its port; that of an absolute target wins."""
        absolute = split_target(self.octets)[0]
        sent = [value for name, value in self.lines if name.lower() == "host"]
        host = octets_text(absolute) if absolute is not None else "".join(sent[:1])
        return host.rpartition("@")[2].partition(":")[0].lower()


@dataclass(frozen=True)
class Service:
    """Where Kong proxies to; `facts` is what get_service tells beside it."""

    id: str = identifier("service")
    path: str = ""
    facts: Mapping[str, object] = field(
        default_factory=lambda: {"name": "upstream", "protocol": "http", "retries": 5}
    )


@dataclass(frozen=True)
class Route:
    """Which requests Kong takes, and what it cuts from their path."""

    id: str = identifier("route")
    paths: tuple[str, ...] = ("/",)
    strip_path: bool = False
    service: Service = Service()
    facts: Mapping[str, object] = field(
        default_factory=lambda: {"name": "all", "protocols": ["http", "https"]}
    )

    def upstream_path(self, request: ClientRequest) -> bytes:
        """Return the path that is sent upstream."""
        path = kong_path(request.origin_form)
        if self.strip_path:
            prefixes = sorted((each.encode() for each in self.paths), key=len, reverse=True)
            prefix = next((each for each in prefixes if path.startswith(each)), b"")
            path = b"/" + path[len(prefix) :].lstrip(b"/")
        return escaped(self.service.path.encode().rstrip(b"/") + path)

    def as_told(self) -> dict[str, object]:
        """Return what get_route gives."""
        return {
            **self.facts,
            "id": self.id,
            "paths": list(self.paths),
            "strip_path": self.strip_path,
            "service": {"id": self.service.id},
        }


@dataclass(frozen=True)
class PluginEntity:
    """One plugin with its configuration, attached to a service, a route or nothing."""

    name: str = "gatepass"
    config: Mapping[str, object] = field(default_factory=lambda: {"profile": "default"})
    id: str = identifier("plugin")
    route_id: str = ""
    service_id: str = identifier("service")
    workspace: str = WORKSPACE

    def config_json(self, sequence: int) -> bytes:
        """Return the configuration as StartInstance carries it; fields without value are absent."""
        members = {key: value for key, value in self.config.items() if value is not None}
        members |= {"__plugin_id": self.id, "__seq__": sequence, "__ws_id": self.workspace}
        members["__key__"] = (
            f"plugins:{self.name}:{self.route_id}:{self.service_id}:::{self.workspace}"
        )
        attached = {"service_id": self.service_id, "route_id": self.route_id}
        members |= {key: value for key, value in attached.items() if value}
        return lua_json(members)


def lua_json(value: object) -> bytes:
    """Return JSON as Kong writes it: no spaces, every slash escaped, bytes as they are."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("/", "\\/").encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class KongSettings:
    """What kong.conf says; sizes in bytes."""

    trusted_ips: tuple[str, ...] = ()
    client_body_buffer_size: int = 8192
    body_folder: Path | None = None
    route: Route = Route()
    node_id: str = NODE
    port: int = 8000

    def trusts(self, address: str) -> bool:
        """Tell whether an address may say whom it forwards for."""
        peer = ipaddress.ip_address(address)
        return any(peer in ipaddress.ip_network(each, strict=False) for each in self.trusted_ips)

    def forwarded_path(self, request: ClientRequest) -> str:
        return octets_text(raw_path(request.origin_form))
