"""Frames out of a stream: a head of four bytes that says the length, then so many bytes.

Gateways send heads and contents apart, and nothing says where a read ends; so what is not complete
is kept, without being joined again and again. A frame above the limit is never kept: it is
announced, and its bytes are dropped as they come.
"""

import asyncio
from collections.abc import Callable
from struct import Struct

HEAD_BYTES = 4
HEADERS_LIMIT = 1024 * 1024
"""More than nginx lets through of a request's head, many times over."""


native_length: Callable[[bytes, int], tuple[int]] = Struct("=I").unpack_from
"""Returns what four bytes say in the machine's own byte order, as a tuple of one."""


class FramedProtocol(asyncio.Protocol):
    """Cuts what arrives into frames; `limit` bounds the next one, in bytes.

    `read_size` returns the length that the head at a position says, as a tuple of one; `first` is
    how many bytes of the head do not belong to what is delivered.
    """

    read_size: Callable[[bytes, int], tuple[int]] = staticmethod(native_length)
    first = HEAD_BYTES

    limit = HEADERS_LIMIT
    deaf = False
    """Set when nothing that still arrives matters."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._have = 0
        self._wanted = 0
        self._skip = 0

    def frames_received(self, messages: list[bytes]) -> None:
        """Take the contents of frames, in their order."""
        raise NotImplementedError

    def frame_too_large(self) -> None:
        """Take note of a frame above the limit."""
        raise NotImplementedError

    def frame_begun(self) -> None:
        """Take note of a frame of which only the beginning is there."""

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if not (self._kept or self._skip) and len(data) >= HEAD_BYTES:
            (size,) = self.read_size(data, 0)
            if size + HEAD_BYTES == len(data) and size <= self.limit:  # as it mostly is
                self._deliver([data[self.first :]])
                return
        self._take_pieces(data)

    def _take_pieces(self, data: bytes) -> None:
        if self._kept:
            self._kept.append(data)
            self._have += len(data)
            if self._have < self._wanted:
                return
            data = b"".join(self._kept)
            self._kept.clear()
        at, end = 0, len(data)
        if self._skip:
            at = min(self._skip, end)
            self._skip -= at
        messages: list[bytes] = []
        wanted = HEAD_BYTES
        while end - at >= HEAD_BYTES:
            (size,) = self.read_size(data, at)
            content = at + HEAD_BYTES
            if size > self.limit:
                self._skip = max(0, content + size - end)
                at = min(content + size, end)
                self._deliver(messages)
                messages = []
                if not self.deaf:
                    self.frame_too_large()
            elif content + size <= end:
                messages.append(data[at + self.first : content + size])
                at = content + size
            else:
                wanted = HEAD_BYTES + size
                break
        self._deliver(messages)
        if at < end and not self.deaf:
            self._kept.append(data[at:])
            self._have, self._wanted = end - at, wanted
            self.frame_begun()

    def _deliver(self, messages: list[bytes]) -> None:
        if messages and not self.deaf:
            self.frames_received(messages)
