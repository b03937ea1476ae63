"""`gatepass kong config`: a complete configuration of Kong for some services, on stdout.

Everything that is written into it is checked first, by the shape of plain names, URLs and paths.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.kong.declarative import Service, Surroundings, declare
from gatepass.plugin.settings import compile_settings, load_settings

DEFAULT_PROGRAM = Path("/usr/local/bin/gatepass")

_NO_DOOR = "doors.kong: not there; say under doors.kong.socket where Kong finds Gatepass"
_HOW = "write NAME=URL, such as llm=http://127.0.0.1:4000"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:/[\w.~/-]*)?",
    re.ASCII,
)
_PATH = re.compile(r"/[\w.~/-]*", re.ASCII)
_PROGRAM = re.compile(r"/[\w.~/+-]+", re.ASCII)


def run_kong_config(
    path: Path,
    services: Sequence[str],
    profile: str = "default",
    routes: Sequence[str] = (),
    program: Path = DEFAULT_PROGRAM,
) -> int:
    """Print the configuration and return the exit status, 0.

    `services` are `NAME=URL`. `routes` are `NAME=/PATH`, or `/PATH` where there is one service,
    which gets all paths if none is named. `program` is how Kong, whose environment is empty, starts
    `gatepass`.

    Raises:
        ConfigurationError: the settings or the options cannot be used, or there is no such profile.

    """
    compiled = compile_settings(load_settings(path))
    profiles = compiled.policy.profiles
    if compiled.kong is None:
        raise ConfigurationError([_NO_DOOR])
    if profile not in profiles:
        there = ", ".join(sorted(profiles))
        raise ConfigurationError([f"--profile: there is none of this name; there are: {there}"])
    if not _PROGRAM.fullmatch(str(program)):
        raise ConfigurationError(["--program: write an absolute path without blanks"])
    for place, name in ((path.absolute(), "-c"), (compiled.kong.socket, "doors.kong.socket")):
        if not _PROGRAM.fullmatch(str(place)):
            raise ConfigurationError([f"{name}: Kong's files take paths of plain characters only"])
    around = Surroundings(compiled.kong, settings=path.absolute(), program=program)
    typer.echo(declare(read_services(services, routes), profile, around), nl=False)
    return 0


def read_services(services: Sequence[str], routes: Sequence[str]) -> tuple[Service, ...]:
    """Return what the options describe.

    Raises:
        ConfigurationError: with every problem: what cannot be read, names that stand twice or are
            not there, and a service without a route where there are several.

    """
    problems: list[str] = []
    urls = _read_urls(services, problems)
    paths = _read_paths(routes, urls, problems)
    if problems:
        raise ConfigurationError(problems)
    return tuple(Service(name, url, tuple(paths[name])) for name, url in urls.items())


def _read_urls(services: Sequence[str], problems: list[str]) -> dict[str, str]:
    urls: dict[str, str] = {}
    for service in services:
        name, _, url = service.partition("=")
        if not (_NAME.fullmatch(name) and _URL.fullmatch(url)):
            problems.append(f"--service: {_HOW}")
        elif name in urls:
            problems.append(f"--service: {name} stands there twice")
        else:
            urls[name] = url
    if not services:
        problems.append(f"--service: name one at least; {_HOW}")
    return urls


def _read_paths(
    routes: Sequence[str], urls: Mapping[str, str], problems: list[str]
) -> dict[str, list[str]]:
    paths: dict[str, list[str]] = {name: [] for name in urls}
    only = next(iter(urls), None) if len(urls) == 1 else None
    for route in routes:
        given, _, path = route.rpartition("=")
        name = given or only
        if not _PATH.fullmatch(path):
            problems.append("--route: write /PATH or NAME=/PATH; the path is a plain prefix")
        elif name is None:
            problems.append("--route: there are several services; write NAME=/PATH")
        elif name not in paths:
            problems.append("--route: names a service that no --service names")
        else:
            paths[name].append(path)
    for name, prefixes in paths.items():
        if not prefixes and only is None:
            problems.append(f"--route: there is none for {name}; write {name}=/PATH")
        elif not prefixes:
            prefixes.append("/")
    return paths
