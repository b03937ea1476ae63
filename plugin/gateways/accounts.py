"""Whose a socket is: the accounts and the mode of its file, and who may write its folder.

Rules, in order:

1. In a folder that everybody may write, somebody else could put a socket at the path before us, and
   be asked in our place. Such a folder is refused.
2. Accounts are looked up before the file is there: that may take long, as in a directory service.
3. The owner comes last, because afterwards the file is no longer ours to change.
"""

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError

_UNCHANGED = -1


@dataclass(frozen=True, slots=True)
class SocketFile:
    """The socket of a door: its path, and to whom its file shall belong.

    `door` names the part of the settings that says so, as in `doors.kong`. None leaves an account
    as it is.
    """

    door: str
    path: Path
    mode: int = 0o660
    owner: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Accounts:
    """The ids behind the names; -1 leaves what is there."""

    user: int
    group: int


def check_folder(file: SocketFile) -> None:
    """Refuse a folder that everybody may write; one that is not there is left to binding.

    Raises:
        ConfigurationError: everybody may write it.

    """
    folder = file.path.parent
    try:
        mode = folder.stat().st_mode
    except OSError:
        return
    if mode & stat.S_IWOTH:
        sentence = (
            f"{file.door}.socket: everybody may write in {folder}, and so could put a socket of "
            "their own in place of ours; use a folder that only ours may write: "
            "RuntimeDirectory= of systemd, or mkdir -m 750"
        )
        raise ConfigurationError([sentence])


def accounts_of(file: SocketFile) -> Accounts:
    """Look the accounts up.

    Raises:
        ConfigurationError: an account that does not exist.

    """
    user = group = _UNCHANGED
    if file.group is not None:
        try:
            group = grp.getgrnam(file.group).gr_gid
        except KeyError as unknown:
            raise _wrong(file, "group", "there is no such group on this machine") from unknown
    if file.owner is not None:
        try:
            user = pwd.getpwnam(file.owner).pw_uid
        except KeyError as unknown:
            raise _wrong(file, "owner", "there is no such account on this machine") from unknown
    return Accounts(user, group)


def give_to(path: Path, file: SocketFile, accounts: Accounts) -> None:
    """Set mode, group and owner of the socket, which stands at `path` for now.

    Raises:
        ConfigurationError: an account that we may not give it to.

    """
    path.chmod(file.mode)
    if accounts.group != _UNCHANGED:
        _give(path, file, "group", Accounts(_UNCHANGED, accounts.group))
    if accounts.user != _UNCHANGED:
        _give(path, file, "owner", Accounts(accounts.user, _UNCHANGED))


def _give(path: Path, file: SocketFile, setting: str, accounts: Accounts) -> None:
    try:
        os.chown(path, accounts.user, accounts.group)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise _wrong(file, setting, f"the socket cannot be given away: {why}") from error


def _wrong(file: SocketFile, setting: str, why: str) -> ConfigurationError:
    return ConfigurationError([f"{file.door}.{setting}: {why}"])
