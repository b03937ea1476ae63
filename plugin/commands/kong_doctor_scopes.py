"""Which instance of a plugin counts on a route: Kong runs the most specific one, and only that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatepass.plugin.commands.kong_doctor_picture import Instance, Picture, Route
from gatepass.plugin.gateways.kong.lua import GUARD_TITLE, guard
from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME

POST_FUNCTION = "post-function"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Our plugin and the guard on one route; None and False where they are not."""

    route: Route
    ours: Instance | None
    post_function: Instance | None

    @property
    def guarded(self) -> bool:
        """Answer whether the guard of this version runs."""
        return guard().strip() in map(str.strip, lua_of(self.post_function, "access"))

    @property
    def guarded_by_another(self) -> bool:
        """Answer whether a guard runs, but of another version, or changed."""
        texts = lua_of(self.post_function, "access")
        return not self.guarded and any(GUARD_TITLE in text for text in texts)


def coverage_of(picture: Picture) -> list[Coverage]:
    """Return the state of every route; of one that may come, if there is none; [] if unknown."""
    if picture.instances is None or picture.routes is None:
        return []
    instances = picture.instances
    routes = picture.routes or (Route(id="", name="every route"),)
    return [
        Coverage(
            route,
            instance_on(route, PLUGIN_NAME, instances),
            instance_on(route, POST_FUNCTION, instances),
        )
        for route in routes
    ]


def instance_on(route: Route, name: str, instances: Iterable[Instance]) -> Instance | None:
    """Return the instance of a plugin that Kong runs on a route for every consumer, or None."""
    service = None if route.service is None else route.service.id
    fitting = [
        instance
        for instance in instances
        if instance.name == name
        and instance.enabled
        and not instance.for_some
        and (instance.route is None or instance.route.id == route.id)
        and (instance.service is None or instance.service.id == service)
    ]
    return max(fitting, key=_specificity, default=None)


def _specificity(instance: Instance) -> tuple[bool, bool]:
    return (instance.route is not None, instance.service is not None)


def lua_of(instance: Instance | None, phase: str) -> Sequence[str]:
    """Return the pieces of Lua that an instance of post-function runs in a phase."""
    pieces = None if instance is None else instance.config.get(phase)
    return [piece for piece in pieces if isinstance(piece, str)] if isinstance(pieces, list) else []
