"""The part of `gatepass apisix doctor` about the node's config.yaml.

No API of APISIX shows the file; whoever wants it looked at names it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from gatepass.plugin.commands.apisix_doctor_picture import Picture
from gatepass.plugin.commands.apisix_doctor_scopes import coverage_of
from gatepass.plugin.commands.apisix_doctor_socket import socket_findings
from gatepass.plugin.commands.apisix_doctor_versions import file_version_findings
from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.gateways.apisix.names import AUTHORIZATION_VARIABLE, GUARD, LOGGER

_EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})
_MAX_FILE_BYTES = 1024 * 1024


def node_findings(picture: Picture, file: Path | None) -> Iterator[Finding]:
    """Yield what is to be said about the node."""
    if file is None:
        yield note(
            "config.yaml",
            "not shown by APISIX: which runner it asks, and how long a body may be",
            "give it with --config-yaml",
        )
        return
    try:
        config = _read(file)
    except _Unreadable as error:
        advice = "name APISIX's own config.yaml"
        yield Finding("config.yaml", ok=False, found=str(error), advice=advice)
        return
    yield from file_version_findings(picture, config)
    yield from _runner(config)
    yield from socket_findings(config, file)
    yield from _nginx(picture, _section(config, "nginx_config"))
    yield from _plugins(config)


class _Unreadable(Exception):
    """The file says nothing, and why."""


def _read(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            octets = stream.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise _Unreadable("is not there") from error
    except OSError as error:
        raise _Unreadable(f"cannot be read: {error.strerror or type(error).__name__}") from error
    if len(octets) > _MAX_FILE_BYTES:
        raise _Unreadable(f"is longer than {_MAX_FILE_BYTES >> 20} MiB")
    try:
        document = yaml.safe_load(octets)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise _Unreadable("cannot be read as YAML") from error
    if document is None:
        raise _Unreadable("is empty")
    if not isinstance(document, dict):
        raise _Unreadable("holds no settings by their names")
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
