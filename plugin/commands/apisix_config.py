"""`gatepass apisix config`: complete services, routes and a config.yaml for APISIX, on stdout.

Everything that is written into them is checked first, by the shape of plain names, URLs and paths.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.config_options import (
    check_profile,
    check_program,
    is_plain_path,
    read_services,
)
from gatepass.plugin.commands.urls import is_base_url, problem_of
from gatepass.plugin.gateways.apisix.config_lines import Machine, config_yaml
from gatepass.plugin.gateways.apisix.declarative import Form, Surroundings, Way, declare
from gatepass.plugin.gateways.apisix.forward_auth import DecidingHeaders
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.gateways.upstreams import Service
from gatepass.plugin.headers import fold_name
from gatepass.plugin.inspection import HeaderInspector
from gatepass.plugin.settings import Compiled, compile_settings, load_settings

_NO_DOOR = "doors.apisix: not there; say under doors.apisix.socket where APISIX finds Gatepass"
_NOT_READ = "doors.apisix.read_responses: is false; set it to true, or nothing is read"
_HOP_BY_HOP = frozenset({b"connection", b"upgrade", b"content-encoding"})
"""What forward-auth sends by itself, or must not send in a question of its own."""


@dataclass(frozen=True, slots=True)
class ConfigOptions:
    """The options of the command; `gatepass_url` is "" for the address of the settings."""

    services: Sequence[str] = ()
    routes: Sequence[str] = ()
    profile: str = "default"
    way: str = Way.RUNNER.value
    form: str = Form.STANDALONE.value
    gatepass_url: str = ""
    program: Path | None = None


def run_apisix_config(path: Path, options: ConfigOptions) -> int:
    """Print what is asked for and return the exit status, 0.

    Raises:
        ConfigurationError: the settings or the options cannot be used, or there is no such profile.

    """
    way = _way(options.way)
    form = _form(options.form)
    compiled = compile_settings(load_settings(path))
    if compiled.apisix is None and way is not Way.FORWARD_AUTH:
        raise ConfigurationError([_NO_DOOR])
    if way is Way.POST_RESP and compiled.apisix is not None and not compiled.apisix.read_responses:
        raise ConfigurationError([_NOT_READ])
    check_profile(options.profile, compiled.policy.profiles)
    reports = compiled.http.usage_token is not None
    if form is Form.CONFIG:
        if options.services or options.routes:
            _services(way, options)
        _check_base_url(options.gatepass_url)
        typer.echo(config_yaml(way, _machine(compiled, path, options, reports=reports)), nl=False)
        return 0
    services = _services(way, options)
    url = _gatepass_url(options.gatepass_url, compiled.http.listen)
    around = Surroundings(options.profile, url, reports, _headers(compiled))
    typer.echo(declare(services, way, form, around), nl=False)
    return 0


def _machine(compiled: Compiled, path: Path, options: ConfigOptions, *, reports: bool) -> Machine:
    """Return where things are, as far as a config.yaml may name it."""
    door, settings = compiled.apisix, path.absolute()
    socket = None if door is None else door.socket
    for place, name in ((settings, "-c"), (socket, "doors.apisix.socket")):
        if place is not None and not is_plain_path(place):
            raise ConfigurationError([f"{name}: APISIX's files take plain characters only"])
    max_body = compiled.http.max_body_bytes if door is None else door.max_body_bytes
    return Machine(door, max_body, settings, check_program(options.program), reports)


def _services(way: Way, options: ConfigOptions) -> tuple[Service, ...]:
    """Return what the options describe.

    APISIX sends an upstream the path of the request, and puts none in front; only ai-proxy takes
    a whole URL.
    """
    services = read_services(options.services, options.routes)
    with_path = [service for service in services if urlsplit(service.url).path not in {"", "/"}]
    if with_path and way is not Way.AI_PROXY:
        raise ConfigurationError(["--service: APISIX puts no path in front; leave it out"])
    return services


def _check_base_url(given: str) -> None:
    problem = problem_of(given) if given else None
    if problem is None and given and not is_base_url(given):
        problem = "a path stands in it"
    if problem is not None:
        raise ConfigurationError([f"--gatepass: {problem}; write http://HOST:PORT, without a path"])


def _gatepass_url(given: str, listen: Address) -> str:
    """Return where APISIX reaches our HTTP service."""
    _check_base_url(given)
    if given:
        return given
    if listen.path is not None or ip_address(listen.host).is_unspecified:
        raise ConfigurationError(["--gatepass: say where APISIX reaches doors.http, by its URL"])
    return f"http://{listen}"


def _headers(compiled: Compiled) -> DecidingHeaders:
    inspector = HeaderInspector(
        token_headers=compiled.token_headers,
        identity_headers=compiled.identity_headers.every(),
        team_header=compiled.team_header,
    )
    team = set() if compiled.team_header is None else {fold_name(compiled.team_header)}
    return DecidingHeaders(
        asked=_text(inspector.names - inspector.identity_names - _HOP_BY_HOP),
        identity=_text(inspector.identity_names),
        spent=_text(inspector.credential_names | team),
    )


def _text(names: Collection[bytes]) -> list[str]:
    return sorted(name.decode("ascii") for name in names)


def _way(value: str) -> Way:
    return Way(_known(value, "--way", [way.value for way in Way]))


def _form(value: str) -> Form:
    return Form(_known(value, "--print", [form.value for form in Form]))


def _known(value: str, option: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ConfigurationError([f"{option}: write one of {', '.join(choices)}"])
    return value
