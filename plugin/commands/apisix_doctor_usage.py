"""The part of `gatepass apisix doctor` about usage: what is told, to whom, and by whom."""

import re
from collections.abc import Callable, Iterator, Sequence

from gatepass.plugin.commands.apisix_doctor_picture import Picture, Plugins
from gatepass.plugin.commands.apisix_doctor_scopes import (
    Coverage,
    coverage_of,
    names_us,
    texts_of,
)
from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.gateways.apisix.lua import mark_snippet, usage_snippet
from gatepass.plugin.gateways.apisix.names import (
    LOGGER,
    MARK_PLUGIN,
    RESPONSES,
    USAGE_PATH,
    USAGE_PLUGIN,
)
from gatepass.plugin.gateways.usage_reports import MAX_RECORDS

REFERENCES_SINCE = (3, 17)
"""The first version that looks `$ENV://` up in the configuration of every plugin."""

_TOKEN = re.compile(r"Bearer [!-~]+")
_REFERENCE = re.compile(r"\$\{\{[^{}]+\}\}")
"""What apisix.yaml is written with; APISIX shows what it stands for."""

_DEFAULT_BATCH = 1000
_REPLACE = "put what `gatepass apisix config` prints into the service"
_AI_PROXIES = frozenset({"ai-proxy", "ai-proxy-multi"})


def usage_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about usage."""
    states = coverage_of(picture)
    judged = [state for state in states if state.judged]
    telling = [state for state in judged if _logger(state) is not None]
    silent = [state.route.title for state in judged if state.whole and not _tells(state)]
    if silent:
        yield note("usage", f"calls are charged by their estimate, on {listed(silent)}", _REPLACE)
    yield from _unjudged([state for state in states if not state.judged])
    yield from _loggers(picture, telling)


def _logger(state: Coverage) -> Plugins | None:
    """Return the http-logger that tells us, or None."""
    conf = state.plugins.get(LOGGER)
    uri = None if conf is None else conf.get("uri")
    return conf if isinstance(uri, str) and uri.endswith(USAGE_PATH) else None


def _tells(state: Coverage) -> bool:
    """Answer whether the usage of a call is known to whatever logs it, or to our runner."""
    if names_us(state.plugins.get(RESPONSES, {})):
        return True
    if _logger(state) is None:
        return False
    pieces = [(MARK_PLUGIN, "rewrite", mark_snippet())]
    if _AI_PROXIES.isdisjoint(state.plugins):
        pieces.append((USAGE_PLUGIN, "body_filter", usage_snippet()))
    return all(
        state.plugins.get(name, {}).get("phase") == phase
        and lua.strip() in map(str.strip, texts_of(state.plugins.get(name)))
        for name, phase, lua in pieces
    )


def _unjudged(states: Sequence[Coverage]) -> Iterator[Finding]:
    forgeable = [state.route.title for state in states if state.whole and _logger(state)]
    if forgeable:
        yield Finding(
            "usage",
            ok=False,
            found="reported although nobody judges: a client names any call as its own and settles "
            f"it, on {listed(forgeable)}",
            advice=f"keep {LOGGER} to {USAGE_PATH} only where the guard is",
        )


def _loggers(picture: Picture, states: Sequence[Coverage]) -> Iterator[Finding]:
    loggers = [(state.route.title, conf) for state in states if (conf := _logger(state))]

    def where(matches: Callable[[Plugins], object]) -> str:
        return listed(title for title, conf in loggers if matches(conf))

    if routes := where(lambda conf: not conf.get("max_retry_count")):
        found = f"what it tells is lost when Gatepass is away for a moment, on {routes}"
        yield note(LOGGER, found, "set max_retry_count: 60")
    if routes := where(lambda conf: conf.get("include_req_body") or conf.get("include_resp_body")):
        found = f"sends what people and models wrote, which is not needed, on {routes}"
        yield note(LOGGER, found, "take include_req_body and include_resp_body out")
    if routes := where(lambda conf: conf.get("concat_method", "json") != "json"):
        yield _unheard("concat_method is not json", routes, "set concat_method: json")
    if routes := where(lambda conf: _batch(conf) > MAX_RECORDS):
        yield _unheard("batches are too long", routes, "set batch_max_size: 50")
    if routes := where(lambda conf: not _authorized(picture, conf.get("auth_header"))):
        advice = f"{_REPLACE}, and set its variable to `Bearer ` and the token"
        yield _unheard("no bearer token is sent", routes, advice)


def _unheard(why: str, routes: str, advice: str) -> Finding:
    found = f"{why}: every report is refused, on {routes}"
    return Finding(LOGGER, ok=False, found=found, advice=advice)


def _batch(conf: Plugins) -> int:
    size = conf.get("batch_max_size", _DEFAULT_BATCH)
    return size if type(size) is int else _DEFAULT_BATCH


def _authorized(picture: Picture, value: object) -> bool:
    """Answer whether a token is sent as one; a reference that nobody looks up is none."""
    if not isinstance(value, str):
        return False
    if value.lower().startswith(("$env://", "$secret://")):
        return not picture.version or picture.version >= REFERENCES_SINCE
    return bool(_TOKEN.fullmatch(value) or _REFERENCE.fullmatch(value))
