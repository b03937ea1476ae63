"""What a running Kong says of itself: its node, and the entities that it serves.

The members are those of Kong's Admin API as documented. What could not be asked is None or empty
and has a finding that says so; nothing is guessed for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.gateway_api import Unanswered
from gatepass.plugin.commands.kong_doctor_admin import AdminApi

_UNAUTHORIZED = frozenset({401, 403})
_FAULT = 500


class Reference(msgspec.Struct, frozen=True):
    """The id of another entity."""

    id: str


class Instance(msgspec.Struct, frozen=True):
    """One configuration of a plugin, for everything or for what it refers to."""

    id: str
    name: str
    config: dict[str, object] = {}
    enabled: bool = True
    service: Reference | None = None
    route: Reference | None = None
    consumer: Reference | None = None
    consumer_group: Reference | None = None
    ordering: dict[str, object] | None = None

    @property
    def for_some(self) -> bool:
        """Answer whether it counts for certain consumers only."""
        return self.consumer is not None or self.consumer_group is not None


class Service(msgspec.Struct, frozen=True):
    """An upstream; times are in milliseconds."""

    id: str
    name: str | None = None
    read_timeout: int = 60_000


class Route(msgspec.Struct, frozen=True):
    """A way to a service."""

    id: str
    name: str | None = None
    service: Reference | None = None
    strip_path: bool = True
    paths: object = None

    @property
    def title(self) -> str:
        """Return what a person calls it."""
        return self.name or self.id


class _Available(msgspec.Struct):
    available_on_server: dict[str, object] = {}


class _Node(msgspec.Struct):
    version: str = ""
    plugins: _Available = msgspec.field(default_factory=_Available)
    configuration: dict[str, object] = {}


class _Enabled(msgspec.Struct):
    enabled_plugins: list[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A Kong as its Admin API shows it.

    `version` is () when unknown. `configuration` is None when Kong does not tell it. `priorities`
    are of the plugins that the node says them of, `available` all that it has loaded.
    """

    version: tuple[int, ...] = ()
    configuration: Mapping[str, object] | None = None
    priorities: Mapping[str, int] = field(default_factory=dict)
    available: frozenset[str] | None = None
    instances: tuple[Instance, ...] | None = None
    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] | None = None
    findings: tuple[Finding, ...] = ()
    answered: bool = True
    """False: there is no Kong to speak of."""


_START_CMD = Finding(
    "Admin API",
    ok=False,
    found="GET / answers 500: Kong 3.9 does so while it starts a plugin server itself (`Cannot "
    "serialise cdata` in its error log); kong.conf stays unseen",
    advice="take pluginserver_gatepass_start_cmd out of kong.conf and run `gatepass kong` beside "
    "Kong",
)


async def take_picture(admin: AdminApi) -> Picture:
    """Ask for everything, and say of each question that had no answer what that means."""
    findings: list[Finding] = []
    try:
        node = await admin.get("/", _Node)
    except Unanswered as error:
        if error.status != _FAULT:
            return Picture(findings=(_unanswered("/", error),), answered=False)
        node = None
        findings.append(_START_CMD)
    version = node.version if node is not None else admin.server.partition("/")[2]
    plugins = {} if node is None else node.plugins.available_on_server
    available = frozenset(plugins) or await _enabled(admin, findings)
    return Picture(
        version=_version(version),
        configuration=None if node is None else node.configuration,
        priorities={
            name: facts["priority"]
            for name, facts in plugins.items()
            if isinstance(facts, dict) and type(facts.get("priority")) is int
        },
        available=available,
        instances=await _every(admin, "/plugins", Instance, findings),
        services=await _every(admin, "/services", Service, findings) or (),
        routes=await _every(admin, "/routes", Route, findings),
        findings=tuple(findings),
    )


async def _enabled(admin: AdminApi, findings: list[Finding]) -> frozenset[str] | None:
    try:
        return frozenset((await admin.get("/plugins/enabled", _Enabled)).enabled_plugins)
    except Unanswered as error:
        findings.append(_unanswered("/plugins/enabled", error))
        return None


Entity = TypeVar("Entity")


async def _every(
    admin: AdminApi, path: str, kind: type[Entity], findings: list[Finding]
) -> tuple[Entity, ...] | None:
    try:
        return await admin.every(path, kind)
    except Unanswered as error:
        findings.append(_unanswered(path, error))
        return None


def _unanswered(path: str, error: Unanswered) -> Finding:
    advice = "check the address, and that this host reaches it"
    if error.status in _UNAUTHORIZED:
        advice = "give a credential that may read: --header 'Kong-Admin-Token: ...'"
    elif error.status:
        advice = "check that the address is that of Kong's Admin API"
    return Finding("Admin API", ok=False, found=f"GET {path}: {error}", advice=advice)


def _version(text: str) -> tuple[int, ...]:
    """Return the first three numbers of a version: 3.9.3, 3.10.0.1-enterprise-edition."""
    numbers = text.partition("-")[0].split(".")[:3]
    if not all(number.isascii() and number.isdigit() and len(number) < 6 for number in numbers):  # noqa: PLR2004 - no version is that long
        return ()
    return tuple(map(int, numbers))
