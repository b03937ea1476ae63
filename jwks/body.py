"""A body is counted as it arrives and again as it is inflated (SEC-22).

gzip is the only encoding; it is one whole member, its checksum right, with nothing behind it. What
the body says is left to others.
"""

import zlib
from typing import Final

from gatepass.jwks.errors import KeySourceUnavailable

_GZIP_WINDOW: Final = 31
"""The largest window, with the header and checksum of gzip and of nothing else (zlib's manual)."""


class Body:
    """Collects a body that is sent as it is."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._received = 0
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the next part of the body.

        Raises:
            KeySourceUnavailable: for more than `max_bytes`, or a broken encoding.

        """
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise KeySourceUnavailable("too large")
        self._content += self._decoded(chunk)
        if len(self._content) > self._max_bytes:
            raise KeySourceUnavailable("too large")

    def whole(self) -> bytes:
        """Return the body once the last part was fed.

        Raises:
            KeySourceUnavailable: when its encoding says that something is missing or too much.

        """
        return bytes(self._content)

    def _decoded(self, chunk: bytes) -> bytes:
        return chunk


class GzipBody(Body):
    """Collects a gzip body and never inflates more than one byte above the cap."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)

    def whole(self) -> bytes:
        """Return the inflated body."""
        if not self._inflater.eof or self._inflater.unused_data:
            raise KeySourceUnavailable("not gzip")
        return super().whole()

    def _decoded(self, chunk: bytes) -> bytes:
        try:
            return self._inflater.decompress(chunk, self._max_bytes + 1 - len(self._content))
        except zlib.error as broken:
            raise KeySourceUnavailable("not gzip") from broken


def make_body(encoding: bytes, max_bytes: int) -> Body:
    """Return what collects a body of this `Content-Encoding`.

    Raises:
        KeySourceUnavailable: for an encoding that was not asked for.

    """
    match encoding.strip().lower():
        case b"" | b"identity":
            return Body(max_bytes)
        case b"gzip":
            return GzipBody(max_bytes)
    raise KeySourceUnavailable("encoding")
