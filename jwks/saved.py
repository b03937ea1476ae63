"""The last good key set of an issuer on disk, so that a restart during its outage still verifies.

A file is believed only if

1. it is a regular file, not a link, of ours, that nobody else may write, in a folder of that kind;
2. it says that it is for this issuer and this place of its keys, and its digest is right;
3. it was loaded at a time that is not to come, and not longer ago than keys may be used. Here alone
   the wall clock tells the age of keys: no other one outlives a process.

What is believed is read like a document that was fetched just now. Files are replaced in one step,
so that several processes may share a folder. Public keys are no secret, but whoever may write here
decides whose tokens are good.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from gatepass.jwks.errors import GatepassError
from gatepass.jwks.limits import DEFAULT_LIMITS

NOT_THERE = "not there"
_MAX_HEAD_BYTES = 8192
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """The first line of a file; `loaded_at` is in seconds since the epoch."""

    issuer: str
    place: str
    loaded_at: float
    sha256: str


class NotSaved(GatepassError):
    """There is no saved key set that can be believed, or it cannot be saved; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__("keys_not_saved", "the issuer's keys are not kept on disk")
        self.detail = detail


@dataclass(frozen=True, slots=True)
class SavedKeys:
    """One issuer's file in a folder; `place` names where the keys come from."""

    folder: Path
    issuer: str
    place: str
    max_bytes: int = DEFAULT_LIMITS.max_key_set_bytes
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        name = sha256(f"{self.issuer}\0{self.place}".encode()).hexdigest()
        object.__setattr__(self, "path", self.folder / f"{name}.jwks")

    def write(self, document: bytes, loaded_at: float) -> None:
        """Keep a document; `loaded_at` is when its load began, in seconds since the epoch.

        Raises:
            NotSaved: when the folder cannot be written, or others may write there.

        """
        head = _Head(self.issuer, self.place, loaded_at, sha256(document).hexdigest())
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_owner(self.folder.stat())
            with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
                temporary = Path(file.name)
                with _gone_unless_done(temporary):
                    file.write(msgspec.json.encode(head) + b"\n" + document)
                    file.flush()
                    temporary.replace(self.path)
        except OSError as failure:
            raise NotSaved("cannot be written") from failure

    def read(self, now: float, max_age_seconds: float) -> tuple[bytes, float]:
        """Return the document and its age in seconds; `now` is in seconds since the epoch.

        Raises:
            NotSaved: when there is none that can be believed.

        """
        head_line, _, document = self._content().partition(b"\n")
        try:
            head = msgspec.json.decode(head_line, type=_Head)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise NotSaved("cannot be read") from None
        if (head.issuer, head.place) != (self.issuer, self.place):
            raise NotSaved("of another issuer")
        if head.sha256 != sha256(document).hexdigest():
            raise NotSaved("not whole")
        age = now - head.loaded_at
        if not 0 <= age <= max_age_seconds:
            raise NotSaved("too old" if age > 0 else "from the future")
        return document, age

    def _content(self) -> bytes:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            _check_owner(self.folder.stat())
            with os.fdopen(os.open(self.path, flags), "rb") as file:
                status = os.fstat(file.fileno())
                _check_owner(status)
                if not stat.S_ISREG(status.st_mode):
                    raise NotSaved("not a file")
                content = file.read(self.max_bytes + _MAX_HEAD_BYTES + 1)
        except FileNotFoundError:
            raise NotSaved(NOT_THERE) from None
        except OSError as failure:
            raise NotSaved("cannot be read") from failure
        if len(content) > self.max_bytes + _MAX_HEAD_BYTES:
            raise NotSaved("too large")
        return content


def check_folder(folder: Path) -> None:
    """Look whether a folder is one whose files are believed; one that is not there will be.

    Raises:
        NotSaved: it is not.

    """
    try:
        status = folder.stat()
    except FileNotFoundError:
        return
    except OSError as failure:
        raise NotSaved("cannot be read") from failure
    if not stat.S_ISDIR(status.st_mode):
        raise NotSaved("not a folder")
    _check_owner(status)


def _check_owner(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE:
        raise NotSaved("others may write there")


@contextmanager
def _gone_unless_done(temporary: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
