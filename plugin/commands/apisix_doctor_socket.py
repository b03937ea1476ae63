"""The part of `gatepass apisix doctor` about the runner's socket: whom it lets in.

Looked at is the file, where there is one on this machine: the one that config.yaml names, or the
last one that a spawned runner made beside config.yaml. nginx's workers must be able to write it.
Who they are is known where config.yaml names the account, or where the runner is root's: then the
master is root, and its workers are `nobody` unless it says otherwise.
"""

import grp
import pwd
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from gatepass.plugin.commands.finding import Finding, note

_NOBODY = "nobody"
_ROOT = 0
_SPAWNED = "apisix-*.sock"


class SocketModes(NamedTuple):
    """Who may do what with a file, by its mode and the ids of its owner and its group."""

    mode: int
    uid: int
    gid: int

    def may_write(self, uid: int, gids: Collection[int]) -> bool:
        """Answer whether an account may, which is of these groups."""
        if uid == _ROOT:
            return True
        if uid == self.uid:
            return bool(self.mode & stat.S_IWUSR)
        return bool(self.mode & (stat.S_IWGRP if self.gid in gids else stat.S_IWOTH))


def socket_findings(config: Mapping[str, Any], file: Path) -> Iterator[Finding]:
    """Yield what is to be said about the socket; `file` is where config.yaml is."""
    runner, nginx = config.get("ext-plugin"), config.get("nginx_config")
    runner = runner if isinstance(runner, dict) else {}
    named = nginx.get("user") if isinstance(nginx, dict) else None
    named = named if isinstance(named, str) else ""
    path = runner.get("path_for_test")
    if isinstance(path, str):
        found = _modes(Path(path))
        if found is not None and named:
            yield from beside_findings(found, named)
    elif runner.get("cmd"):
        found = _last_spawned(file.parent)
        if found is not None:
            yield from spawned_findings(found, named)


def beside_findings(socket: SocketModes, workers: str) -> Iterator[Finding]:
    """Yield what is to be said where config.yaml names the workers' account."""
    if _is_shut_out(socket, workers):
        yield note(
            "path_for_test",
            "nginx_config.user may not write the socket: every request that is judged gets 503, if "
            "APISIX's master is root",
            "set doors.apisix.group to a group of that account",
        )


def spawned_findings(socket: SocketModes, workers: str) -> Iterator[Finding]:
    """Yield what is to be said of the socket that a spawned runner made."""
    if socket.uid == _ROOT and _is_shut_out(socket, workers or _NOBODY):
        yield Finding(
            "ext-plugin",
            ok=False,
            found="the runner's socket is root's, and nginx's workers may not write it: every "
            "request that is judged gets 503",
            advice="set doors.apisix.owner to the account of nginx's workers, nobody by default",
        )


def _is_shut_out(socket: SocketModes, workers: str) -> bool:
    """Answer whether these workers, `ACCOUNT` or `ACCOUNT GROUP`, surely may not write."""
    account, *group = workers.split()[:2]
    try:
        found = pwd.getpwnam(account)
    except KeyError:  # this machine is not that of nginx, or shares no accounts with it
        return False
    gids = {found.pw_gid}
    with suppress(KeyError):  # nginx without a group takes the one of the account's name
        gids.add(grp.getgrnam(group[0] if group else account).gr_gid)
    gids |= {each.gr_gid for each in grp.getgrall() if account in each.gr_mem}
    return not socket.may_write(found.pw_uid, gids)


def _last_spawned(folder: Path) -> SocketModes | None:
    with suppress(OSError):
        sockets = sorted(folder.glob(_SPAWNED), key=lambda path: path.stat().st_mtime)
        return _modes(sockets[-1]) if sockets else None
    return None


def _modes(path: Path) -> SocketModes | None:
    with suppress(OSError, ValueError):
        found = path.stat()
        if stat.S_ISSOCK(found.st_mode):
            return SocketModes(found.st_mode, found.st_uid, found.st_gid)
    return None
