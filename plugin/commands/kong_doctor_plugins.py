"""The part of `gatepass kong doctor` about our plugin: where it counts, its guard and its usage."""

from collections.abc import Iterator, Sequence

from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.commands.kong_doctor_node import fails_closed
from gatepass.plugin.commands.kong_doctor_picture import Instance, Picture
from gatepass.plugin.commands.kong_doctor_scopes import (
    POST_FUNCTION,
    Coverage,
    coverage_of,
    lua_of,
)
from gatepass.plugin.gateways.kong.lua import guard, usage_snippet
from gatepass.plugin.gateways.kong.marker import (
    DEFAULT_PROFILE,
    PLUGIN_NAME,
    PROFILE_FIELD,
)

_REPLACE = f"put what `gatepass kong config` prints into {POST_FUNCTION}"


def plugin_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about the plugins."""
    if picture.available is not None and PLUGIN_NAME not in picture.available:
        yield Finding(
            "plugin",
            ok=False,
            found=f"Kong has not loaded {PLUGIN_NAME}",
            advice=f"set plugins = bundled,{PLUGIN_NAME} and the pluginserver lines in kong.conf",
        )
    states = coverage_of(picture)
    if picture.instances is None or not states:
        return
    yield from _ours(picture.instances, states)
    judged = [state for state in states if state.ours is not None]
    if judged:
        yield _guard(judged, closed=fails_closed(picture))
        yield from _usage(judged)
    yield from _guard_alone(states)
    yield from _guard_replaced(picture.instances)


def _ours(instances: Sequence[Instance], states: Sequence[Coverage]) -> Iterator[Finding]:
    ours = [instance for instance in instances if instance.name == PLUGIN_NAME]
    if any(instance.for_some for instance in ours):
        yield Finding(
            "plugin",
            ok=False,
            found="an instance is bound to a consumer: it judges nobody else",
            advice="bind it to a service or a route, or to nothing",
        )
    if not all(instance.enabled for instance in ours):
        yield Finding(
            "plugin",
            ok=False,
            found="an instance is switched off",
            advice="set enabled: true, or remove the instance",
        )
    used = {
        str(state.ours.config.get(PROFILE_FIELD, DEFAULT_PROFILE)) for state in states if state.ours
    }
    if not used:
        yield Finding(
            "plugin",
            ok=False,
            found="no route is judged: there is no instance that counts",
            advice=f"configure {PLUGIN_NAME}; `gatepass kong config` prints how",
        )
        return
    yield Finding("plugin", ok=True, found=f"configured; profiles: {listed(used)}")
    open_routes = [state.route.title for state in states if state.ours is None]
    if open_routes:
        yield note(
            "routes",
            f"not judged by Gatepass: {listed(open_routes)}",
            f"configure {PLUGIN_NAME} for every route, unless these are meant to be open",
        )


def _guard(judged: Sequence[Coverage], *, closed: bool) -> Finding:
    missing = [state.route.title for state in judged if not state.guarded]
    if not missing:
        return Finding("guard", ok=True, found="on every route that is judged")
    found = f"missing on {listed(missing)}"
    if any(state.guarded_by_another for state in judged):
        found = f"of another version, or changed, on {listed(missing)}"
    elif closed:
        found += "; this Kong refuses by itself while the plugin server is away"
        return note("guard", found, _REPLACE)
    else:
        found += ": requests may pass while the plugin server is away"
    return Finding("guard", ok=False, found=found, advice=_REPLACE)


def _guard_alone(states: Sequence[Coverage]) -> Iterator[Finding]:
    alone = [state.route.title for state in states if state.ours is None and state.guarded]
    if alone:
        yield Finding(
            "guard",
            ok=False,
            found=f"every request gets 503, because Gatepass judges none, on {listed(alone)}",
            advice=f"configure {PLUGIN_NAME} wherever the guard is",
        )


def _guard_replaced(instances: Sequence[Instance]) -> Iterator[Finding]:
    ours = guard().strip()
    if any(
        ours not in map(str.strip, lua_of(instance, "access"))
        for instance in instances
        if instance.name == POST_FUNCTION and instance.enabled and instance.for_some
    ):
        yield note(
            "guard",
            f"an instance of {POST_FUNCTION} is bound to consumers: for them it takes the place of "
            "the guard",
            "put the guard and the usage snippet into it as well",
        )


def _usage(judged: Sequence[Coverage]) -> Iterator[Finding]:
    ours = usage_snippet().strip()
    without = [
        state.route.title
        for state in judged
        if ours not in map(str.strip, lua_of(state.post_function, "body_filter"))
    ]
    if without:
        yield note(
            "usage",
            f"calls are charged by their estimate, where neither Kong's AI plugins nor a header "
            f"of the upstream say more, on {listed(without)}",
            _REPLACE,
        )
