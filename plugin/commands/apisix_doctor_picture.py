"""What a running APISIX says of itself, by its control API or its Admin API as documented.

The control API shows routes, services and the enabled plugins, and needs no credential; the Admin
API shows global rules and plugin configs as well, and the version. What could not be asked is None
or empty and has a finding that says so; nothing is guessed for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.commands.gateway_api import GatewayApi, Unanswered

_UNAUTHORIZED = frozenset({401, 403})
_ADMIN = "/apisix/admin"
_NOT_FOUND = 404

Id = str | int
Plugins = dict[str, Any]


class Entity(msgspec.Struct, frozen=True):
    """A route, a service, a plugin config or a global rule, as far as plugins go."""

    id: Id = ""
    name: str = ""
    plugins: Plugins | list[Any] = {}
    service_id: Id | None = None
    plugin_config_id: Id | None = None
    script: Any = None
    status: int = 1
    enable_websocket: bool | None = None

    @property
    def title(self) -> str:
        """Return what a person calls it."""
        return self.name or str(self.id)

    @property
    def own_plugins(self) -> Plugins:
        """Return its plugins; APISIX's JSON may write none of them as an empty list."""
        return self.plugins if isinstance(self.plugins, dict) else {}


class ApisixApi(GatewayApi):
    """One conversation with APISIX."""

    name = "APISIX's API"


class _Item(msgspec.Struct):
    value: Entity


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An empty list, as APISIX's JSON may write it."""


_Items = list[_Item] | _Nothing


class _Listed(msgspec.Struct):
    list: _Items


class _Schema(msgspec.Struct):
    plugins: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Picture:
    """An APISIX as one of its APIs shows it.

    `version` is () when unknown. `priorities` are those of the enabled plugins. All of them, and
    the lists, are None when they were not shown.
    """

    version: tuple[int, ...] = ()
    priorities: Mapping[str, int] | None = None
    routes: tuple[Entity, ...] | None = None
    services: Mapping[str, Entity] | None = None
    plugin_configs: Mapping[str, Entity] | None = None
    global_rules: tuple[Entity, ...] | None = None
    findings: tuple[Finding, ...] = ()
    answered: bool = True
    """False: there is no APISIX to speak of."""


async def take_picture(api: ApisixApi) -> Picture:
    """Ask for everything, and say of each question that had no answer what that means."""
    try:
        schema = await api.get("/v1/schema", _Schema)
    except Unanswered as error:
        if error.status not in _UNAUTHORIZED | {_NOT_FOUND}:
            return _nobody("/v1/schema", error)
        return await _ask_admin(api)
    return await _ask_control(api, schema.plugins)


async def _ask_control(api: ApisixApi, plugins: Mapping[str, Mapping[str, Any]]) -> Picture:
    version = _version(api.server)
    findings = [
        note(
            "global rules",
            "not shown by the control API, nor are plugin configs",
            "see that none of them matters, or ask the Admin API",
        )
    ]
    return Picture(
        version=version,
        priorities=_priorities(plugins),
        routes=await _bare(api, "/v1/routes", findings),
        services=_by_id(await _bare(api, "/v1/services", findings)),
        findings=tuple(findings),
    )


async def _ask_admin(api: ApisixApi) -> Picture:
    findings: list[Finding] = []
    path = f"{_ADMIN}/routes"
    try:
        routes = _entities_of((await api.get(path, _Listed)).list)
    except Unanswered as error:
        return _nobody(path, error)
    version = _version(api.server)
    plugins: Mapping[str, Mapping[str, Any]] | None = None
    path = f"{_ADMIN}/plugins"
    try:
        query = {"all": "true", "subsystem": "http"}
        plugins = await api.get(path, dict[str, dict[str, Any]], **query)
    except Unanswered as error:
        findings.append(_unanswered(path, error))
    return Picture(
        version=version,
        priorities=None if plugins is None else _priorities(plugins),
        routes=routes,
        services=_by_id(await _listed(api, f"{_ADMIN}/services", findings)),
        plugin_configs=_by_id(await _listed(api, f"{_ADMIN}/plugin_configs", findings)),
        global_rules=await _listed(api, f"{_ADMIN}/global_rules", findings),
        findings=tuple(findings),
    )


async def _bare(api: ApisixApi, path: str, findings: list[Finding]) -> tuple[Entity, ...] | None:
    try:
        return _entities_of(await api.get(path, cast("type[_Items]", _Items)))
    except Unanswered as error:
        findings.append(_unanswered(path, error))
        return None


async def _listed(api: ApisixApi, path: str, findings: list[Finding]) -> tuple[Entity, ...] | None:
    try:
        return _entities_of((await api.get(path, _Listed)).list)
    except Unanswered as error:
        findings.append(_unanswered(path, error))
        return None


def _entities_of(items: _Items) -> tuple[Entity, ...]:
    return tuple(item.value for item in items) if isinstance(items, list) else ()


def _by_id(entities: tuple[Entity, ...] | None) -> Mapping[str, Entity] | None:
    return None if entities is None else {str(entity.id): entity for entity in entities}


def _priorities(plugins: Mapping[str, Mapping[str, Any]]) -> Mapping[str, int]:
    found = {name: facts.get("priority") for name, facts in plugins.items()}
    return {name: value if type(value) is int else 0 for name, value in found.items()}


def _nobody(path: str, error: Unanswered) -> Picture:
    return Picture(findings=(_unanswered(path, error),), answered=False)


def _unanswered(path: str, error: Unanswered) -> Finding:
    advice = "check the address, and that this host reaches it"
    if error.status in _UNAUTHORIZED:
        advice = "give a credential that may read: --header 'X-API-KEY: ...'"
    elif error.status:
        advice = "give the address of APISIX's control API (port 9090) or Admin API (port 9180)"
    return Finding("API", ok=False, found=f"GET {path}: {error}", advice=advice)


def _version(server: str) -> tuple[int, ...]:
    """Return the numbers of `APISIX/3.16.0`."""
    name, _, text = server.partition("/")
    numbers = text.partition("-")[0].split(".")
    if name != "APISIX" or not all(number.isdecimal() and len(number) < 6 for number in numbers):  # noqa: PLR2004 - no version is that long
        return ()
    return tuple(map(int, numbers))
