"""The part of `gatepass apisix doctor` about APISIX's version, and what needs a later one.

What is configured counts, not what could be: the guard alone needs least. The versions are those of
docs/gateways/apisix.md, which says of each whether it was tried.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gatepass.plugin.commands.apisix_doctor_picture import Picture, Plugins
from gatepass.plugin.commands.apisix_doctor_scopes import coverage_of
from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.gateways.apisix.names import LOGGER, RESPONSES

BODIES_SINCE = (2, 12)
"""The first version in which a runner may ask for the body."""

DATA_PLANE_SINCE = (2, 15)
"""The first version that reads `deployment.role: data_plane` of config.yaml."""

HTTP2_BODIES = ((3, 9), (3, 17))
"""From the first to before the second, bodies over HTTP/2 without a length are not shown."""

CLEARS_HEADERS_SINCE = (3, 17)
"""The first version whose forward-auth removes what the answer does not set."""


class Need(NamedTuple):
    """What a configuration of plugins needs, and what happens without it."""

    is_configured: Callable[[Mapping[str, Plugins]], object]
    since: tuple[int, ...]
    without: str


NEEDS = (
    Need(
        lambda plugins: RESPONSES in plugins,
        (3, 0),
        f"{RESPONSES} cannot show bodies",
    ),
    Need(
        lambda plugins: plugins.get(LOGGER, {}).get("log_format"),
        (3, 2),
        f"{LOGGER} has no log_format of its own, and reports nothing that is understood",
    ),
    Need(
        lambda plugins: "llm_prompt_tokens" in str(plugins.get(LOGGER, {}).get("log_format")),
        (3, 14),
        "ai-proxy tells nobody how many tokens it counted",
    ),
    Need(
        lambda plugins: plugins.get("forward-auth", {}).get("extra_headers"),
        (3, 14),
        "forward-auth has no extra_headers, and does not tell the raw path",
    ),
)


def version_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about the version."""
    version = picture.version
    if not version:
        advice = "compare it with docs/gateways/apisix.md yourself, or ask the Admin API"
        yield note("version", "not known", advice)
        return
    text = ".".join(map(str, version))
    if version < BODIES_SINCE:
        yield Finding(
            "version",
            ok=False,
            found=f"{text}: a runner cannot ask for the body, and calls of models are refused",
            advice="upgrade to 3.17 or later",
        )
        return
    needs = list(_unmet(picture, text))
    yield from needs or [Finding("version", ok=True, found=text)]
    if HTTP2_BODIES[0] <= version < HTTP2_BODIES[1]:
        yield note(
            "HTTP/2",
            f"{text} shows no bodies that come over it without a length; such calls are refused",
            "upgrade to 3.17 or later",
        )
    uses = [state.route.title for state in coverage_of(picture) if "forward-auth" in state.plugins]
    if uses and version < CLEARS_HEADERS_SINCE:
        yield Finding(
            "forward-auth",
            ok=False,
            found=f"{text} lets a client's identity header pass where the answer sets none, on "
            f"{listed(uses)}",
            advice="upgrade to 3.17, or take the headers away first; `gatepass apisix config --way "
            "forward-auth` prints how",
        )


def file_version_findings(picture: Picture, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is to be said about config.yaml, read by this version."""
    deployment = config.get("deployment")
    if not isinstance(deployment, dict) or deployment.get("role") != "data_plane":
        return
    if BODIES_SINCE <= picture.version < DATA_PLANE_SINCE:
        text = ".".join(map(str, picture.version))
        yield Finding(
            "version",
            ok=False,
            found=f"{text} does not read `deployment` of config.yaml, and looks for etcd",
            advice="upgrade to 3.17 or later",
        )


def _unmet(picture: Picture, text: str) -> Iterator[Finding]:
    states = coverage_of(picture)
    for need in NEEDS:
        routes = [state.route.title for state in states if need.is_configured(state.plugins)]
        if routes and picture.version < need.since:
            since = ".".join(map(str, need.since))
            yield Finding(
                "version",
                ok=False,
                found=f"{text}: {need.without}, on {listed(routes)}",
                advice=f"upgrade to 3.17; {since} is the least for this",
            )
