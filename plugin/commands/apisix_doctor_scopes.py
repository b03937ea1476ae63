"""Which plugins APISIX runs on a route, and with which configuration.

A route's own configuration of a plugin takes the place of its plugin config's, and that of its
service's; global rules run beside them, before. A route with a `script` runs none of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatepass.plugin.commands.apisix_doctor_picture import Entity, Picture, Plugins
from gatepass.plugin.gateways.apisix.names import GUARD, PLUGIN_NAME
from gatepass.plugin.gateways.apisix.tokens import profile_of

SERVICE = "service"
PLUGIN_CONFIG = "plugin config"

_ON = 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """What runs on one route; `hidden` names what of it could not be seen."""

    route: Entity
    plugins: Mapping[str, Plugins]
    in_all: Sequence[Mapping[str, Plugins]]
    hidden: Sequence[str] = ()

    @property
    def whole(self) -> bool:
        """Answer whether everything that runs was seen."""
        return not self.hidden

    @property
    def guards(self) -> list[Plugins]:
        """Return the configurations by which our runner is asked, of every kind of rule."""
        rules = [self.plugins, *self.in_all]
        return [rule[GUARD] for rule in rules if GUARD in rule and names_us(rule[GUARD])]

    @property
    def judged(self) -> bool:
        """Answer whether our runner is asked at all."""
        return bool(self.guards)


def coverage_of(picture: Picture) -> list[Coverage]:
    """Return the state of every route that is switched on; [] if the routes are unknown."""
    in_all = [running(rule.own_plugins) for rule in picture.global_rules or ()]
    states = []
    for route in picture.routes or ():
        if route.status != _ON:
            continue
        service = (picture.services or {}).get(str(route.service_id))
        config = (picture.plugin_configs or {}).get(str(route.plugin_config_id))
        merged: Plugins = {}
        for entity in (service, config, route):
            merged |= {} if entity is None else entity.own_plugins
        hidden = [
            kind
            for kind, named, entity in (
                (SERVICE, route.service_id, service),
                (PLUGIN_CONFIG, route.plugin_config_id, config),
            )
            if named is not None and entity is None
        ]
        plugins = running(merged) if route.script is None else {}
        states.append(Coverage(route, plugins, in_all, hidden))
    return states


def running(plugins: Plugins) -> Mapping[str, Plugins]:
    """Return the configurations that are not switched off."""
    return {
        name: conf
        for name, conf in plugins.items()
        if isinstance(conf, dict) and not meta_of(conf).get("disable")
    }


def meta_of(conf: Plugins) -> Plugins:
    """Return what is said of a plugin rather than to it."""
    meta = conf.get("_meta")
    return meta if isinstance(meta, dict) else {}


def names_us(conf: Plugins) -> bool:
    """Answer whether an ext-plugin asks our runner."""
    return any(name == PLUGIN_NAME for name, _ in _entries(conf))


def profile_in(conf: Plugins) -> str | None:
    """Return the profile that our runner reads in the configuration of an ext-plugin."""
    return profile_of(
        [
            (str(name).encode(), value.encode() if isinstance(value, str) else None)
            for name, value in _entries(conf)
        ]
    )


def texts_of(conf: Plugins | None) -> list[str]:
    """Return the pieces of Lua of a serverless plugin."""
    pieces = [] if conf is None else conf.get("functions")
    return [piece for piece in pieces if isinstance(piece, str)] if isinstance(pieces, list) else []


def _entries(conf: Plugins) -> list[tuple[Any, Any]]:
    entries = conf.get("conf")
    if not isinstance(entries, list):
        return []
    return [(entry.get("name"), entry.get("value")) for entry in entries if isinstance(entry, dict)]
