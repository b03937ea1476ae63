"""What the commands that print a gateway's configuration are told, checked before it is written.

Names, URLs and paths have plain shapes: nothing of them could leave its place in a configuration.
"""

import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.urls import is_plain_url_path, problem_of
from gatepass.plugin.gateways.upstreams import Service

_COMMAND = "gatepass"
_HOW = "write NAME=URL, such as llm=http://127.0.0.1:4000"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_PLAIN_PATH = re.compile(r"/[\w.~/+-]+", re.ASCII)


def check_profile(profile: str, profiles: Collection[str]) -> None:
    """Check that there is a profile of this name.

    Raises:
        ConfigurationError: there is none.

    """
    if profile not in profiles:
        there = ", ".join(sorted(profiles))
        raise ConfigurationError([f"--profile: there is none of this name; there are: {there}"])


def is_plain_path(path: Path) -> bool:
    """Answer whether a path of a file is absolute and of plain characters only."""
    return _PLAIN_PATH.fullmatch(str(path)) is not None


def check_program(program: Path | None) -> Path:
    """Return how a gateway starts `gatepass`; None is the program that runs now.

    Raises:
        ConfigurationError: no plain absolute path, or none is to be found.

    """
    program = program or running_program()
    if not is_plain_path(program):
        raise ConfigurationError(["--program: write an absolute path without blanks"])
    return program


def running_program() -> Path:
    """Return the whole path of the `gatepass` that runs: as called, beside its Python, or in PATH.

    Links are not followed: where one leads may change with an upgrade.

    Raises:
        ConfigurationError: it is at none of these places.

    """
    beside_python = str(Path(sys.executable).with_name(_COMMAND))
    for place in (sys.argv[0], beside_python, _COMMAND):
        found = shutil.which(place)
        if found is not None and Path(found).name == _COMMAND:
            return Path(found).absolute()
    raise ConfigurationError(["--program: say where `gatepass` is; it is not in PATH"])


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
        if not (_NAME.fullmatch(name) and url.startswith(("http://", "https://"))):
            problems.append(f"--service: {_HOW}")
        elif (problem := problem_of(url)) is not None:
            problems.append(f"--service: {name}: {problem}; {_HOW}")
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
    seen: set[str] = set()
    only = next(iter(urls), None) if len(urls) == 1 else None
    for route in routes:
        given, _, path = route.rpartition("=")
        name = given or only
        if not is_plain_url_path(path):
            problems.append("--route: write /PATH or NAME=/PATH; the path is a plain prefix")
        elif name is None:
            problems.append("--route: there are several services; write NAME=/PATH")
        elif name not in paths:
            problems.append("--route: names a service that no --service names")
        elif path in seen:
            problems.append(f"--route: {path} stands there twice")
        else:
            seen.add(path)
            paths[name].append(path)
    for name, prefixes in paths.items():
        if not prefixes and only is None:
            problems.append(f"--route: there is none for {name}; write {name}=/PATH")
        elif not prefixes:
            prefixes.append("/")
    return paths
