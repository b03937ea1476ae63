"""The part of `gatepass apisix doctor` about other plugins, where they meet the guard.

APISIX runs the rewrite phase of all plugins, higher priorities first, then their access phase; a
configuration may move its plugin. Only some matter, and whether they are meant is for a person to
say.
"""

from collections.abc import Iterator, Sequence

from gatepass.plugin.commands.apisix_doctor_picture import Picture, Plugins
from gatepass.plugin.commands.apisix_doctor_scopes import (
    Coverage,
    coverage_of,
    meta_of,
    texts_of,
)
from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.gateways.apisix.lua import mark_snippet
from gatepass.plugin.gateways.apisix.names import GUARD, MARK_PLUGIN, PRIORITY

_BEFORE = {
    "serverless-pre-function": "runs Lua before the decision",
    "cors": "answers preflight requests itself, without a decision",
}
_PATH = "can change the path, the headers or the method after the decision"
_BODY = "can change the body, and with it the model, after the decision"
_CREDENTIAL = "asks for a credential of its own after Gatepass has taken the token away"
_AFTER = {
    "cors": "comes after the decision: preflight requests have no token and are refused",
    "proxy-rewrite": _PATH,
    "degraphql": _PATH,
    "traffic-split": "can choose another upstream after the decision",
    "forward-auth": "can set the identity headers after the decision",
    "body-transformer": _BODY,
    "ai-prompt-template": _BODY,
    "ai-request-rewrite": _BODY,
    "serverless-pre-function": "runs Lua after the decision",
    **dict.fromkeys(("jwt-auth", "openid-connect", "authz-keycloak", "cas-auth"), _CREDENTIAL),
}
_NO_MATTER = frozenset(
    {
        *("real-ip", "ai", "client-control", "proxy-buffering", "proxy-control", "request-id"),
        *("zipkin", "skywalking", "opentelemetry", "exit-transformer"),
    }
)
_ADVICE = {"cors": "set `_meta: {priority: 13000}` on cors", "": "see that this is meant"}


def order_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about the other plugins of routes that are judged."""
    states = [state for state in coverage_of(picture) if state.judged]
    yield from _marks_too_early(picture, states)
    yield from _neighbors(picture, states)
    yield from _lua_of_any_phase(states)
    yield from _models(states)


def _priority(picture: Picture, name: str, conf: Plugins) -> int:
    moved = meta_of(conf).get("priority")
    if type(moved) is int:
        return moved
    return (picture.priorities or {}).get(name, PRIORITY if name == GUARD else 0)


def _is_mark(name: str, conf: Plugins) -> bool:
    ours = mark_snippet().strip()
    return name == MARK_PLUGIN and [text.strip() for text in texts_of(conf)] == [ours]


def _marks_too_early(picture: Picture, states: Sequence[Coverage]) -> Iterator[Finding]:
    early = [
        state.route.title
        for state in states
        if MARK_PLUGIN in state.plugins
        and GUARD in state.plugins
        and _is_mark(MARK_PLUGIN, state.plugins[MARK_PLUGIN])
        and _priority(picture, MARK_PLUGIN, state.plugins[MARK_PLUGIN])
        >= _priority(picture, GUARD, state.plugins[GUARD])
    ]
    if early:
        yield Finding(
            "order",
            ok=False,
            found="the mark runs before the decision: refused requests can settle others, on "
            f"{listed(early)}",
            advice=f"take `_meta.priority` out of {GUARD} and {MARK_PLUGIN}",
        )


def _neighbors(picture: Picture, states: Sequence[Coverage]) -> Iterator[Finding]:
    found: dict[tuple[str, str], set[str]] = {}
    for state in states:
        ours = _priority(picture, GUARD, state.plugins.get(GUARD, {}))
        for name, conf in state.plugins.items():
            if name in _NO_MATTER or name == GUARD or _is_mark(name, conf):
                continue
            earlier = _priority(picture, name, conf) > ours
            known = _BEFORE.get(name, "runs before the decision") if earlier else _AFTER.get(name)
            if known is not None:
                found.setdefault((name, known), set()).add(state.route.title)
    for (name, known), routes in sorted(found.items()):
        later_cors = name == "cors" and known == _AFTER["cors"]
        advice = _ADVICE["cors" if later_cors else ""]
        yield note(f"order: {listed([name])}", f"{known}, on {listed(routes)}", advice)


def _lua_of_any_phase(states: Sequence[Coverage]) -> Iterator[Finding]:
    with_lua = {
        name
        for state in states
        for name, conf in state.plugins.items()
        if meta_of(conf).get("pre_function")
    }
    if with_lua:
        yield note(
            "pre_function",
            f"Lua runs before every phase of {listed(with_lua)}, also before the decision",
            "see that this is meant",
        )


def _models(states: Sequence[Coverage]) -> Iterator[Finding]:
    pinned = {
        state.route.title
        for state in states
        for name in ("ai-proxy", "ai-proxy-multi")
        if _pins_a_model(state.plugins.get(name, {}))
    }
    if pinned:
        yield note(
            "model",
            f"ai-proxy calls another model than the one that was judged, on {listed(pinned)}",
            "take `options.model` out, or price the models of the requests like the one called",
        )


def _pins_a_model(conf: Plugins) -> bool:
    instances = conf.get("instances")
    confs = [conf, *instances] if isinstance(instances, list) else [conf]
    options = [one.get("options") for one in confs if isinstance(one, dict)]
    return any(isinstance(one, dict) and "model" in one for one in options)
