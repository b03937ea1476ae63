"""An issuer's file on disk as the keeper uses it: in threads, because a disk may be slow or away.

Nobody ever waits for a write, and no failure here is one of the keys: each kind is told of once.
"""

import asyncio
import logging
from collections.abc import Callable

from gatepass.jwks.saved import NOT_THERE, NotSaved, SavedKeys

_log = logging.getLogger(__name__)

_CLOSE_SECONDS = 1.0


class DiskCopy:
    """The last good key set of one issuer; `wall` tells the time in seconds since the epoch."""

    def __init__(self, files: SavedKeys, wall: Callable[[], float]) -> None:
        self._files = files
        self._wall = wall
        self._told = {NOT_THERE}
        self._next: tuple[bytes, float] | None = None
        self._writing: asyncio.Task[None] | None = None

    def keep(self, document: bytes, loaded_at: float) -> None:
        """Begin to write a document that was loaded then; while a disk is slow the newest waits."""
        self._next = document, loaded_at
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def recall(self, max_age_seconds: float) -> tuple[bytes, float] | None:
        """Return the document and its age in seconds, None where there is none to believe."""
        try:
            return await asyncio.to_thread(self._files.read, self._wall(), max_age_seconds)
        except NotSaved as missing:
            self._tell("the keys on disk are not used", missing)
            return None

    async def close(self) -> None:
        """Let a write under way come to its end, for a moment."""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing}, timeout=_CLOSE_SECONDS)

    async def _write(self) -> None:
        while self._next is not None:
            (document, loaded_at), self._next = self._next, None
            try:
                await asyncio.to_thread(self._files.write, document, loaded_at)
            except NotSaved as failure:
                self._tell("keys not kept on disk", failure)

    def _tell(self, what: str, why: NotSaved) -> None:
        if why.detail not in self._told:
            self._told.add(why.detail)
            _log.warning("issuer %s: %s: %s", self._files.issuer, what, why.detail)
