"""The part of `gatepass apisix doctor` about our guard: where it counts, and what opens it."""

from collections.abc import Collection, Iterator, Sequence

from gatepass.plugin.commands.apisix_doctor_picture import Picture
from gatepass.plugin.commands.apisix_doctor_scopes import (
    PLUGIN_CONFIG,
    SERVICE,
    Coverage,
    coverage_of,
    meta_of,
    names_us,
    profile_in,
)
from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.gateways.apisix.names import GUARD, RESPONSES

_AFTER = "ext-plugin-post-req"
_CONFIGURE = f"configure {GUARD}; `gatepass apisix config` prints how"
_CONF = 'set conf to one entry: {name: gatepass, value: \'{"profile": "default"}\'}'


def guard_findings(picture: Picture, profiles: Collection[str] | None = None) -> Iterator[Finding]:
    """Yield what is to be said about the guard; `profiles` are those that exist, if known."""
    if picture.priorities is not None and GUARD not in picture.priorities:
        yield Finding(
            "plugin",
            ok=False,
            found=f"{GUARD} is not enabled: APISIX leaves it out wherever it is configured",
            advice=f"name {GUARD} under `plugins` in config.yaml",
        )
    states = coverage_of(picture)
    judged = [state for state in states if state.judged]
    if picture.routes is None:
        return
    named = {profile_in(conf) for state in judged for conf in state.guards} - {None}
    seen = picture.services is not None or not any(SERVICE in state.hidden for state in states)
    if judged:
        found = f"configured; profiles: {listed(name for name in named if name is not None)}"
        yield Finding("plugin", ok=True, found=found)
    elif seen:
        yield Finding("plugin", ok=False, found="no route is judged", advice=_CONFIGURE)
    if judged or not seen:
        yield from _unjudged(states)
    if profiles is not None:
        yield from _profiles(judged, profiles)
    yield from _configurations(judged)
    yield from _twice(judged)
    yield from _responses(states)


def _unjudged(states: Sequence[Coverage]) -> Iterator[Finding]:
    without = [state for state in states if not state.judged]
    opened = [state.route.title for state in without if state.whole]
    if opened:
        yield note(
            "routes",
            f"not judged by Gatepass: {listed(opened)}",
            f"configure {GUARD} for every route, unless these are meant to be open",
        )
    for kind in (SERVICE, PLUGIN_CONFIG):
        unseen = [state.route.title for state in without if kind in state.hidden]
        if unseen:
            yield note(
                "routes",
                f"their {kind} is not shown: {listed(unseen)}",
                "ask the Admin API, or put the plugins into the service or the route",
            )
    scripted = [state.route.title for state in states if state.route.script is not None]
    if scripted:
        yield note(
            "script",
            f"runs in place of all plugins on {listed(scripted)}",
            "take `script` out of the route",
        )


def _profiles(judged: Sequence[Coverage], profiles: Collection[str]) -> Iterator[Finding]:
    unknown = [
        (state.route.title, name)
        for state in judged
        for name in map(profile_in, state.guards)
        if name is not None and name not in profiles
    ]
    if unknown:
        yield Finding(
            "profile",
            ok=False,
            found=f"the settings have none called {listed(name for _, name in unknown)}: every "
            f"request gets 503, on {listed(title for title, _ in unknown)}",
            advice=f"name one of {listed(profiles)}",
        )


def _configurations(judged: Sequence[Coverage]) -> Iterator[Finding]:
    refused, open_when_away, sometimes = [], [], []
    for state in judged:
        for conf in state.guards:
            if profile_in(conf) is None:
                refused.append(state.route.title)
            if conf.get("allow_degradation") is True:
                open_when_away.append(state.route.title)
            if meta_of(conf).get("filter"):
                sometimes.append(state.route.title)
    if open_when_away:
        yield Finding(
            "allow_degradation",
            ok=False,
            found="true: whenever the runner is away, slow or refuses with an error, requests pass "
            f"with no decision and with any identity header, on {listed(open_when_away)}",
            advice="set allow_degradation: false",
        )
    if sometimes:
        yield Finding(
            "filter",
            ok=False,
            found=f"what `_meta.filter` does not match passes unjudged, on {listed(sometimes)}",
            advice=f"take `_meta.filter` out of {GUARD}, and use public_routes of the profile",
        )
    if refused:
        yield Finding(
            "conf",
            ok=False,
            found=f"every request gets 503, because the runner refuses it, on {listed(refused)}",
            advice=_CONF,
        )


def _twice(judged: Sequence[Coverage]) -> Iterator[Finding]:
    twice = [
        state.route.title
        for state in judged
        if len(state.guards) > 1 or names_us(state.plugins.get(_AFTER, {}))
    ]
    if twice:
        yield Finding(
            "twice",
            ok=False,
            found=f"each request is judged twice, and its cost reserved twice, on {listed(twice)}",
            advice=f"keep one {GUARD}, on the service or in a global rule; no {_AFTER}",
        )


def _responses(states: Sequence[Coverage]) -> Iterator[Finding]:
    forgeable, refused = [], []
    for state in states:
        confs = [rule[RESPONSES] for rule in (state.plugins, *state.in_all) if RESPONSES in rule]
        if any(map(names_us, confs)) and state.whole and not state.judged:
            forgeable.append(state.route.title)
        if any(profile_in(conf) is None for conf in confs):
            refused.append(state.route.title)
    if forgeable:
        yield Finding(
            "post-resp",
            ok=False,
            found="responses are read although nobody judges the requests: a client names any call "
            f"as its own and settles it, on {listed(forgeable)}",
            advice=f"keep {RESPONSES} only where {GUARD} is",
        )
    if refused:
        yield Finding(
            "post-resp",
            ok=False,
            found="every response becomes a 503 with the upstream's body, because the runner "
            f"refuses the conf, on {listed(refused)}",
            advice=_CONF,
        )
