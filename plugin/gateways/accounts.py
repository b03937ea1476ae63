"""Whom a socket's file belongs to: mode, group and owner as the settings name them.

The owner comes last, because afterwards the file is no longer ours to change.
"""

import grp
import os
import pwd
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gateways.kong.bounds import KongDoor

_UNCHANGED = -1


def give_to(path: Path, door: KongDoor) -> None:
    """Set mode, group and owner of the file.

    Raises:
        ConfigurationError: an account that does not exist, or that we may not give it to.

    """
    path.chmod(door.mode)
    if door.group is not None:
        _give(path, "group", _UNCHANGED, _group_id(door.group))
    if door.owner is not None:
        _give(path, "owner", _user_id(door.owner), _UNCHANGED)


def _user_id(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as unknown:
        raise _wrong("owner", "there is no such account on this machine") from unknown


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as unknown:
        raise _wrong("group", "there is no such group on this machine") from unknown


def _give(path: Path, setting: str, user: int, group: int) -> None:
    try:
        os.chown(path, user, group)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise _wrong(setting, f"the socket cannot be given away: {why}") from error


def _wrong(setting: str, why: str) -> ConfigurationError:
    return ConfigurationError([f"doors.kong.{setting}: {why}"])
