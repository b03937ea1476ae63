"""The part of `gatepass check` about the sockets of the doors for Kong and APISIX.

Looked at is what a start would refuse: the accounts, the folder, what stands at the path; and to
root is said whom its socket would keep out. Nothing is made. Whether the socket may be given away
is left to the start: who checks may be another account than who serves.
"""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.finding import Finding, note
from gatepass.plugin.gateways.accounts import SocketFile, accounts_of, check_folder
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.settings import Compiled

_EMPTIED_AT_BOOT = (Path("/run"), Path("/var/run"))


def door_findings(compiled: Compiled, *, as_root: bool = False) -> list[Finding]:
    """Return what is to be said of each door with a socket; may wait for a directory service.

    `as_root` says that root asks, who then probably serves as well.
    """
    findings: list[Finding] = []
    for name, door in (("doors.kong", compiled.kong), ("doors.apisix", compiled.apisix)):
        if door is None:
            continue
        path = door.socket or Path()  # nowhere: APISIX says where it is
        file = SocketFile(name, path, door.mode, door.owner, door.group)
        wrong = list(_refused(accounts_of, file))
        if door.socket is not None:
            wrong += _refused(check_folder, file)
            wrong += _place(file)
        findings += wrong or [Finding(name, ok=True, found=_all_well(door.socket))]
    if as_root and compiled.apisix is not None:
        findings += _of_root(compiled.apisix)
    return findings


def _of_root(door: ApisixDoor) -> Iterator[Finding]:
    """Say who cannot open a socket that root makes for APISIX, whose workers are not root."""
    if door.owner is None and door.group is None:
        yield note(
            "doors.apisix.owner",
            "neither an owner nor a group: a runner that root runs makes a socket of root's, which "
            "nginx's workers may not open, and every request gets 503",
            "set owner to the account of nginx's workers, nobody by default",
        )


def _refused(check: Callable[[SocketFile], object], file: SocketFile) -> Iterator[Finding]:
    try:
        check(file)
    except ConfigurationError as error:
        subject, _, found = error.problems[0].partition(": ")
        yield Finding(subject, ok=False, found=found, advice=f"mend that, or change {subject}")


def _place(file: SocketFile) -> Iterator[Finding]:
    subject, folder = f"{file.door}.socket", file.path.parent
    try:
        if not stat.S_ISSOCK(file.path.lstat().st_mode):
            found = f"{file.path} is there and is no socket"
            yield Finding(subject, ok=False, found=found, advice="move it away, or name another")
    except FileNotFoundError:
        if not folder.exists():
            yield _no_folder(subject, folder)
    except OSError as error:
        found = f"{folder} cannot be looked into: {error.strerror or type(error).__name__}"
        advice = "see that it is a folder, and that the account that serves may write it"
        yield Finding(subject, ok=False, found=found, advice=advice)


def _no_folder(subject: str, folder: Path) -> Finding:
    found = f"{folder} is not there"
    if any(folder.is_relative_to(place) for place in _EMPTIED_AT_BOOT):
        advice = "see that it is made before each start, as by RuntimeDirectory= of systemd"
        return note(subject, found, advice)
    return Finding(subject, ok=False, found=found, advice=f"make it: mkdir -m 750 {folder}")


def _all_well(path: Path | None) -> str:
    return "the gateway says where" if path is None else f"{path} can be had"
