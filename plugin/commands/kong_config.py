"""`gatepass kong config`: a complete configuration of Kong for some services, on stdout.

Everything that is written into it is checked first, by the shape of plain names, URLs and paths.
"""

from collections.abc import Sequence
from pathlib import Path

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.config_options import (
    check_profile,
    check_program,
    is_plain_path,
    read_services,
)
from gatepass.plugin.gateways.kong.declarative import Surroundings, declare
from gatepass.plugin.settings import compile_settings, load_settings

_NO_DOOR = "doors.kong: not there; say under doors.kong.socket where Kong finds Gatepass"


def run_kong_config(
    path: Path,
    services: Sequence[str],
    profile: str = "default",
    routes: Sequence[str] = (),
    program: Path | None = None,
) -> int:
    """Print the configuration and return the exit status, 0.

    `services` are `NAME=URL`. `routes` are `NAME=/PATH`, or `/PATH` where there is one service,
    which gets all paths if none is named. `program` is how Kong, whose environment is empty, starts
    `gatepass`; None is the program that runs now.

    Raises:
        ConfigurationError: the settings or the options cannot be used, or there is no such profile.

    """
    compiled = compile_settings(load_settings(path))
    if compiled.kong is None:
        raise ConfigurationError([_NO_DOOR])
    check_profile(profile, compiled.policy.profiles)
    program = check_program(program)
    for place, name in ((path.absolute(), "-c"), (compiled.kong.socket, "doors.kong.socket")):
        if not is_plain_path(place):
            raise ConfigurationError([f"{name}: Kong's files take paths of plain characters only"])
    around = Surroundings(compiled.kong, settings=path.absolute(), program=program)
    typer.echo(declare(read_services(services, routes), profile, around), nl=False)
    return 0
