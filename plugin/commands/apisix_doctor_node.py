"""The part of `gatepass apisix doctor` about the node: its version, and its config.yaml.

No API of APISIX shows the file; whoever wants it looked at names it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gatepass.plugin.commands.apisix_doctor_picture import Picture
from gatepass.plugin.commands.apisix_doctor_scopes import coverage_of
from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.gateways.apisix.names import AUTHORIZATION_VARIABLE, GUARD, LOGGER

BODIES_SINCE = (2, 12)
"""The first version in which a runner may ask for the body."""

HTTP2_BODIES = ((3, 9), (3, 17))
"""From the first to before the second, bodies over HTTP/2 without a length are not shown."""

CLEARS_HEADERS_SINCE = (3, 17)
"""The first version whose forward-auth removes what the answer does not set."""

_EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})
_MAX_FILE_BYTES = 1024 * 1024


def node_findings(picture: Picture, file: Path | None) -> Iterator[Finding]:
    """Yield what is to be said about the node."""
    yield from _version(picture)
    if file is None:
        yield note(
            "config.yaml",
            "not shown by APISIX: which runner it asks, and how long a body may be",
            "give it with --config-yaml",
        )
        return
    try:
        config = _read(file)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        found = "cannot be read as YAML"
        yield Finding("config.yaml", ok=False, found=found, advice="name APISIX's own config.yaml")
        return
    yield from _runner(config)
    yield from _nginx(picture, _section(config, "nginx_config"))
    yield from _plugins(config)


def _version(picture: Picture) -> Iterator[Finding]:
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
    yield Finding("version", ok=True, found=text)
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


def _read(file: Path) -> Mapping[str, Any]:
    with file.open("rb") as stream:
        octets = stream.read(_MAX_FILE_BYTES + 1)
    if len(octets) > _MAX_FILE_BYTES:
        raise ValueError
    document = yaml.safe_load(octets)
    if not isinstance(document, dict):
        raise ValueError  # noqa: TRY004 - what the caller takes for unreadable
    return document


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def _runner(config: Mapping[str, Any]) -> Iterator[Finding]:
    runner = _section(config, "ext-plugin")
    socket, command = runner.get("path_for_test"), runner.get("cmd")
    if not (socket or command):
        yield Finding(
            "ext-plugin",
            ok=False,
            found="no runner is configured: every request that is judged gets 503",
            advice="put what `gatepass apisix config --print config.yaml` prints into it",
        )
    elif socket and command:
        yield note(
            "ext-plugin",
            "APISIX starts one runner, and asks another at path_for_test",
            "take `cmd` out",
        )
    elif command:
        yield note(
            "ext-plugin",
            "APISIX starts the runner: usage that is reported to `gatepass serve` settles nothing",
            "run `gatepass serve` beside APISIX, and name its socket as path_for_test",
        )
    else:
        yield Finding("ext-plugin", ok=True, found="a runner beside APISIX")


def _nginx(picture: Picture, nginx: Mapping[str, Any]) -> Iterator[Finding]:
    http = _section(nginx, "http")
    if str(http.get("client_max_body_size", 0)) in {"0", "0m", "0k"}:
        yield note(
            "client_max_body_size",
            "APISIX takes in bodies of any length before Gatepass sees them",
            "set nginx_config.http.client_max_body_size",
        )
    trusted = http.get("real_ip_from")
    if isinstance(trusted, list) and not _EVERYBODY.isdisjoint(map(str, trusted)):
        yield Finding(
            "real_ip_from",
            ok=False,
            found="holds everybody: each client says itself where it comes from",
            advice="name the addresses of your load balancers, or leave it out",
        )
    variables = nginx.get("envs")
    named = {str(name).partition("=")[0] for name in variables or () if isinstance(variables, list)}
    if _reports(picture) and AUTHORIZATION_VARIABLE not in named:
        yield note(
            "envs",
            f"{AUTHORIZATION_VARIABLE} is not among them; what {LOGGER} refers to stays unset",
            "name it under nginx_config.envs, or see that another way brings the token",
        )


def _reports(picture: Picture) -> bool:
    return any(LOGGER in state.plugins for state in coverage_of(picture) if state.judged)


def _plugins(config: Mapping[str, Any]) -> Iterator[Finding]:
    plugins = config.get("plugins")
    if isinstance(plugins, list) and GUARD not in plugins:
        yield Finding(
            "plugins",
            ok=False,
            found=f"{GUARD} is not in the list: APISIX leaves it out wherever it is configured",
            advice=f"name {GUARD} under `plugins`",
        )
