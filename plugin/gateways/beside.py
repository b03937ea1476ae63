"""The sockets that wait beside a path: their names, who listens there, and what may be removed.

A name is PATH.PID.NAMESPACE.RANDOM.next, where NAMESPACE tells in which PID namespace the number
means anything: two containers that share the folder both have a process 1. Rules, in order:

1. Whoever listens counts, whatever its name, and is never removed.
2. Who does not listen counts for nothing. It is removed if the name is of our own PID namespace and
   no such process lives there; our own number is that of a process before us, as in a container
   that was restarted. A namespace's number is given out again only when all its processes are dead.
3. Of another namespace, or of none that is known, a process cannot be seen. It is removed when it
   has not listened for a minute. Between binding and listening a server makes three system calls
   and waits for nothing, so that none is removed there; one that was stopped there for a minute
   finds its socket gone when it claims the path, and ends with an error.
"""

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from gatepass.plugin.gateways.listener import listens

_NAMESPACE = Path("/proc/self/ns/pid")
_UNKNOWN = 0
_ABANDONED_SECONDS = 60.0


def name_beside(path: Path) -> Path:
    """Return a name that nobody else has."""
    mark = secrets.token_hex(3)  # short: a socket's path has 107 bytes at most
    return path.with_name(f"{path.name}.{os.getpid()}.{_namespace():x}.{mark}.next")


def beside(path: Path) -> list[Path]:
    """Return the sockets that wait, or waited, for this path."""
    name = re.compile(re.escape(path.name) + r"\.[0-9]+\.[0-9a-f]+\.[0-9a-f]+\.next")
    try:
        return [entry for entry in path.parent.iterdir() if name.fullmatch(entry.name)]
    except OSError:
        return []  # no folder, or none to look into: binding says so


def clear_abandoned(path: Path) -> None:
    """Remove what killed servers have left beside the path."""
    for entry in beside(path):
        if not somebody_listens(entry) and _is_abandoned(entry):
            with suppress(OSError):
                entry.unlink()


def somebody_listens(path: Path) -> bool:
    """Answer whether somebody listens at the path; in doubt yes, as without a free descriptor."""
    try:
        return listens(path)
    except OSError:
        return True


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells this file from all others that exist, or None if there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_abandoned(entry: Path) -> bool:
    pid, namespace, _, _ = entry.name.rsplit(".", 4)[1:]
    ours = _namespace()
    if ours != _UNKNOWN and int(namespace, 16) == ours and not _is_alive(int(pid)):
        return True
    try:
        return time.time() - entry.lstat().st_ctime > _ABANDONED_SECONDS
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    """Answer whether a process before us may still be on its way to listening."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _namespace() -> int:
    try:
        return _NAMESPACE.stat().st_ino
    except OSError:
        return _UNKNOWN
